"""The sub-command ``new``: write a scene.json for existing products."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, print_result


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("new", parents=[common], help="write a scene.json for products on disk")
    command.add_argument(
        "products",
        type=Path,
        nargs="+",
        metavar="PRODUCT",
        help="L1C product to classify; then parts of the same acquisition, or clear dates",
    )
    command.add_argument("-o", "--output", type=Path, metavar="FILE", default=Path("scene.json"), help="scene.json")
    command.add_argument("--tile", help="tile to use from a product with several tiles, such as 31TFJ")
    command.add_argument("--template", metavar="NAME", default="clouds", help="template: clouds, water, snow or a path")
    command.add_argument("--dem", type=Path, metavar="FILE", help="elevation model in metres")
    command.add_argument(
        "--folder", type=Path, help="folder with other dates; by default the folder around the product"
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Choose the dates and write the file."""
    from alcd_otb.new_scene import SceneWish, write_new_scene

    tile = options.tile.upper().removeprefix("T") if options.tile else None
    wish = SceneWish(tuple(options.products), tile, options.template, options.dem, options.folder)
    print_result(write_new_scene(wish, options.output), options)
    return 0
