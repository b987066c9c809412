"""Write text for people: tables, quoted values, and the end of a message about an unknown name."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST_QUOTED = 100
"""Most characters of a value that a message quotes."""

_NOT_ON_ONE_LINE = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode: control characters, halves of characters, ends of lines and of paragraphs."""


def is_one_line(text: str) -> bool:
    """Return whether a text can be shown on one line: it has no control character, and nothing that ends a line."""
    return text.isprintable() or all(unicodedata.category(letter) not in _NOT_ON_ONE_LINE for letter in text)


def quoted(text: str) -> str:
    """Quote a text from a file in a message of one line: shortened, with control characters as escapes."""
    return repr(text) if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]!r}..."


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows of cells out as columns, the first column flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = (
            f"{cell:{'<' if index == 0 else '>'}{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def did_you_mean(name: str, known: Iterable[str], listing: str | None = None) -> str:
    """End a message about an unknown name with the most similar known name, if any is similar, and all known names.

    Parameters
    ----------
    name
        The unknown name.
    known
        The known names. Upper and lower case count as equal.
    listing
        The list of the known names. By default "there are" with all of them, sorted.

    Returns
    -------
    str
        Such as ``; did you mean 'land'? There are land, water``; empty if no name is known.
    """
    names = sorted(known)
    if not names:
        return ""
    by_lower_case = {candidate.lower(): candidate for candidate in reversed(names)}
    # The time of the comparison grows with the square of the length.
    similar = get_close_matches(name.strip().lower()[:_LONGEST_QUOTED], by_lower_case, n=1)
    listing = listing or f"there are {', '.join(names)}"
    if similar:
        return f"; did you mean {by_lower_case[similar[0]]!r}? {listing[0].upper()}{listing[1:]}"
    return f"; {listing}"


def printable(text: str, keep: str = "") -> str:
    """Write control characters, and other invisible characters, as Python's escapes.

    A name may come from any source, and a terminal executes control characters.

    Parameters
    ----------
    text
        Any text.
    keep
        Characters to leave as they are, such as line feeds.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in keep or unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Write rows as CSV that a spreadsheet shows unchanged.

    Parameters
    ----------
    rows
        Numbers, texts, and None for an empty cell. A text that a spreadsheet would take for a formula begins with an
        apostrophe; a text that is a number stays one.

    Returns
    -------
    str
        A line a row, each ended by a line feed.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Line feeds in a cell are in order with CSV, but not with what reads a file line by line.
    shown = printable(value)
    return f"'{shown}" if value.lstrip(" ").startswith(_STARTS_OF_FORMULAS) and not _is_number(value) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
