"""Read tables from pages of the documentation."""

import re


def table_rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.M)[1]
    table = re.search(r"(?:^\|.*\|$\n)+", below, re.M)
    assert table is not None, f"no table below {heading!r}"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()]
    return rows[2:]
