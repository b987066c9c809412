"""The sub-command ``doctor``: show what is installed and what is missing."""

import argparse

from alcd_otb.cli.shared_options import SubCommands, print_result, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("doctor", parents=[common], help="list what is installed and what is missing")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print what is installed and what is missing."""
    from alcd_otb.cli.doctor import diagnose
    from alcd_otb.errors import EnvironmentNotReadyError

    diagnosis = diagnose(settings_of(options))
    print_result(diagnosis, options)
    return 0 if diagnosis.is_ready else EnvironmentNotReadyError.exit_code
