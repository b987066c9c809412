"""Check the classes of a use: their names, codes and colours, and which of them are positive."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from alcd_otb.settings.strict_model import Text, short

NO_DATA = 0
"""Code of no data in every label raster. No class has it."""


MOST_GROWTH = 10_000
"""Longest half side in metres of the square around a point."""

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", json_schema_extra={"format": "color-hex"})]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LegendClass:
    """One class of the map.

    Raises pydantic's ValidationError, a ValueError, where a value is not allowed.
    """

    name: Annotated[Text, Field(description="the value of the field `class` of a sample"), AfterValidator(short)]
    code: Annotated[int, Field(ge=1, le=255, strict=True, description="the value in `labels.tif`, where 0 is no data")]
    colour: Annotated[Colour, Field(description="colour in maps")]
    invalid: Annotated[
        bool,
        Field(
            strict=True,
            description="whether such pixels are unusable, like clouds; defines the two-class scores if there is no "
            "`positive`",
        ),
    ] = False
    contour: Annotated[Colour | None, Field(description="colour of outlines over the image; absent: no outlines")] = (
        None
    )
    grow: Annotated[
        float | None,
        Field(
            ge=0,
            le=MOST_GROWTH,
            strict=True,
            allow_inf_nan=False,
            description="half the side in metres of the square around a point of this class; 0: only the pixel that "
            "contains the point. Absent: `samples.growth`",
        ),
    ] = None

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return rgb(self.colour)


Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Positive:
    """The two sides of the two-class scores: the classes that a use looks for, and all others."""

    name: Annotated[
        Word,
        Field(description="name of the positive group, also in file names; no class may have this name"),
    ]
    classes: Annotated[tuple[str, ...], Field(description="names of the positive classes")]
    others: Annotated[Word, Field(description="name of the other group")] = "other"

    def __post_init__(self) -> None:
        if self.name == self.others:
            raise ValueError(f"both sides are called {self.name!r}")

    @classmethod
    def in_results(cls, content: Mapping[str, Any]) -> "Positive":
        """Read the two sides from ``metrics.json`` or another result.

        A result that names no sides is of invalid and valid pixels.
        """
        described = content.get("positive")
        if not described:
            return _INVALID
        return cls(described["name"], tuple(described["classes"]), described["others"])

    @property
    def title(self) -> str:
        """The names of both sides for people, such as ``invalid/valid``."""
        return f"{self.name}/{self.others}"

    @property
    def key(self) -> str:
        """The names of both sides in JSON and in names of files, such as ``invalid_valid``."""
        return f"{self.name}_{self.others}"

    @property
    def matrix_file(self) -> str:
        """The name of the file of the two-class confusion matrix."""
        return f"{self.key}_matrix.csv"

    def as_json(self) -> dict[str, Any]:
        """Return the two sides as they are written in results."""
        return {**asdict(self), "classes": list(self.classes)}


_INVALID = Positive("invalid", (), "valid")


@dataclass(frozen=True)
class Legend:
    """The classes of a map, and the two sides that they form.

    Attributes
    ----------
    classes
        In ascending order of code.
    positive
        The positive classes and the others.
    """

    classes: tuple[LegendClass, ...]
    positive: Positive = _INVALID

    @classmethod
    def from_classes(cls, classes: list[LegendClass], positive: Positive | None = None) -> Self:
        """Make a legend of classes in any order.

        Parameters
        ----------
        classes
            The classes of the map.
        positive
            The two sides. By default the invalid classes, against the valid ones.

        Raises
        ------
        ValueError
            There is no class, a name or a code occurs twice, or the positive side does not fit the classes.
        """
        if not classes:
            raise ValueError("a legend needs at least one class")
        for key in ("name", "code"):
            values = [getattr(legend_class, key) for legend_class in classes]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"class {key} {', '.join(twice)} occurs more than once; each class needs its own")
        if positive is None:
            invalid = tuple(legend_class.name for legend_class in classes if legend_class.invalid)
            positive = replace(_INVALID, classes=invalid)
        else:
            _check_sides(positive, tuple(legend_class.name for legend_class in classes))
        return cls(tuple(sorted(classes, key=lambda legend_class: legend_class.code)), positive)

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes of all classes, ascending."""
        return tuple(legend_class.code for legend_class in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all classes, in the order of their codes."""
        return tuple(legend_class.name for legend_class in self.classes)

    @property
    def invalid_codes(self) -> tuple[int, ...]:
        """The codes of the classes that make a pixel invalid, ascending."""
        return tuple(legend_class.code for legend_class in self.classes if legend_class.invalid)

    @property
    def positive_codes(self) -> tuple[int, ...]:
        """The codes of the positive classes, ascending."""
        return tuple(legend_class.code for legend_class in self.classes if legend_class.name in self.positive.classes)

    def side_of(self, legend_class: LegendClass) -> str:
        """Return the name of the side that a class is on."""
        return self.positive.name if legend_class.name in self.positive.classes else self.positive.others

    def with_code(self, code: int) -> LegendClass:
        """Return the class of a code.

        Raises
        ------
        KeyError
            No class has this code.
        """
        for legend_class in self.classes:
            if legend_class.code == code:
                return legend_class
        raise KeyError(code)

    def find(self, name_or_code: str | int) -> LegendClass | None:
        """Return the class with this name or with this code written as a number, or None."""
        for legend_class in self.classes:
            if str(name_or_code) in (legend_class.name, str(legend_class.code)):
                return legend_class
        return None


def _check_sides(positive: Positive, names: tuple[str, ...]) -> None:
    if not positive.classes:
        raise ValueError("positive.classes: names no class")
    for name in positive.classes:
        if name not in names:
            raise ValueError(f"positive.classes: {name!r} is not a class; there are {', '.join(names)}")
    for side in (positive.name, positive.others):
        if side in names:
            raise ValueError(f"positive: {side!r} is the name of a class; give the side another name")


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a colour written ``#rrggbb``."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue
