"""The sub-command ``kfold``: cross-validate the samples by spatial block."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, positive, print_result, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("kfold", parents=[common], help="cross-validate the samples by spatial block")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument(
        "-k", dest="folds", type=positive, default=10, metavar="N", help="number of folds (default: 10)"
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Cross-validate the samples of a prepared scene."""
    from alcd_otb.scene import Scene

    print_result(Scene.open(options.scene, settings_of(options)).cross_validate(options.folds), options)
    return 0
