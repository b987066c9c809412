"""The classes of a use: names, codes, colours, and which of them make a pixel invalid."""

import re
from dataclasses import dataclass
from typing import Self

NO_DATA = 0
"""Code of no data in every label raster; never a class."""


@dataclass(frozen=True)
class LegendClass:
    """One class. code is 1..255; colour, of maps, and contour, of outlines drawn over images, are ``#rrggbb``.

    A class without contour is not outlined.
    """

    name: str
    code: int
    colour: str
    invalid: bool
    contour: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.code <= 255:
            raise ValueError(f"class {self.name!r}: code {self.code} is not in 1..255")
        for colour in (self.colour, self.contour):
            if colour is not None and not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
                raise ValueError(f"class {self.name!r}: colour {colour!r} is not of the form #rrggbb")

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
                raise ValueError(f"class {key} {', '.join(twice)} occurs more than once")
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
