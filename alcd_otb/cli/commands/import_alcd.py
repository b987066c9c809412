"""The sub-command ``import-alcd``: make a scene of a work folder of the original ALCD."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, print_result


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser(
        "import-alcd", parents=[common], help="make a scene of the original ALCD's work folder"
    )
    command.add_argument("alcd_folder", type=Path, metavar="ALCD_DIR", help="such as Arles_31TFJ_20171002")
    command.add_argument("output", type=Path, metavar="OUT", help="the folder to make, with scene.json in it")
    command.add_argument(
        "--parameters",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="its JSON files, or the folder they are in",
    )
    command.add_argument("--cloudy", type=Path, help="the L1C product to classify, if ALCD's paths lead nowhere")
    command.add_argument("--clear", type=Path, help="that of the clear date")
    command.add_argument("--dem", type=Path, help="an elevation model")
    command.add_argument(
        "--template",
        default="clouds_alcd2019",
        metavar="NAME",
        help="clouds_alcd2019 (default) takes over features and classifier; clouds, or a file, brings its own",
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
