"""Define the errors of OTB's applications."""

import re

_LONGEST_SUMMARY = 300
# Where in its source a library raised an error: "/build/itkFoo.cxx:123:\nitk::ERROR: Foo(0x55d0c0): ", "In Read(): ".
# SQLite also names the statement: "sqlite3_exec(INSERT ...) failed: ".
_SOURCE = re.compile(
    r"(?:\S*\.(?:cxx|hxx|txx|cpp|h):\d+:\s*)?(?:itk::ERROR:\s*)?(?:\w+\(0x[0-9a-f]+\):\s*)|(?:In )?\b\w+\(\)\s*:\s*"
    r"|\bsqlite3_\w+\(.*?\) failed\s*:\s*",
    re.ASCII | re.DOTALL,
)
# BandReading's messages about a JPEG 2000 file.
_DAMAGE = re.compile(r".*\.jp2: (?:is damaged: .*|cannot be read \(.*\))", re.IGNORECASE)


def without_source(message: str) -> str:
    """Remove from a message where in its source a library raised the error, which helps no user.

    Parameters
    ----------
    message
        A message that may quote a library.
    """
    return _SOURCE.sub("", message)


class OtbError(RuntimeError):
    """An OTB application failed, or could not be made. The message names it and quotes OTB's own message.

    Parameters
    ----------
    message
        The whole message.
    summary
        The summary for a person. None for the whole message.
    """

    def __init__(self, message: str, summary: str | None = None) -> None:
        super().__init__(message)
        text = without_source(summary if summary is not None else message)
        self.summary = text if len(text) <= _LONGEST_SUMMARY else f"{text[: _LONGEST_SUMMARY - 4]} ..."
        """One line without parameters and places in the source, of at most 300 letters."""


class DamagedFileError(OtbError):
    """A file could not be decoded, or its decoded pixels cannot be right.

    Parameters
    ----------
    message, summary
        As of any such error.
    problem
        The file and what is wrong with it, in one line.
    """

    def __init__(self, message: str, summary: str, problem: str) -> None:
        super().__init__(message, summary)
        self.problem = problem


def damage_in(message: str) -> str | None:
    """Find in a message of BandReading which file is damaged and why; None if it is about something else."""
    found = _DAMAGE.fullmatch(" ".join(without_source(message).split()))
    return found[0] if found else None


class OtbMissingError(OtbError):
    """OTB, or one of its applications, is not installed."""
