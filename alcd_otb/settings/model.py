"""JSON files checked by models; what is wrong is told in one line: file, key, value and what is allowed."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.json_schema import in_words, part_at
from alcd_otb.text import did_you_mean

ModelT = TypeVar("ModelT", bound=BaseModel)

_LONGEST = 100
"""Characters of a value that a message quotes."""


Metres = Annotated[float, Field(ge=0)]

Resolution = Annotated[float, Field(ge=10)]

Radius = Annotated[int, Field(ge=0, le=50)]

Text = Annotated[str, Field(min_length=1)]

File = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]

SchemaFile = Annotated[
    str | None,
    Field(alias="$schema", exclude=True, description="for editors: where the [JSON Schema](#in-an-editor) lies"),
]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in which no key occurs twice. Raises ConfigurationError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must hold a JSON object, in braces")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {key!r} occurs twice")
    return dict(pairs)


def validated(model: type[ModelT], content: dict[str, Any], origin: str) -> ModelT:
    """The model that a JSON object describes. Raises ConfigurationError naming origin, key, value and remedy."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {_first_problem(model, content, error)}") from error


def _first_problem(model: type[BaseModel], content: dict[str, Any], error: ValidationError) -> str:
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    # A mistyped key is both unknown and missing: the unknown one carries the hint.
    problem = min(error.errors(include_url=False), key=lambda one: one["type"] not in unknown)
    location = problem["loc"]
    schema = model.model_json_schema()
    if problem["type"] in unknown:
        place, keys = part_at(schema, location[:-1], content)
        key = ".".join((*keys, str(location[-1])))
        known = [name for name in place.get("properties", {}) if not name.startswith("$")]
        return f"key {key!r} is not known{did_you_mean(str(location[-1]), known)}"
    place, keys = part_at(schema, location, content)
    key = ".".join(keys)
    if problem["type"] == "missing":
        return f"key {key!r} is missing; it must be {in_words(place, schema)}"
    if problem["type"] == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    return f"{key}: {_shown(problem['input'])} is not allowed; it must be {in_words(place, schema)}"


def _shown(value: Any) -> str:
    """A value as it is written in JSON, shortened; text in single quotes like all that messages quote."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


class StrictModel(BaseModel):
    """Takes JSON as it is: unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, content: Any) -> Any:
        # Strict models take no list for a tuple; JSON has but lists.
        return _with_tuples(content)


def _with_tuples(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(_with_tuples(one) for one in content)
    if isinstance(content, dict):
        return {key: _with_tuples(value) for key, value in content.items()}
    return content
