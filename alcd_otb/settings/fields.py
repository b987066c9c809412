"""What the models of scene.json and of templates are made from: a strict model, and types of values."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Metres = Annotated[float, Field(ge=0)]
Resolution = Annotated[float, Field(ge=10)]
Radius = Annotated[int, Field(ge=0, le=50)]
Text = Annotated[str, Field(min_length=1)]
File = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]
SchemaFile = Annotated[
    str | None,
    Field(alias="$schema", exclude=True, description="for editors: where the [JSON Schema](#in-an-editor) lies"),
]


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
