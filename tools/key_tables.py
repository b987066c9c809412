"""Write the tables of keys in docs/reference/scene.md from the fields of the models.

.venv/bin/python tools/key_tables.py docs/reference/scene.md            # write the tables
.venv/bin/python tools/key_tables.py docs/reference/scene.md --check    # end with 1 if the tables are out of date
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from alcd_otb.settings.json_schema import Schema, alternatives, in_words, resolved
from alcd_otb.settings.scene_file import SceneFile
from alcd_otb.settings.template import Template

MODELS: dict[str, type[BaseModel]] = {"scene": SceneFile, "template": Template}
"""Model by its name in the comments around a table, such as <!-- keys of a template --> and <!-- end -->."""

HEAD = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n"

_MOST_VALUES = 9
"""Largest enumeration that is listed; the meaning of a key describes a larger one."""


def with_tables(text: str) -> str:
    """Return the text of a page with new tables."""

    def table(match: re.Match[str]) -> str:
        return match[1] + key_table(MODELS[match[2]]) + match[3]

    return re.sub(r"(<!-- keys of a (\w+) -->\n\n).*?(\n<!-- end -->)", table, text, flags=re.S)


def key_table(model: type[BaseModel]) -> str:
    """Return a Markdown table of the keys of a model and of the models in it: key, type, default and meaning."""
    whole = model.model_json_schema()
    rows: dict[str, str] = {}
    for key, row in _rows(whole, whole, ""):
        rows.setdefault(key, row)
    return HEAD + "".join(rows.values())


def _rows(part: Schema, whole: Schema, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the key and the row of each field."""
    for name, field in part.get("properties", {}).items():
        key = prefix + name
        inner = resolved(field, whole)
        cells = [f"`{key}`", _type(inner, whole), _default(name, part, inner), _one_line(inner["description"])]
        yield key, f"| {' | '.join(cells)} |\n"
        for choice in alternatives(inner, whole):
            entries = alternatives(choice["items"], whole) if choice.get("type") == "array" else []
            for entry in entries:
                yield from _rows(entry, whole, f"{key}[].")
            yield from _rows(choice, whole, f"{key}.")


def _type(part: Schema, whole: Schema) -> str:
    if len(part.get("enum", ())) > _MOST_VALUES:
        return "text"
    words = in_words(part, whole).removesuffix(" of at least 1 character")
    return re.sub(r"'([^']*)'", r"`\1`", re.sub(r"^an? ", "", words))


def _default(name: str, part: Schema, field: Schema) -> str:
    if name in part.get("required", ()):
        return "required"
    return "see below" if field.get("properties") else f"`{json.dumps(field.get('default'))}`"


def _one_line(description: str) -> str:
    return " ".join(description.split()).replace("|", "\\|")


def main(page: Path, check: bool) -> int:
    """Write the tables, or check them, and return the exit code.

    Parameters
    ----------
    page
        File of the page.
    check
        Whether to compare the tables of the page with the models, instead of writing them.
    """
    text = page.read_text(encoding="utf-8")
    made = with_tables(text)
    if not check:
        page.write_text(made, encoding="utf-8")
    elif made != text:
        print(
            f"{page}: the tables of keys are not those of the models; run: .venv/bin/python tools/key_tables.py {page}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the tables of keys in a page of the documentation.")
    parser.add_argument("page", type=Path, help="Markdown file")
    parser.add_argument("--check", action="store_true", help="end with 1 if the tables are out of date")
    options = parser.parse_args()
    sys.exit(main(options.page, options.check))
