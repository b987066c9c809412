"""The sub-command ``accuracy``: draw points to label blindly, and estimate the accuracy of the map from them."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, not_negative, positive, print_result, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command, its two steps and their options."""
    accuracy = subcommands.add_parser(
        "accuracy", parents=[common], help="estimate the accuracy of the map from random points"
    )
    steps = accuracy.add_subparsers(required=True, metavar="STEP")

    command = steps.add_parser("plan", parents=[common], help="draw the points to label")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument(
        "-n", dest="points", type=positive, default=200, metavar="N", help="number of points (default: 200)"
    )
    command.add_argument("--seed", type=not_negative, default=1, help="seed of the draw")
    command.add_argument(
        "--replace", action="store_true", help="keep labelled points in another file and draw new ones"
    )
    command.set_defaults(command=plan)

    command = steps.add_parser("estimate", parents=[common], help="estimate accuracies and areas from the points")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("--iteration", type=positive, metavar="N", help="iteration of the map; by default the latest")
    command.add_argument("--labelled-only", action="store_true", help="leave out points without a class")
    command.set_defaults(command=estimate)


def plan(options: argparse.Namespace) -> int:
    """Draw the points to label blindly, and write the project to label them in."""
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, settings_of(options))
    drawn = scene.plan_accuracy(options.points, options.seed, options.replace)
    points, project = scene.workspace.accuracy_points, scene.workspace.accuracy_project
    if options.json:
        # Not the points of each stratum: the operator must not know how often a class was drawn.
        counts = {"count": len(drawn.points), "iteration": drawn.iteration}
        print(json.dumps({"points": str(points), "project": str(project), **counts}))
    else:
        print(f"{points}: {len(drawn.points)} points of iteration {drawn.iteration}'s map. Label all of them without")
        print(f"looking at the map, in {project}, then run: accuracy estimate")
    return 0


def estimate(options: argparse.Namespace) -> int:
    """Estimate the accuracy of a map and the areas of its classes from the labelled points."""
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, settings_of(options))
    print_result(scene.estimate_accuracy(options.iteration, options.labelled_only), options)
    return 0
