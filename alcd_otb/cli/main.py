"""The command line: run one sub-command, and end with its exit code."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from alcd_otb.cli.boundary import run_command, set_up_logging, set_up_process
from alcd_otb.cli.commands import (
    accuracy,
    batch,
    compare,
    completion,
    demo,
    doctor,
    export,
    import_alcd,
    kfold,
    label,
    new,
    next_places,
    qgis_plugin,
    quicklooks,
    run,
    schema,
    status,
    styles,
)
from alcd_otb.cli.shared_options import common_options, limit_process
from alcd_otb.cli.stopping import Stopped
from alcd_otb.text import printable
from otb_pipelines.own_process import own_process

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

INTERRUPTED = Stopped.INTERRUPTED

_CONSOLE_SCRIPT = "alcd-otb"
_COMMANDS = (
    new,
    run,
    label,
    qgis_plugin,
    next_places,
    kfold,
    accuracy,
    status,
    quicklooks,
    demo,
    styles,
    import_alcd,
    schema,
    compare,
    export,
    batch,
    doctor,
    completion,
)
"""In the order in which the help lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command. Results go to standard output, all else to standard error.

    Parameters
    ----------
    arguments
        The words of the command line, without the program. By default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    if arguments is None:
        # Not where a program calls this function with words of its own.
        own_process()
        set_up_process()
    verbosity: list[int] = []

    def work() -> int:
        options = command_parser(verbosity).parse_args(arguments)
        set_up_logging(sum(verbosity))
        limit_process(options)
        if getattr(options, "loads_gdal", True):
            # Here, since it loads GDAL, which may be missing, and takes its limits when it is loaded.
            from alcd_otb.raster.opening import shut_off_network

            shut_off_network()
        code: int = options.command(options)
        return code

    return run_command(work, verbosity)


def command_parser(verbosity: list[int] | None = None) -> argparse.ArgumentParser:
    """Return the parser of the command line. It gives the function of the sub-command as ``command``.

    Parameters
    ----------
    verbosity
        Takes 1 for each ``-v`` and -1 for each ``-q``.
    """
    verbosity = [] if verbosity is None else verbosity
    parser = _Parser(
        prog=_program(),
        description="Make reference cloud masks of Sentinel-2 by active learning.",
        parents=[common_options(verbosity, before=True)],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = common_options(verbosity)
    for command in _COMMANDS:
        command.add_to(subcommands, common)
    return parser


def _program() -> str:
    """How the program was called."""
    return _CONSOLE_SCRIPT if Path(sys.argv[0]).name == _CONSOLE_SCRIPT else "python -m alcd_otb"


class _Parser(argparse.ArgumentParser):
    """A parser whose messages hold no control characters, and whose exit code stays if they cannot be written."""

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        if file is not None and file is not sys.stderr:
            super()._print_message(message, file)
            return
        with suppress(OSError):
            super()._print_message(printable(message, keep="\n\t"), sys.stderr)


class _Version(argparse.Action):
    """Print the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and end the program."""
        print(f"alcd_otb {metadata.version('alcd-otb')}")
        parser.exit()
