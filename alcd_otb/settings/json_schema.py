"""Reading a JSON Schema as pydantic makes it: the part that is meant for a place, and in words what it allows."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_FORMATS = {"path": "a path", "color-hex": "a colour of the form '#rrggbb'"}
_WORDS = {"string": "text", "boolean": "true or false", "null": "null", "object": "an object"}
_NUMBERS = {"integer": "a whole number", "number": "a number"}


DIALECT = "https://json-schema.org/draft/2020-12/schema"


def resolved(part: Schema, whole: Schema) -> Schema:
    """The part that a reference stands for; any other part as it is."""
    while "$ref" in part:
        target = whole["$defs"][part["$ref"].rpartition("/")[2]]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def alternatives(part: Schema, whole: Schema) -> list[Schema]:
    """What a part may be one of, resolved, without null; the part alone where it leaves no choice."""
    part = resolved(part, whole)
    if "anyOf" not in part:
        return [part]
    found = [one for choice in part["anyOf"] for one in alternatives(choice, whole)]
    return [one for one in found if one.get("type") != "null"]


def part_at(whole: Schema, location: Iterable[int | str], content: Any) -> tuple[Schema, tuple[str, ...]]:
    """The part for a place in a content, and the keys that lead there.

    location: pydantic's, in which names of a union's choices occur among the keys; these are left out.
    """
    part: Schema = whole
    keys: list[str] = []
    for step in location:
        inner = _inner(_meant(part, whole, content), step, whole)
        if inner is None:
            continue
        part = inner
        keys.append(str(step))
        content = _entry(content, step)
    return _meant(part, whole, content), tuple(keys)


def in_words(part: Schema, whole: Schema) -> str:
    """What a part allows, such as ``a whole number from 1 to 50``; that null may stand for nothing is left out."""
    choices = alternatives(part, whole)
    if any(one.get("type") == "string" and not {"enum", "format"} & one.keys() for one in choices):
        # Beside any text, a choice of some is but proposed.
        choices = [one for one in choices if "enum" not in one]
    if len(choices) > 1:
        return _listed(list(dict.fromkeys(in_words(one, whole) for one in choices)))
    return _one_in_words(choices[0], whole)


def _one_in_words(part: Schema, whole: Schema) -> str:
    if "enum" in part or "const" in part:
        return _listed([repr(value) for value in part.get("enum", [part.get("const")])])
    if part.get("format") in _FORMATS:
        return _FORMATS[part["format"]]
    kind = part.get("type", "")
    if kind in _NUMBERS:
        return _NUMBERS[kind] + _range(part)
    if kind == "array":
        return f"a list{_length(part, 'entry', 'entries')}{_entries(part, whole)}"
    if kind == "string":
        form = f" of the form {part['pattern']!r}" if "pattern" in part else ""
        return "text" + _length(part, "character", "characters") + form
    return _WORDS.get(kind, "any value")


def _range(part: Schema) -> str:
    least, above = part.get("minimum"), part.get("exclusiveMinimum")
    most, below = part.get("maximum"), part.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f" from {least:g} to {most}"
    limits = [
        f"of at least {least:g}" if least is not None else "",
        f"above {above:g}" if above is not None else "",
        f"of at most {most:g}" if most is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    given = [limit for limit in limits if limit]
    return " " + " and ".join(given) if given else ""


def _length(part: Schema, one: str, several: str) -> str:
    name = "Items" if part["type"] == "array" else "Length"
    least, most = part.get(f"min{name}"), part.get(f"max{name}")
    if least is None and most is None:
        return ""
    if least is not None and most is not None:
        return f" of {least if least == most else f'{least} to {most}'} {one if most == 1 else several}"
    number, bound = (least, "at least") if least is not None else (most, "at most")
    return f" of {bound} {number} {one if number == 1 else several}"


def _entries(part: Schema, whole: Schema) -> str:
    entry = part.get("items", {})
    if any(one.get("type") not in ("string", "number", "integer") for one in alternatives(entry, whole)):
        return ""
    return f", each {in_words(entry, whole)}"


def _listed(words: list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _meant(part: Schema, whole: Schema, content: Any) -> Schema:
    """Of a choice, the object that has most keys in common with the content, or the list for a list."""
    choices = alternatives(part, whole)
    if isinstance(content, dict):
        objects = [one for one in choices if one.get("type") == "object"]
        return max(objects, key=lambda one: len(content.keys() & one.get("properties", {}).keys()), default=part)
    if isinstance(content, list | tuple):
        return next((one for one in choices if one.get("type") == "array"), part)
    return choices[0] if len(choices) == 1 else part


def _inner(part: Schema, step: int | str, whole: Schema) -> Schema | None:
    if isinstance(step, int):
        return part.get("items")
    if step in part.get("properties", {}):
        return resolved(part["properties"][step], whole)
    more = part.get("additionalProperties")
    return more if isinstance(more, dict) else None


def _entry(content: Any, step: int | str) -> Any:
    try:
        return content[step]
    except (LookupError, TypeError):
        return None


def schema_of(model: type[BaseModel], title: str) -> Schema:
    """The JSON Schema of a model, for editors: with a title, and descriptions of plain text."""
    schema = _plain(model.model_json_schema())
    schema["title"] = title
    return {"$schema": DIALECT, **schema}


def changes_of(part: Schema, whole: Schema) -> Schema:
    """An object of which any keys may be given; so may those of objects in it, but not those of a list's entries."""
    properties = {}
    for key, value in part.get("properties", {}).items():
        inner = resolved(value, whole)
        properties[key] = changes_of(inner, whole) if inner.get("type") == "object" else value
    kept = {key: value for key, value in part.items() if key not in ("$schema", "required", "title", "default")}
    return {**kept, "properties": properties} if properties else kept


def notes_of(part: Schema) -> Schema:
    return {key: part[key] for key in ("title", "description", "default") if key in part}


def _plain(part: Any) -> Any:
    """With descriptions of one paragraph, and the text of their links instead of the links, which lead from pages."""
    if isinstance(part, dict):
        return {
            key: re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", value.partition("\n\n")[0])
            if key == "description" and isinstance(value, str)
            else _plain(value)
            for key, value in part.items()
        }
    return [_plain(one) for one in part] if isinstance(part, list) else part
