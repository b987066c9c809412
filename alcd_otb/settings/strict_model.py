"""Read JSON files and check them by models.

A message about a mistake is one line. It names the file, the key, the value and what is allowed.
"""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.files import json_file
from alcd_otb.files.reading import UnreadableError
from alcd_otb.settings.json_schema import in_words, part_at
from alcd_otb.text import did_you_mean, is_one_line, quoted

ModelT = TypeVar("ModelT", bound=BaseModel)

_LONGEST = 100
"""Most characters of a value that a message quotes."""

_LONGEST_NAME = 200
"""Most bytes of a name that folders and files begin with: a file system takes 255, and ends of names are added."""

_LONGEST_PART, _LONGEST_PATH = 255, 4000
"""Most bytes of one name of a path, and of a whole path, that Linux opens."""


FARTHEST = 100_000
"""Longest length in metres that a setting may have: nearly the side of a tile."""

Metres = Annotated[float, Field(ge=0, le=FARTHEST)]

Resolution = Annotated[float, Field(ge=10, le=FARTHEST)]

Radius = Annotated[int, Field(ge=0, le=50)]


def one_line(text: str) -> str:
    """Return a text if it can be shown on one line. Raises ValueError, with the remedy, if it cannot."""
    if not is_one_line(text):
        raise ValueError(f"{quoted(text)} has a control character; write it without")
    return text


def short(text: str) -> str:
    """Return a text if files can be named after it. Raises ValueError, with the remedy, if it is too long."""
    size = len(text.encode())
    if size > _LONGEST_NAME:
        raise ValueError(f"{quoted(text)} has {size} bytes; a name of files has at most {_LONGEST_NAME}")
    return text


def _possible_path(text: str) -> str:
    longest = max((part.encode() for part in text.split("/")), key=len)
    if len(longest) > _LONGEST_PART or len(text.encode()) > _LONGEST_PATH:
        raise ValueError(
            f"{quoted(text)} is too long for a path: a name in it has at most {_LONGEST_PART} bytes, all of it "
            f"{_LONGEST_PATH}"
        )
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(one_line)]

File = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"format": "path"}),
    AfterValidator(one_line),
    AfterValidator(_possible_path),
]

SchemaFile = Annotated[
    str | None,
    Field(alias="$schema", exclude=True, description="for editors: where the [JSON Schema](#in-an-editor) lies"),
]


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is not valid JSON, holds no object, or has a key that occurs twice.
    """
    try:
        content = json_file.read_json(path)
    except UnreadableError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must hold a JSON object, in braces")
    return content


def validated(model: type[ModelT], content: dict[str, Any], origin: str) -> ModelT:
    """Make the model that a JSON object describes.

    Parameters
    ----------
    model
        The type of the model.
    content
        The JSON object.
    origin
        The file that the object is from, which a message begins with.

    Raises
    ------
    ConfigurationError
        A value is not allowed. The message names origin, key, value and remedy.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {_first_problem(model, content, error)}") from error


def _first_problem(model: type[BaseModel], content: dict[str, Any], error: ValidationError) -> str:
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    # A mistyped key gives two problems, an unknown key and a missing one. The first can suggest the right key.
    problem = min(error.errors(include_url=False), key=lambda problem: problem["type"] not in unknown)
    location = problem["loc"]
    schema = model.model_json_schema()
    if problem["type"] in unknown:
        place, keys = part_at(schema, location[:-1], content)
        key = ".".join((*keys, str(location[-1])))
        known = [name for name in place.get("properties", {}) if not name.startswith("$")]
        return f"key {quoted(key)} is not known{did_you_mean(str(location[-1]), known)}"
    place, keys = part_at(schema, location, content)
    key = ".".join(keys)
    if problem["type"] == "missing":
        return f"key {quoted(key)} is missing; it must be {in_words(place, schema)}"
    if problem["type"] == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    return f"{key}: {_shown(problem['input'])} is not allowed; it must be {in_words(place, schema)}"


def _shown(value: Any) -> str:
    """Write a value as in JSON, shortened, but text in single quotes like everything that messages quote."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


class StrictModel(BaseModel):
    """A model that takes JSON as it is: it refuses unknown keys and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, content: Any) -> Any:
        # Strict models do not accept a list for a tuple, and JSON has only lists.
        return _with_tuples(content)


def _with_tuples(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(_with_tuples(entry) for entry in content)
    if isinstance(content, dict):
        return {key: _with_tuples(value) for key, value in content.items()}
    return content
