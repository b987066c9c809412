"""Read the table of the keys with which a scene is labelled, in the page and in QGIS."""

from importlib.resources import files
from pathlib import Path
from typing import TypedDict, cast

from alcd_otb.files.json_file import read_json


class Key(TypedDict):
    """A key or a move of the mouse.

    The keys have their names in a browser; several do the same. ``action`` is the name of the action for programs,
    ``what`` its description for people.
    """

    keys: list[str]
    shown: str
    action: str
    what: str


def key_table() -> list[Key]:
    """Return the keys in the order in which people read them."""
    return cast(list[Key], read_json(Path(str(files("alcd_otb.label") / "keys.json"))))


def key_rows() -> str:
    """Return the table of the keys in Markdown, as the documentation shows it."""
    rows = [f"| {key['shown']} | {key['what']} |" for key in key_table()]
    return "\n".join(["| key | what it does |", "| --- | --- |", *rows])
