"""Text for people: what a terminal obeys is shown and not sent, and a spreadsheet finds no formula in a table."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.text import csv_text, printable

ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
TEMPTING = st.text(st.sampled_from("=+-@\t\r\n,;\"'| A1!\x1b\x07\u202e"), max_size=8)


@given(ANY_TEXT | TEMPTING)
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    shown = printable(text)
    assert [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")] == []
    shown.encode("utf-8")
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Élise à 31 %", "Élise à 31 %"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("two\nlines", "two\\nlines"),
        ("\udcff", "\\udcff"),
        ("a\u202eb", "a\\u202eb"),
        ("12\u00a0000", "12\u00a0000"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_feeds_may_be_kept() -> None:
    assert printable("a\nb\x07", keep="\n") == "a\nb\\x07"


@given(st.lists(st.lists(ANY_TEXT | TEMPTING | st.integers() | st.none(), min_size=2, max_size=4), max_size=4))
def test_a_spreadsheet_finds_no_formula(rows: list[list[str | int | None]]) -> None:
    text = csv_text(rows)
    read = list(csv.reader(io.StringIO(text)))
    assert len(read) == len(rows) == text.count("\n")
    for cells, row in zip(read, rows, strict=True):
        assert len(cells) == len(row)
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, int):
                assert int(cell) == value
            elif value is None:
                assert cell == ""
            elif cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")):
                float(cell)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("land", "land"),
        ("low, high", '"low, high"'),
        ('say "a"', '"say ""a"""'),
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("  =1+1", "'  =1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("-0.25", "-0.25"),
        ("+1e-05", "+1e-05"),
        (-3, "-3"),
        (0.1, "0.1"),
        (None, ""),
    ],
)
def test_a_cell(value: object, line: str) -> None:
    assert csv_text([["a", value]]) == f"a,{line}\n"
