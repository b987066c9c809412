"""Read the table of the keys with which a scene is labelled, in the page and in QGIS."""

import json
from importlib.resources import files
from typing import TypedDict, cast


class Key(TypedDict):
    """A key or a move of the mouse.

    The keys are as a browser names them; several do the same. ``action`` is the name by which a program knows what is
    done, ``what`` says it to people.
    """

    keys: list[str]
    shown: str
    action: str
    what: str


def key_table() -> list[Key]:
    """Return the keys in the order in which people read them."""
    return cast(list[Key], json.loads((files("alcd_otb.label") / "keys.json").read_text("utf-8")))


def key_rows() -> str:
    """Return the table of the keys in Markdown, as the documentation shows it."""
    rows = [f"| {key['shown']} | {key['what']} |" for key in key_table()]
    return "\n".join(["| key | what it does |", "| --- | --- |", *rows])
