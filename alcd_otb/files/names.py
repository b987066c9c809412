"""Check names of files that come from data: products, configurations, workspaces."""

import unicodedata

_LONGEST = 255
"""Bytes of a name, as file systems limit them."""


def is_file_name(text: object) -> bool:
    """Return whether a text can be the name of one file or folder.

    A name is one component of a path. It holds no control character, does not begin with a dot, and has at most 255
    bytes in UTF-8.

    Parameters
    ----------
    text
        What stands in the data where a name is expected: any value of JSON or XML.
    """
    if not isinstance(text, str) or not text or text.startswith(".") or "/" in text or "\\" in text:
        return False
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return False
    return len(text.encode()) <= _LONGEST
