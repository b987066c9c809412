"""The tables of keys in docs/scene.md, from the models' fields.

.venv/bin/python tools/key_tables.py docs/scene.md            # write them anew
.venv/bin/python tools/key_tables.py docs/scene.md --check    # end with 1 if they are not up to date
"""

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
"""By the name in the comments that a table stands between, such as <!-- keys of a template --> and <!-- end -->."""

HEAD = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n"

_MOST_VALUES = 9
"""An enumeration of more is told by the meaning."""


def with_tables(text: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        return match[1] + key_table(MODELS[match[2]]) + match[3]

    return re.sub(r"(<!-- keys of a (\w+) -->\n\n).*?(\n<!-- end -->)", table, text, flags=re.S)


def key_table(model: type[BaseModel]) -> str:
    """Key, type, default and meaning of each field of a model, and of the models in it, as a table in Markdown."""
    whole = model.model_json_schema()
    rows: dict[str, str] = {}
    for key, row in _rows(whole, whole, ""):
        rows.setdefault(key, row)
    return HEAD + "".join(rows.values())


def _rows(part: Schema, whole: Schema, prefix: str) -> Iterator[tuple[str, str]]:
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
    sys.exit(main(Path(sys.argv[1]), "--check" in sys.argv))
