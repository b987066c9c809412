"""Define what a translation from the original ALCD consists of: the translated value, and notes for the user."""

from typing import Generic, NamedTuple, TypeVar

ValueT = TypeVar("ValueT")


class Translated(NamedTuple, Generic[ValueT]):
    """A translated value, and notes about what could not be translated, one line each."""

    value: ValueT
    notes: list[str]
