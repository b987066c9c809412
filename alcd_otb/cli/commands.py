"""The sub-commands: each is one short function that calls one job and prints what came of it.

Each imports its job itself, so that the others need not wait for it.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Protocol

from alcd_otb.cli.progress import ProgressBar
from alcd_otb.errors import EnvironmentNotReadyError, ProductError
from otb_pipelines.settings import Settings, default_settings


def run(options: argparse.Namespace) -> int:
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, _settings(options))
    if options.dry_run:
        for step in scene.plan(options.start):
            print(step)
        return 0
    result = scene.run(options.start)
    if options.json:
        print(json.dumps(result.as_json()))
    elif result.iteration is None:
        print(f"{result.workspace}: prepared. Open {result.project} in QGIS and label points.")
        print(f"They go to {scene.config.samples}; then run again.")
    else:
        print(_summary(result.iteration, result.labels, result.accuracy or {}))
    return 0


def next_places(options: argparse.Namespace) -> int:
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, _settings(options))
    places = scene.next_places(options.number)
    if options.json:
        print(json.dumps({"to_visit": str(scene.workspace.to_visit), "places": places}))
        return 0
    for place in places:
        named = place["class"] + (f" or {place['second_class']}" if place["second_class"] else "")
        print(
            f"{place['rank']:>3}  {place['x']:.0f} {place['y']:.0f}  {named} ({place['margin']:.2f}): {place['reason']}"
        )
    print(f"{scene.workspace.to_visit}: {len(places)} places")
    return 0


def kfold(options: argparse.Namespace) -> int:
    from alcd_otb.scene import Scene

    result = Scene.open(options.scene, _settings(options)).cross_validate(options.folds)
    _tell(result, options)
    return 0


def plan_accuracy(options: argparse.Namespace) -> int:
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, _settings(options))
    plan = scene.plan_accuracy(options.points, options.seed, options.replace)
    points = scene.workspace.accuracy_points
    if options.json:
        # Not a stratum's points: who labels must not know how often a class was drawn.
        project = str(scene.workspace.accuracy_project)
        print(
            json.dumps(
                {"points": str(points), "project": project, "count": len(plan.points), "iteration": plan.iteration}
            )
        )
    else:
        print(f"{points}: {len(plan.points)} points of iteration {plan.iteration}'s map. Label all of them without")
        print(f"looking at the map, in {scene.workspace.accuracy_project}, then run: accuracy estimate")
    return 0


def estimate_accuracy(options: argparse.Namespace) -> int:
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, _settings(options))
    result = scene.estimate_accuracy(options.iteration, options.labelled_only)
    _tell(result, options)
    return 0


def status(options: argparse.Namespace) -> int:
    from alcd_otb.iterations.history import VALIDATION
    from alcd_otb.iterations.status import status_text
    from alcd_otb.scene import Scene

    scene = Scene.open(options.scene, _settings(options))
    iterations = scene.status()
    if options.json:
        content = {
            "name": scene.config.name,
            "workspace": str(scene.workspace.folder),
            "validation": VALIDATION,
            "iterations": [one.as_json() for one in iterations],
        }
        print(json.dumps(content))
    else:
        print(status_text(f"{scene.config.name} ({scene.workspace.folder})", iterations))
    return 0


def quicklooks(options: argparse.Namespace) -> int:
    from alcd_otb.pictures.quicklooks import find_dates
    from alcd_otb.report.sheet import check_sheet, write_sheet

    output = options.output or Path(f"quicklooks_{options.tile.upper().removeprefix('T')}.html")
    check_sheet(output)
    dates = find_dates(options.folder, options.tile, _settings(options).progress)
    write_sheet(output, dates)
    if options.json:
        print(json.dumps({"sheet": str(output), "tile": dates.tile, "dates": [one.as_json() for one in dates.dates]}))
    else:
        print(f"{output}: {dates.summary()}")
    return 0


def demo(options: argparse.Namespace) -> int:
    from alcd_otb.cli.demo import run_demo

    result = run_demo(
        options.folder,
        options.size,
        options.seed,
        options.offset,
        _settings(options),
        options.template,
        options.resolution,
    )
    _tell(result, options)
    return 0


def compare(options: argparse.Namespace) -> int:
    from alcd_otb.compare.job import compare as compare_masks
    from alcd_otb.compare.protocol import load_protocol

    protocol = load_protocol(options.protocol)
    if options.dilate is not None:
        protocol = protocol.dilated_by(options.dilate)
    result = compare_masks(
        [options.reference], options.product, protocol, options.output, _settings(options), options.fmask
    )
    _tell(result, options)
    return ProductError.exit_code if result.failures else 0


def export(options: argparse.Namespace) -> int:
    from alcd_otb.export.job import ExportOptions
    from alcd_otb.export.job import export as export_scenes
    from alcd_otb.export.publication import Publication

    publication = Publication(
        title=options.title,
        description=options.description,
        licence=options.licence,
        citation=options.citation,
        doi=options.doi,
        provider=options.provider,
        cloud=tuple(options.cloud or ()),
    )
    export_options = ExportOptions(options.layout, publication, options.iteration, options.acquired, options.replace)
    result = export_scenes(options.source, options.output, export_options, _settings(options))
    _tell(result, options)
    return 0


def doctor(options: argparse.Namespace) -> int:
    from alcd_otb.cli.doctor import diagnose

    diagnosis = diagnose(_settings(options))
    if options.json:
        print(json.dumps(diagnosis.as_json()))
    else:
        for name, version in diagnosis.versions.items():
            print(f"{name} {version}")
        print(f"{len(diagnosis.applications)} OTB applications in {diagnosis.application_path or 'the default path'}")
        print(f"fast forest: {diagnosis.forest_plugin or 'not built; make install builds it'}")
        print(f"memory {diagnosis.memory} MB, of which a chain buffers {diagnosis.ram} MB; {diagnosis.threads} threads")
        for problem, remedy in diagnosis.problems:
            print(f"MISSING: {problem}\n  mend it with: {remedy}")
        print("ready" if diagnosis.is_ready else "not ready")
    return 0 if diagnosis.is_ready else EnvironmentNotReadyError.exit_code


def import_alcd(options: argparse.Namespace) -> int:
    from alcd_otb.original_alcd.job import import_folder

    result = import_folder(
        options.alcd_folder,
        options.output,
        options.parameters,
        options.template,
        {"cloudy": options.cloudy, "clear": options.clear, "dem": options.dem},
    )
    _tell(result, options)
    return 0


def schema(options: argparse.Namespace) -> int:
    from alcd_otb.settings.scene_file import scene_schema
    from alcd_otb.settings.template import template_schema

    print(json.dumps(template_schema() if options.template else scene_schema(), indent=None if options.json else 2))
    return 0


def styles(options: argparse.Namespace) -> int:
    from alcd_otb.qgis.styles import write_styles
    from alcd_otb.settings.template import load_template

    written = write_styles(load_template(options.template).legend, options.folder, Path(options.template).stem)
    if options.json:
        print(json.dumps({"styles": [str(path) for path in written]}))
    else:
        print(*written, sep="\n")
    return 0


def _summary(iteration: int, labels: Path | None, accuracy: dict[str, object]) -> str:
    from alcd_otb.settings.legend import Positive

    sides = Positive.in_results(accuracy)
    binary = accuracy.get(sides.key)
    assert isinstance(binary, dict)
    lines = [f"iteration {iteration}: {labels}"]
    overall = accuracy.get("overall_accuracy")
    if isinstance(overall, float):
        lines.append(
            f"on {accuracy['pixels']} pixels of samples kept out of training, not of the map at large: "
            f"overall accuracy {overall:.3f}, {sides.title} {binary['overall_accuracy']:.3f}"
        )
    return "\n".join(lines)


class _Told(Protocol):
    def as_json(self) -> object: ...

    def summary(self) -> str: ...


def _tell(result: _Told, options: argparse.Namespace) -> None:
    print(json.dumps(result.as_json()) if options.json else result.summary())


def _settings(options: argparse.Namespace) -> Settings:
    defaults = default_settings(ProgressBar(sys.stderr) if sys.stderr.isatty() and options.quiet == 0 else None)
    return Settings(options.ram or defaults.ram, options.threads or defaults.threads, defaults.progress)
