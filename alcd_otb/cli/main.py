"""The command line: run one sub-command, and end with its exit code."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from alcd_otb.cli.commands import (
    accuracy,
    compare,
    demo,
    doctor,
    export,
    import_alcd,
    kfold,
    next_places,
    quicklooks,
    run,
    schema,
    status,
    styles,
)
from alcd_otb.cli.shared_options import common_options, limit_process
from alcd_otb.errors import AlcdError
from alcd_otb.raster.opening import shut_off_network
from otb_pipelines.own_process import own_process

log = logging.getLogger("alcd_otb")

INTERRUPTED = 130

_CONSOLE_SCRIPT = "alcd-otb"
_COMMANDS = (
    run,
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
    doctor,
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
    options = command_parser().parse_args(arguments)
    _set_up_logging(sum(options.verbosity))
    shut_off_network()
    try:
        limit_process(options)
        code: int = options.command(options)
        return code
    except AlcdError as error:
        return _failed(str(error), error.exit_code, options)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED, options)
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. It gives the function of the sub-command as ``command``."""
    verbosity: list[int] = []
    parser = argparse.ArgumentParser(
        prog=_program(),
        description="Reference cloud masks for Sentinel-2 by active learning.",
        parents=[common_options(verbosity, before=True)],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = common_options(verbosity)
    for command in _COMMANDS:
        command.add_to(subcommands, common)
    return parser


def _program() -> str:
    """How the program was called."""
    return _CONSOLE_SCRIPT if Path(sys.argv[0]).name == _CONSOLE_SCRIPT else "python -m alcd_otb"


def _failed(message: str, code: int, options: argparse.Namespace) -> int:
    log.error("%s", message)
    if options.verbosity.count(1) >= 2:
        log.exception("where it happened:")
    return code


def _set_up_logging(verbosity: int) -> None:
    level = max(logging.DEBUG, logging.INFO - 10 * verbosity)
    # The file run.log of a quiet run holds as much as that of any other.
    logging.basicConfig(
        stream=sys.stderr, level=min(level, logging.INFO), format="%(levelname)s: %(message)s", force=True
    )
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
    # OTB warns of what is in order, such as a class with fewer pixels than the most allowed. It raises what matters.
    # Fiona also logs each error that it raises.
    for library in ("otb_pipelines", "fiona"):
        logging.getLogger(library).setLevel(level if verbosity >= 2 else level + 30)


class _Version(argparse.Action):
    """Print the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and end the program."""
        print(f"alcd_otb {metadata.version('alcd-otb')}")
        parser.exit()
