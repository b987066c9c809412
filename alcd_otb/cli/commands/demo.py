"""The sub-command ``demo``: make a synthetic scene and run it."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, positive, print_result, settings_of, whole_number


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("demo", parents=[common], help="make a synthetic scene and run it")
    command.add_argument("folder", type=Path, help="folder to write the scene into")
    command.add_argument(
        "--size",
        type=whole_number,
        default=2196,
        help="side in pixels of 10 m, a multiple of 6 (default: 2196; a full tile: 10980)",
    )
    command.add_argument(
        "--seed", type=whole_number, default=1, help="seed of the scene; the same seed makes the same scene"
    )
    command.add_argument(
        "--template",
        default="clouds",
        metavar="NAME",
        help="template of the scene, its truth and its points (default: clouds)",
    )
    command.add_argument(
        "--resolution",
        type=positive,
        metavar="M",
        help="resolution of the map in metres; by default that of the template",
    )
    command.add_argument(
        "--offset",
        choices=("cloudy", "clear", "both", "none"),
        default="cloudy",
        help="dates with a radiometric offset (processing baseline 04.00 and later)",
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Make a synthetic scene, run it, and compare its map with the truth."""
    from alcd_otb.cli.demo import run_demo
    from alcd_otb.errors import ConfigurationError
    from alcd_otb.synthetic.scene import make_scene

    try:
        scene = make_scene(
            options.folder,
            size=options.size,
            seed=options.seed,
            offset=options.offset,
            use=options.template,
            resolution=options.resolution,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    print_result(run_demo(scene, settings_of(options)), options)
    return 0
