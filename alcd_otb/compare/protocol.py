"""Read protocols of comparison from JSON, and check them.

A protocol decides what counts as positive, on which grid, and after which dilations.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.strict_model import read_json, validated

DilationMetres = Annotated[float, Field(ge=0, le=10_000)]
Share = Annotated[float, Field(gt=0, le=1)]
Names = tuple[str, ...]

MOST_DILATIONS = 64


class _ProtocolModel(BaseModel):
    # Lax, unlike StrictModel: a number may also be written as text.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PositiveMeanings(_ProtocolModel):
    """Meanings that make a pixel positive.

    Attributes
    ----------
    reference
        In the reference.
    product
        In products.
    processors
        Instead of `product`, by processor.
    """

    reference: Names = Field(min_length=1)
    product: Names = Field(min_length=1)
    processors: dict[str, Names] = {}


class Dilation(_ProtocolModel):
    """Radii of dilation.

    Attributes
    ----------
    metres
        Radii, ascending; each gives a row of results. 0 is the mask as it is delivered.
    reference
        Whether the reference is dilated as much as the products.
    delivered
        By processor, the radius in metres to which its masks are already dilated. They are dilated only by the
        difference.
    """

    metres: Annotated[tuple[DilationMetres, ...], Field(min_length=1, max_length=MOST_DILATIONS)] = (0,)
    reference: bool = True
    delivered: dict[str, DilationMetres] = {}

    @field_validator("metres")
    @classmethod
    def _ascending(cls, metres: tuple[float, ...]) -> tuple[float, ...]:
        if list(metres) != sorted(set(metres)):
            raise ValueError(f"{list(metres)} is not in ascending order")
        return metres

    def of_reference(self, metres: float) -> float:
        """Return the metres by which the reference is dilated in the row of a radius."""
        return metres if self.reference else 0.0

    def of_product(self, processor: str, metres: float) -> float:
        """Return the metres by which a processor's masks are dilated in the row of a radius."""
        return max(0.0, metres - self.delivered.get(processor, 0.0))


class Exclusions(_ProtocolModel):
    """Pixels that are not compared, besides those without data.

    Attributes
    ----------
    reference, product
        Meanings of pixels that are left out on each side.
    border
        Width in metres of the border along the edge of the data that is left out.
    """

    reference: Names = ()
    product: Names = ()
    border: DilationMetres = 0


class Protocol(_ProtocolModel):
    """A protocol of comparison.

    Attributes
    ----------
    name
        Name of the protocol.
    description
        What it is for.
    grid
        Side of a cell in metres, or None for the reference's own grid.
    share
        Fraction of a cell's area with data that makes the cell positive.
    data_share
        Fraction of a cell's area that must have data.
    positive
        Meanings of positive pixels.
    dilation
        Radii of dilation.
    exclude
        Pixels that are left out.
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
        """Return the meanings that are positive in a processor's masks."""
        return frozenset(self.positive.processors.get(processor, self.positive.product))

    def dilated_by(self, metres: tuple[float, ...]) -> Self:
        """Return the protocol with other radii of dilation, in metres.

        Raises
        ------
        ConfigurationError
            If there are too many radii, or they do not ascend.
        """
        changed = self.model_dump()
        changed["dilation"]["metres"] = metres
        return validated(type(self), changed, "dilations")


def protocol_names() -> tuple[str, ...]:
    """List the names of the protocols that come with the package."""
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def load_protocol(name_or_file: str) -> Protocol:
    """Read a protocol that comes with the package, by name, or a JSON file.

    Raises
    ------
    ConfigurationError
        If there is no such protocol or it is wrong; the message names file, key, value and remedy.
    """
    file = _folder() / f"{name_or_file}.json" if name_or_file in protocol_names() else Path(name_or_file)
    if not file.is_file():
        raise ConfigurationError(
            f"protocol {name_or_file!r} is neither a file nor one of {', '.join(protocol_names())}"
        )
    return validated(Protocol, read_json(file), str(file))


def _folder() -> Path:
    return Path(str(resources.files("alcd_otb"))) / "param_templates" / "protocols"
