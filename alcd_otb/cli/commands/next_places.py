"""The sub-command ``next``: propose where to label next."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from alcd_otb.cli.shared_options import SubCommands, positive, settings_of

if TYPE_CHECKING:
    from alcd_otb.active_learning.layer import PlaceRecord


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("next", parents=[common], help="propose places to label")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument(
        "-n",
        "--number",
        type=positive,
        metavar="N",
        help="number of places, at most 1000; by default that of the template",
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Propose places, write them as a layer to visit, and print them."""
    from alcd_otb.active_learning.job import nothing_left
    from alcd_otb.samples.unlabelled import request
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, settings_of(options))
    places = scene.next_places(options.number)
    unlabelled = scene.unlabelled_classes()
    if options.json:
        content = {"to_visit": str(scene.workspace.to_visit), "places": places, "classes_without_samples": unlabelled}
        print(json.dumps(content))
        return 0
    for place in places:
        where = f"{place['rank']:>3}  {place['x']:.0f} {place['y']:.0f}"
        print(f"{where}  {_classes(place)}{place['reason']}")
    print(f"{scene.workspace.to_visit}: {len(places)} places")
    if not places:
        print(nothing_left(scene.workspace))
    if unlabelled:
        print(request(unlabelled))
    return 0


def _classes(place: "PlaceRecord") -> str:
    """Name the classes of a place and its margin; empty before there is a map."""
    if place["class"] is None or place["margin"] is None:
        return ""
    second = f" or {place['second_class']}" if place["second_class"] else ""
    return f"{place['class']}{second} ({place['margin']:.2f}): "
