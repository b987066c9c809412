"""The classes of a use: names, codes, colours, and which of them the two-class scores look for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

NO_DATA = 0
"""Code of no data in every label raster; never a class."""


Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", json_schema_extra={"format": "color-hex"})]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LegendClass:
    """One class of the map.

    Raises pydantic's ValidationError, a ValueError, where a value is not allowed.
    """

    name: Annotated[str, Field(min_length=1, description="the value of the field `class` of a sample")]
    code: Annotated[int, Field(ge=1, le=255, strict=True, description="the value in `labels.tif`, where 0 is no data")]
    colour: Annotated[Colour, Field(description="in maps")]
    invalid: Annotated[
        bool,
        Field(
            strict=True,
            description="whether the pixel is of no use, such as a cloud; gives the two-class scores where there is no "
            "`positive`",
        ),
    ] = False
    contour: Annotated[Colour | None, Field(description="of outlines drawn over the image; absent: not outlined")] = (
        None
    )
    grow: Annotated[
        float | None,
        Field(
            ge=0,
            strict=True,
            allow_inf_nan=False,
            description="half side in metres of the square around a point of this class; absent: `samples.growth`; 0: "
            "the one pixel that holds it",
        ),
    ] = None

    @property
    def rgb(self) -> tuple[int, int, int]:
        return rgb(self.colour)


Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Positive:
    """The two sides of the two-class scores: the classes that a use looks for, and all others."""

    name: Annotated[
        Word,
        Field(description="what the positive side is called, in the names of files too; no class may be called so"),
    ]
    classes: Annotated[tuple[str, ...], Field(description="names of the positive classes")]
    others: Annotated[Word, Field(description="what the other side is called")] = "other"

    def __post_init__(self) -> None:
        if self.name == self.others:
            raise ValueError(f"both sides are called {self.name!r}")

    @classmethod
    def in_results(cls, content: Mapping[str, Any]) -> "Positive":
        """What metrics.json or another result says of itself; one that says nothing is of invalid and valid pixels."""
        described = content.get("positive")
        if not described:
            return _INVALID
        return cls(described["name"], tuple(described["classes"]), described["others"])

    @property
    def title(self) -> str:
        """``invalid/valid``: both sides, for people."""
        return f"{self.name}/{self.others}"

    @property
    def key(self) -> str:
        """``invalid_valid``: both sides, in JSON and names of files."""
        return f"{self.name}_{self.others}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "classes": list(self.classes)}


_INVALID = Positive("invalid", (), "valid")


@dataclass(frozen=True)
class Legend:
    """The classes in ascending order of code, and the two sides that they form."""

    classes: tuple[LegendClass, ...]
    positive: Positive = _INVALID

    @classmethod
    def from_classes(cls, classes: list[LegendClass], positive: Positive | None = None) -> Self:
        """positive: by default the invalid classes, against the valid ones.

        Raises ValueError where a name or a code occurs twice, no class is given, or positive does not fit the classes.
        """
        if not classes:
            raise ValueError("a legend needs at least one class")
        for key in ("name", "code"):
            values = [getattr(one, key) for one in classes]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"class {key} {', '.join(twice)} occurs more than once; each class needs its own")
        if positive is None:
            positive = replace(_INVALID, classes=tuple(one.name for one in classes if one.invalid))
        else:
            _check_sides(positive, tuple(one.name for one in classes))
        return cls(tuple(sorted(classes, key=lambda one: one.code)), positive)

    @property
    def codes(self) -> tuple[int, ...]:
        return tuple(one.code for one in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.classes)

    @property
    def invalid_codes(self) -> tuple[int, ...]:
        return tuple(one.code for one in self.classes if one.invalid)

    @property
    def positive_codes(self) -> tuple[int, ...]:
        return tuple(one.code for one in self.classes if one.name in self.positive.classes)

    def with_code(self, code: int) -> LegendClass:
        """Raises KeyError where no class has this code."""
        for one in self.classes:
            if one.code == code:
                return one
        raise KeyError(code)

    def find(self, name_or_code: str | int) -> LegendClass | None:
        """The class of this name, or of this code written as a number; None where there is none."""
        for one in self.classes:
            if str(name_or_code) in (one.name, str(one.code)):
                return one
        return None


def _check_sides(positive: Positive, names: tuple[str, ...]) -> None:
    if not positive.classes:
        raise ValueError("positive.classes: names no class")
    for name in positive.classes:
        if name not in names:
            raise ValueError(f"positive.classes: {name!r} is no class; there are {', '.join(names)}")
    for side in (positive.name, positive.others):
        if side in names:
            raise ValueError(f"positive: {side!r} is the name of a class; call the side by another")


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of ``#rrggbb``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
