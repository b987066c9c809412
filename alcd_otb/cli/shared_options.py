"""The options that all sub-commands share, and the types of the values of options."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from alcd_otb.cli.progress import ProgressBar, ProgressLines
from alcd_otb.products.times import utc_time
from otb_pipelines.machine import find_machine, limit_libraries
from otb_pipelines.settings import Progress, Settings, default_settings

log = logging.getLogger(__name__)

NumberT = TypeVar("NumberT", int, float)


class SubCommands(Protocol):
    """The object of argparse to which sub-commands are added.

    Attributes
    ----------
    choices
        The parsers of the sub-commands, by name.
    """

    choices: dict[str, argparse.ArgumentParser]

    def add_parser(self, name: str, **keywords: Any) -> argparse.ArgumentParser:
        """Add a sub-command and return its parser."""
        ...


class Printable(Protocol):
    """The result of a job, which can be printed for people and for programs."""

    def as_json(self) -> object:
        """Return the result as an object of JSON."""
        ...

    def summary(self) -> str:
        """Return the result as a text of a few lines."""
        ...


def common_options(verbosity: list[int], *, before: bool = False) -> argparse.ArgumentParser:
    """Return a parser of the options that may stand before or after any sub-command.

    Parameters
    ----------
    verbosity
        Takes 1 for each ``-v`` and -1 for each ``-q``. All parsers share it, since argparse replaces the values of the
        options before a sub-command by those after it.
    before
        Whether the options stand before the sub-command. Only these have defaults, which the others would undo.
    """
    parser = argparse.ArgumentParser(add_help=False, argument_default=None if before else argparse.SUPPRESS)
    parser.set_defaults(verbosity=verbosity)
    parser.add_argument("-v", "--verbose", action=_Verbosity, const=1, help="print more; twice: also tracebacks")
    parser.add_argument("-q", "--quiet", action=_Verbosity, const=-1, help="print less")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument(
        "--ram", type=positive, metavar="MB", help="memory in MB that a chain of applications may buffer"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="number of threads")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Return memory, threads and progress from the options, or by default from the machine."""
    shows_progress = sys.stderr.isatty() and -1 not in options.verbosity
    progress: Progress | None = ProgressBar(sys.stderr) if shows_progress else None
    if getattr(options, "progress", None) == "json":
        progress = ProgressLines(sys.stderr)
    defaults = default_settings(progress)
    return Settings(options.ram or defaults.ram, options.threads or defaults.threads, defaults.progress)


def limit_process(options: argparse.Namespace) -> None:
    """Keep the libraries of this process within memory and threads, and warn of variables that cannot be used."""
    for sentence in find_machine().ignored:
        log.warning("%s", sentence)
    settings = settings_of(options)
    limit_libraries(settings.ram, settings.threads)


def print_result(result: Printable, options: argparse.Namespace) -> None:
    """Print a result on standard output: as text, or with ``--json`` as one JSON object."""
    print(json.dumps(result.as_json()) if options.json else result.summary())


def whole_number(text: str) -> int:
    """Read a whole number."""
    return _number(text, int, "a whole number", lambda _: True)


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _number(text, int, "a whole number of at least 1", lambda value: value >= 1)


def not_negative(text: str) -> int:
    """Read a whole number of at least 0."""
    return _number(text, int, "a whole number of at least 0", lambda value: value >= 0)


def utc(text: str) -> datetime:
    """Read a time of ISO 8601. Without a time zone it is UTC."""
    try:
        return utc_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2017-10-02T10:30:09Z") from error


def metres(text: str) -> tuple[float, ...]:
    """Read distances in metres, such as ``0:300:60`` (first, last, step) or ``0,180``."""
    try:
        if ":" not in text:
            return tuple(float(part) for part in text.split(","))
        first, last, step = (float(part) for part in text.split(":"))
        return tuple(first + index * step for index in range(int((last - first) / step + 1e-9) + 1))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        problem = f"{text!r} is neither FIRST:LAST:STEP nor a list such as 0,180"
        raise argparse.ArgumentTypeError(problem) from error


def _number(text: str, kind: type[NumberT], wanted: str, allowed: Callable[[NumberT], bool]) -> NumberT:
    """Read a number. The message of argparse would name the function of Python that reads it."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not allowed(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value


class _Verbosity(argparse.Action):
    """Append ``const`` to the list ``verbosity`` of the options."""

    def __init__(self, option_strings: Sequence[str], dest: str, **keywords: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **keywords)

    def __call__(self, _parser: object, namespace: argparse.Namespace, *_: object) -> None:
        """Note that the option was given."""
        namespace.verbosity.append(self.const)
