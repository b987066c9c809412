"""Protocols of comparison: what counts as positive, on which grid, after which dilations; JSON, checked whole."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.model import read_json, validated

DilationMetres = Annotated[float, Field(ge=0, le=10_000)]
Share = Annotated[float, Field(gt=0, le=1)]
Names = tuple[str, ...]

MOST_DILATIONS = 64


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PositiveMeanings(_Model):
    """Meanings that make a pixel positive, on either side; processors: instead of product's, by processor."""

    reference: Names = Field(min_length=1)
    product: Names = Field(min_length=1)
    processors: dict[str, Names] = {}


class Dilation(_Model):
    """metres: each gives a row of results; 0 is as delivered.

    reference: whether the reference is dilated as much as the products. delivered: by processor, the metres by which
    its masks are dilated already; they are dilated by the rest only.
    """

    metres: Annotated[tuple[DilationMetres, ...], Field(min_length=1, max_length=MOST_DILATIONS)] = (0,)
    reference: bool = True
    delivered: dict[str, DilationMetres] = {}

    @field_validator("metres")
    @classmethod
    def _ascending(cls, metres: tuple[float, ...]) -> tuple[float, ...]:
        if list(metres) != sorted(set(metres)):
            raise ValueError(f"{list(metres)} does not ascend")
        return metres

    def of_reference(self, metres: float) -> float:
        """Metres by which the reference is dilated in a row of so many metres."""
        return metres if self.reference else 0.0

    def of_product(self, processor: str, metres: float) -> float:
        """Metres by which a processor's masks are dilated in a row of so many metres."""
        return max(0.0, metres - self.delivered.get(processor, 0.0))


class Exclusions(_Model):
    """What is not compared besides no data: pixels of these meanings, and those so near to the edge of the data."""

    reference: Names = ()
    product: Names = ()
    border: DilationMetres = 0


class Protocol(_Model):
    """grid: metres, or None for the reference's own. share: of a cell's area with data that makes it positive.

    data_share: of a cell's area that must have data.
    """

    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    grid: Annotated[float, Field(ge=10, le=1000)] | None = 60
    share: Share = 0.5
    data_share: Share = 0.5
    positive: PositiveMeanings
    dilation: Dilation = Dilation()
    exclude: Exclusions = Exclusions()

    def positive_of(self, processor: str) -> frozenset[str]:
        """The meanings that are positive in a processor's masks."""
        return frozenset(self.positive.processors.get(processor, self.positive.product))

    def dilated_by(self, metres: tuple[float, ...]) -> Self:
        """With other dilations. Raises ConfigurationError where there are too many, or they do not ascend."""
        changed = self.model_dump()
        changed["dilation"]["metres"] = metres
        return validated(type(self), changed, "dilations")


def protocol_names() -> tuple[str, ...]:
    """Names of the protocols that come with the package."""
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def load_protocol(name_or_file: str) -> Protocol:
    """Raises ConfigurationError naming file, key, value and remedy."""
    file = _folder() / f"{name_or_file}.json" if name_or_file in protocol_names() else Path(name_or_file)
    if not file.is_file():
        raise ConfigurationError(
            f"protocol {name_or_file!r} is neither a file nor one of {', '.join(protocol_names())}"
        )
    return validated(Protocol, read_json(file), str(file))


def _folder() -> Path:
    return Path(str(resources.files("alcd_otb"))) / "param_templates" / "protocols"
