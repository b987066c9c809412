"""The classes of a use: names, codes, colours, and which of them make a pixel invalid."""

from dataclasses import dataclass
from typing import Annotated, Self

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
        bool, Field(strict=True, description="whether the pixel is of no use; gives the invalid/valid scores")
    ]
    contour: Annotated[Colour | None, Field(description="of outlines drawn over the image; absent: not outlined")] = (
        None
    )

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of the colour, 0..255."""
        return rgb(self.colour)


@dataclass(frozen=True)
class Legend:
    """The classes in ascending order of code."""

    classes: tuple[LegendClass, ...]

    @classmethod
    def from_classes(cls, classes: list[LegendClass]) -> Self:
        """Raises ValueError where a name or a code occurs twice, or no class is given."""
        if not classes:
            raise ValueError("a legend needs at least one class")
        for key in ("name", "code"):
            values = [getattr(one, key) for one in classes]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"class {key} {', '.join(twice)} occurs more than once; each class needs its own")
        return cls(tuple(sorted(classes, key=lambda one: one.code)))

    @property
    def codes(self) -> tuple[int, ...]:
        """Of all classes, ascending."""
        return tuple(one.code for one in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the codes."""
        return tuple(one.name for one in self.classes)

    @property
    def invalid_codes(self) -> tuple[int, ...]:
        """Of the classes that make a pixel invalid, ascending."""
        return tuple(one.code for one in self.classes if one.invalid)

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


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of ``#rrggbb``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
