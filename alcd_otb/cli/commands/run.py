"""The sub-command ``run``: prepare a scene, and make an iteration if it has samples."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from alcd_otb.cli.shared_options import SubCommands, positive, settings_of
from alcd_otb.errors import ConfigurationError

if TYPE_CHECKING:
    from alcd_otb.result import Result


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("run", parents=[common], help="prepare a scene; with samples, make an iteration")
    command.add_argument("scene", type=Path, nargs="?", help="scene.json; `new` writes it")
    command.add_argument("--dry-run", action="store_true", help="check the inputs and print what would be done")
    again = command.add_mutually_exclusive_group()
    again.add_argument(
        "--from", dest="start", type=positive, metavar="N", help="start again from the samples of iteration N"
    )
    again.add_argument(
        "--if-needed",
        action="store_true",
        help="make no iteration if the last one has the same samples, settings, products and version",
    )
    command.add_argument("--template", metavar="NAME", help="template instead of the scene's own")
    command.add_argument(
        "--keep", choices=("all", "map"), default="all", help="map: remove features.tif and view.tif at the end"
    )
    command.add_argument(
        "--stage",
        type=Path,
        metavar="FOLDER",
        help="folder on a fast disk for copies of the products while they are read",
    )
    command.add_argument(
        "--progress",
        choices=("bar", "json"),
        default="bar",
        help="json: one line of JSON on standard error for each percent of a step",
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Prepare the scene where needed, and run one more iteration where there are samples."""
    from alcd_otb.scene import Scene
    from alcd_otb.settings.wishes import Wishes

    scene = Scene.open(_scene_file(options.scene), settings_of(options), options.template)
    wishes = Wishes(options.if_needed, options.keep, options.stage)
    if options.dry_run:
        for step in scene.plan(options.start, wishes):
            print(step)
        return 0
    result = scene.run(options.start, wishes)
    if options.json:
        print(json.dumps(result.as_json()))
    elif result.iteration is None:
        print(f"{result.workspace}: prepared. Open {result.project} in QGIS and label points.")
        print(f"They go to {scene.config.samples}; then run again.")
    else:
        print(_summary(result.iteration, result.labels, result.accuracy or {}))
        if not result.made:
            print("nothing has changed since: no iteration was made")
    if not options.json:
        for line in _asked(result):
            print(line)
    return 0


def _scene_file(given: Path | None) -> Path:
    """Return the scene file that was named, unless it is a product or none was named."""
    from alcd_otb.products.container import has_archive_suffix

    remedy = "write its scene.json with: python -m alcd_otb new"
    if given is None:
        if Path("scene.json").is_file():
            raise ConfigurationError("no scene is named; there is one here: python -m alcd_otb run scene.json")
        raise ConfigurationError(f"no scene is named; give a scene.json, or, for a product, {remedy} PRODUCT")
    if given.suffix.lower() != ".json" and (given.is_dir() or has_archive_suffix(given)):
        raise ConfigurationError(f"{given}: is not a scene.json; if it is a product, {remedy} {given}")
    return given


def _asked(result: "Result") -> list[str]:
    """Return how many places wait to be labelled, and which classes have no sample."""
    from alcd_otb.active_learning.job import nothing_left
    from alcd_otb.samples.unlabelled import request
    from alcd_otb.workspace import Workspace

    lines = []
    if result.to_visit is not None and result.places:
        when = "first" if result.iteration is None else "next"
        lines.append(f"{result.to_visit}: {result.places} places to label {when}")
    elif result.to_visit is not None:
        lines.append(nothing_left(Workspace(result.workspace)))
    if result.unlabelled:
        lines.append(request(result.unlabelled))
    return lines


def _summary(iteration: int, labels: Path | None, accuracy: dict[str, object]) -> str:
    from alcd_otb.iterations.validation import Validation
    from alcd_otb.settings.legend import Positive

    sides = Positive.in_results(accuracy)
    binary = accuracy.get(sides.key)
    assert isinstance(binary, dict)
    lines = [f"iteration {iteration}: {labels}"]
    overall = accuracy.get("overall_accuracy")
    if isinstance(overall, float):
        reference = Validation.in_metrics(accuracy).reference
        lines.append(
            f"on {accuracy['pixels']} pixels of {reference}, not of the whole map: "
            f"overall accuracy {overall:.3f}, {sides.title} {binary['overall_accuracy']:.3f}"
        )
    stopping = accuracy.get("stopping")
    if isinstance(stopping, dict) and stopping["text"]:
        lines.append(stopping["text"])
    return "\n".join(lines)
