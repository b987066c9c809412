"""Make JSON Schemas of models, find the part of a schema for a key, and describe in words what it allows.

A part is an object of a JSON Schema that describes one value. The whole is the schema that holds it, and the
definitions (``$defs``) that its references name.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel

Schema = dict[str, Any]

_FORMATS = {"path": "a path", "color-hex": "a colour of the form '#rrggbb'"}
_WORDS = {"string": "text", "boolean": "true or false", "null": "null", "object": "an object"}
_NUMBERS = {"integer": "a whole number", "number": "a number"}

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The dialect of JSON Schema that pydantic writes."""


def resolved(part: Schema, whole: Schema) -> Schema:
    """Replace a part that is a reference by the definition it refers to, with the part's own keys added.

    Parameters
    ----------
    part
        The part. One that is not a reference is returned as it is.
    whole
        The schema that holds the definitions.
    """
    while "$ref" in part:
        target = whole["$defs"][part["$ref"].rpartition("/")[2]]
        part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def alternatives(part: Schema, whole: Schema) -> list[Schema]:
    """List the choices of a part.

    Parameters
    ----------
    part
        The part.
    whole
        The schema that holds the definitions.

    Returns
    -------
    list of Schema
        The choices, resolved, without null. Only the part itself if it offers no choice.
    """
    part = resolved(part, whole)
    if "anyOf" not in part:
        return [part]
    choices = [alternative for choice in part["anyOf"] for alternative in alternatives(choice, whole)]
    return [choice for choice in choices if choice.get("type") != "null"]


class PlacedPart(NamedTuple):
    """A part of a schema, and the keys that lead to its value in a JSON file."""

    part: Schema
    keys: tuple[str, ...]


def part_at(whole: Schema, location: Iterable[int | str], content: Any) -> PlacedPart:
    """Find the part of a schema that describes a value in a JSON file.

    Parameters
    ----------
    whole
        The schema of the file.
    location
        The location of the value in pydantic's form. It names choices of unions among the keys; these are skipped.
    content
        The content of the file. It decides which choice of a union is meant.
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
    return PlacedPart(_meant(part, whole, content), tuple(keys))


def in_words(part: Schema, whole: Schema) -> str:
    """Describe in words what a part allows, such as ``a whole number from 1 to 50``.

    The description omits that the value may be null.

    Parameters
    ----------
    part
        The part.
    whole
        The schema that holds the definitions.
    """
    choices = alternatives(part, whole)
    if any(choice.get("type") == "string" and not {"enum", "format"} & choice.keys() for choice in choices):
        # If any text is allowed, an enumeration beside it only proposes some.
        choices = [choice for choice in choices if "enum" not in choice]
    if len(choices) > 1:
        return _listed(list(dict.fromkeys(in_words(choice, whole) for choice in choices)))
    return _choice_in_words(choices[0], whole)


def _choice_in_words(part: Schema, whole: Schema) -> str:
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
    present = [limit for limit in limits if limit]
    return " " + " and ".join(present) if present else ""


def _length(part: Schema, singular: str, plural: str) -> str:
    name = "Items" if part["type"] == "array" else "Length"
    least, most = part.get(f"min{name}"), part.get(f"max{name}")
    if least is None and most is None:
        return ""
    if least is not None and most is not None:
        return f" of {least if least == most else f'{least} to {most}'} {singular if most == 1 else plural}"
    number, bound = (least, "at least") if least is not None else (most, "at most")
    return f" of {bound} {number} {singular if number == 1 else plural}"


def _entries(part: Schema, whole: Schema) -> str:
    entry = part.get("items", {})
    if any(choice.get("type") not in ("string", "number", "integer") for choice in alternatives(entry, whole)):
        return ""
    return f", each {in_words(entry, whole)}"


def _listed(words: list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _meant(part: Schema, whole: Schema, content: Any) -> Schema:
    """Choose among alternatives: for an object the one with most of its keys, for a list the list."""
    choices = alternatives(part, whole)
    if isinstance(content, dict):
        objects = [choice for choice in choices if choice.get("type") == "object"]
        return max(objects, key=lambda choice: len(content.keys() & choice.get("properties", {}).keys()), default=part)
    if isinstance(content, list | tuple):
        return next((choice for choice in choices if choice.get("type") == "array"), part)
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
    """Make the JSON Schema of a model for editors, with a title and with descriptions in plain text.

    Parameters
    ----------
    model
        The model.
    title
        The title of the schema.
    """
    schema = _plain(model.model_json_schema())
    schema["title"] = title
    return {"$schema": DIALECT, **schema}


def changes_of(part: Schema, whole: Schema) -> Schema:
    """Make the part of an object in which every key may be left out.

    The same holds for objects within the object, but not for the entries of a list.

    Parameters
    ----------
    part
        The part of the complete object.
    whole
        The schema that holds the definitions.
    """
    properties = {}
    for key, value in part.get("properties", {}).items():
        inner = resolved(value, whole)
        properties[key] = changes_of(inner, whole) if inner.get("type") == "object" else value
    kept = {key: value for key, value in part.items() if key not in ("$schema", "required", "title", "default")}
    return {**kept, "properties": properties} if properties else kept


def notes_of(part: Schema) -> Schema:
    """Return the keys of a part that only inform: title, description and default."""
    return {key: part[key] for key in ("title", "description", "default") if key in part}


def _plain(part: Any) -> Any:
    """Keep the first paragraph of each description, and replace links, which lead from pages, by their text."""
    if isinstance(part, dict):
        return {
            key: re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", value.partition("\n\n")[0])
            if key == "description" and isinstance(value, str)
            else _plain(value)
            for key, value in part.items()
        }
    return [_plain(entry) for entry in part] if isinstance(part, list) else part
