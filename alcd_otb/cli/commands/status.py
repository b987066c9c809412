"""The sub-command ``status``: show the figures of the iterations of a scene."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("status", parents=[common], help="print how the iterations of a scene developed")
    command.add_argument("scene", type=Path, help="scene.json")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the iterations of a scene, oldest first."""
    from alcd_otb.iterations.status import status_text, validation_sentences
    from alcd_otb.iterations.stopping import Stopping
    from alcd_otb.iterations.validation import NO_ORDER
    from alcd_otb.samples.unlabelled import request, unlabelled_classes
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, settings_of(options))
    iterations = scene.status()
    labelled = iterations[-1].points if iterations else ()
    unlabelled = unlabelled_classes(labelled, scene.config.template.legend)
    if options.json:
        stopping = Stopping.after(iterations)
        content = {
            "name": scene.config.name,
            "workspace": str(scene.workspace.folder),
            "validation": " ".join([*validation_sentences(iterations), NO_ORDER]),
            "stopping": stopping.as_json() if stopping is not None else None,
            "warnings": list(scene.workspace.preparation_warnings),
            "iterations": [iteration.as_json() for iteration in iterations],
            "classes_without_samples": unlabelled,
        }
        print(json.dumps(content))
    else:
        print(status_text(f"{scene.config.name} ({scene.workspace.folder})", iterations))
        if unlabelled:
            print(f"\n{request(unlabelled)}")
        for warning in scene.workspace.preparation_warnings:
            print(f"\nwarning: {warning}")
    return 0
