"""The sub-command ``import-alcd``: make a scene of a work folder of the original ALCD."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, print_result


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser(
        "import-alcd", parents=[common], help="make a scene from a work folder of the original ALCD"
    )
    command.add_argument("alcd_folder", type=Path, metavar="ALCD_DIR", help="work folder, such as Arles_31TFJ_20171002")
    command.add_argument("output", type=Path, metavar="OUT", help="folder to write, with scene.json in it")
    command.add_argument(
        "--parameters",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="JSON files of the original, or their folder",
    )
    command.add_argument("--cloudy", type=Path, help="L1C product to classify, if the paths of ALCD do not exist")
    command.add_argument("--clear", type=Path, help="L1C product of the clear date")
    command.add_argument("--dem", type=Path, help="elevation model")
    command.add_argument(
        "--template",
        default="clouds_alcd2019",
        metavar="NAME",
        help="clouds_alcd2019 (default): features and classifier of the original; clouds, or a file: its own",
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Read the work folder, and write a scene with its points, classes, features and settings."""
    from alcd_otb.original_alcd.job import import_folder

    result = import_folder(
        options.alcd_folder,
        options.output,
        options.parameters,
        options.template,
        {"cloudy": options.cloudy, "clear": options.clear, "dem": options.dem},
    )
    print_result(result, options)
    return 0
