"""The sub-command ``next``: propose where to label next."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, positive, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("next", parents=[common], help="propose where to label next")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument(
        "-n", "--number", type=positive, metavar="N", help="places, at most 1000; else as the template says"
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Propose places, write them as a layer to visit, and print them."""
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, settings_of(options))
    places = scene.next_places(options.number)
    if options.json:
        print(json.dumps({"to_visit": str(scene.workspace.to_visit), "places": places}))
        return 0
    for place in places:
        classes = place["class"] + (f" or {place['second_class']}" if place["second_class"] else "")
        where = f"{place['rank']:>3}  {place['x']:.0f} {place['y']:.0f}"
        print(f"{where}  {classes} ({place['margin']:.2f}): {place['reason']}")
    print(f"{scene.workspace.to_visit}: {len(places)} places")
    return 0
