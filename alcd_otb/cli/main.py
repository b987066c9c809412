"""The command line: runs one sub-command, and ends with its exit code."""

import argparse
import logging
import sys
from collections.abc import Sequence

from alcd_otb.cli.options import command_parser
from alcd_otb.errors import AlcdError

log = logging.getLogger("alcd_otb")

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit code. Results go to standard output, all else to standard error."""
    options = command_parser().parse_args(arguments)
    _set_up_logging(options.verbose - options.quiet)
    try:
        code: int = options.command(options)
        return code
    except AlcdError as error:
        return _failed(str(error), error.exit_code, options)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED, options)
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _failed(message: str, code: int, options: argparse.Namespace) -> int:
    log.error("%s", message)
    if options.verbose >= 2:
        log.exception("where it happened:")
    return code


def _set_up_logging(verbosity: int) -> None:
    level = max(logging.DEBUG, logging.INFO - 10 * verbosity)
    # A quiet run's run.log tells as much as any other's.
    logging.basicConfig(
        stream=sys.stderr, level=min(level, logging.INFO), format="%(levelname)s: %(message)s", force=True
    )
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
    # OTB warns of what is as it should be, such as a class with fewer pixels than the most allowed. What matters
    # it raises.
    # Fiona logs each error that it raises as well.
    for library in ("otb_pipelines", "fiona"):
        logging.getLogger(library).setLevel(level if verbosity >= 2 else level + 30)
