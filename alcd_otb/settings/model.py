"""JSON files checked by models; what is wrong is told in one line: file, key, value and what is allowed."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.json_schema import in_words, part_at

ModelT = TypeVar("ModelT", bound=BaseModel)

_LONGEST = 100
"""Characters of a value that a message quotes."""


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


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message that a name is not known: the nearest known one, if any is near, and all there are."""
    known = sorted(known)
    similar = get_close_matches(name, known, n=1)
    every = ", ".join(known)
    if similar:
        return f"; did you mean {similar[0]!r}? There are {every}"
    return f"; there are {every}" if known else ""


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
        return f"key {key!r} is not known{nearest(str(location[-1]), known)}"
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
