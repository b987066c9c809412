"""What a part of a JSON Schema allows, in words, and which part is meant for a place."""

from typing import Any

import pytest

from alcd_otb.settings.json_schema import in_words, part_at

WHOLE: dict[str, Any] = {
    "$defs": {
        "Formula": {"type": "object", "properties": {"name": {"type": "string"}, "expr": {"type": "string"}}},
        "Texture": {"type": "object", "properties": {"name": {"type": "string"}, "band": {"type": "integer"}}},
    },
    "type": "object",
    "properties": {
        "features": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Formula"}, {"$ref": "#/$defs/Texture"}]},
        },
        "options": {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "number"}]}},
    },
}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "number"}, "a number"),
        ({"type": "number", "minimum": 0}, "a number of at least 0"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": "number", "maximum": 2.5}, "a number of at most 2.5"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "a number above 0 and of at most 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "a number of at least 0 and below 1"),
        ({"type": "integer", "minimum": 0, "maximum": 2147483647}, "a whole number from 0 to 2147483647"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1}, "text of at least 1 character"),
        ({"type": "string", "minLength": 5, "maxLength": 5}, "text of 5 characters"),
        ({"type": "string", "pattern": "^T"}, "text of the form '^T'"),
        ({"type": "string", "minLength": 1, "format": "path"}, "a path"),
        ({"type": "string", "pattern": "^#", "format": "color-hex"}, "a colour of the form '#rrggbb'"),
        ({"type": "string", "enum": ["a", "b", "c"]}, "'a', 'b' or 'c'"),
        ({"type": "string", "const": "a"}, "'a'"),
        ({"type": "array", "items": {}}, "a list"),
        ({"type": "array", "items": {"type": "string"}}, "a list, each text"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
            "a list, each text or a whole number",
        ),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}, "a list"),
        ({"type": "array", "items": {"$ref": "#/$defs/Formula"}, "minItems": 1}, "a list of at least 1 entry"),
        ({"type": "array", "minItems": 2, "maxItems": 2}, "a list of 2 entries"),
        ({"type": "array", "minItems": 1, "maxItems": 4}, "a list of 1 to 4 entries"),
        ({"type": "array", "maxItems": 1}, "a list of at most 1 entry"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "a number"),
        ({"anyOf": [{"type": "string", "format": "path"}, {"type": "array"}]}, "a path or a list"),
        # What is proposed is not all that is allowed.
        ({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "string"}]}, "text"),
        ({"$ref": "#/$defs/Formula"}, "an object"),
        ({}, "any value"),
    ],
)
def test_in_words(part: dict[str, Any], words: str) -> None:
    assert in_words(part, WHOLE) == words


@pytest.mark.parametrize(
    ("location", "content", "keys", "words"),
    [
        (("features",), {"features": 3}, ("features",), "a list"),
        (("features", 0, "expr"), {"features": [{"expr": 1}]}, ("features", "0", "expr"), "text"),
        (("features", 0, "band"), {"features": [{"band": "x"}]}, ("features", "0", "band"), "a whole number"),
        # Names of a union's choices, which pydantic puts among the keys, are not keys.
        (("features", 1, "Formula", "name"), {"features": ["x", {"name": 1}]}, ("features", "1", "name"), "text"),
        (("options", "a.b", "float"), {"options": {"a.b": None}}, ("options", "a.b"), "text or a number"),
        ((), {}, (), "an object"),
    ],
)
def test_the_part_for_a_place(
    location: tuple[int | str, ...], content: dict[str, Any], keys: tuple[str, ...], words: str
) -> None:
    part, found = part_at(WHOLE, location, content)
    assert found == keys
    assert in_words(part, WHOLE) == words


def test_of_a_choice_the_object_is_meant_that_has_the_keys() -> None:
    part, _ = part_at(WHOLE, ("features", 0), {"features": [{"name": "x", "band": 1, "bund": 2}]})
    assert part["properties"].keys() == {"name", "band"}
