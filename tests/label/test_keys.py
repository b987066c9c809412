"""The table of keys is one for the page, the documentation and QGIS."""

import re
from collections import Counter

from places import ROOT

from alcd_otb.label.keys import key_rows, key_table


def test_no_key_does_two_things() -> None:
    assert [
        name for name, count in Counter(name for key in key_table() for name in key["keys"]).items() if count > 1
    ] == []


def test_every_key_leads_to_a_function_of_the_page() -> None:
    main = (ROOT / "alcd_otb" / "label" / "page" / "modules" / "main.js").read_text("utf-8")
    [acts] = re.findall(r"#acts\(\) \{.*?\n    return \{\n(.*?)\n    \};", main, re.S)
    names = set(re.findall(r"^      (\w+): ", acts, re.M))
    assert {key["action"] for key in key_table() if key["keys"]} == names


def test_the_documentation_shows_the_table() -> None:
    assert key_rows() in (ROOT / "docs" / "how_to" / "label.md").read_text("utf-8")
