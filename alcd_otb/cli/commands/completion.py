"""The sub-command ``completion``: print the script by which a shell completes this command."""

import argparse

from alcd_otb.cli.completion import SHELLS, completion_script
from alcd_otb.cli.shared_options import SubCommands

_PROGRAM = "alcd-otb"


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("completion", parents=[common], help="print the script for a shell's completion")
    command.add_argument("shell", choices=SHELLS, help="the shell that reads the script")
    before = [option for action in common._actions for option in action.option_strings]

    def run(options: argparse.Namespace) -> int:
        """Print the script."""
        parsers = subcommands.choices
        print(completion_script(options.shell, _PROGRAM, parsers, ["-h", "--help", "--version", *before]), end="")
        return 0

    command.set_defaults(command=run, loads_gdal=False)
