"""The command line: each sub-command is one short function that calls one job."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alcd_otb.errors import AlcdError, EnvironmentNotReadyError, ProductError
from alcd_otb.progress import ProgressBar
from otb_pipelines.settings import Settings, default_settings

log = logging.getLogger("alcd_otb")

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit code. Results go to standard output, all else to standard error."""
    options = _parser().parse_args(arguments)
    _set_up_logging(options.verbose - options.quiet)
    try:
        code: int = options.command(options)
        return code
    except AlcdError as error:
        return _failed(str(error), error.exit_code, options)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED, options)
    except BrokenPipeError:
        sys.stderr.close()
        return 0


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
    print(json.dumps(result.as_json()) if options.json else result.summary())
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
    print(json.dumps(result.as_json()) if options.json else result.summary())
    return 0


def status(options: argparse.Namespace) -> int:
    from alcd_otb.history import VALIDATION
    from alcd_otb.scene import Scene
    from alcd_otb.status import status_text

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
    from alcd_otb.quicklooks import find_dates
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
    from alcd_otb.demo import run_demo

    result = run_demo(
        options.folder,
        options.size,
        options.seed,
        options.offset,
        _settings(options),
        options.template,
        options.resolution,
    )
    if options.json:
        print(json.dumps(result.as_json()))
    else:
        print(result.summary())
    return 0


def compare(options: argparse.Namespace) -> int:
    from alcd_otb.compare.job import compare as compare_masks
    from alcd_otb.compare.text import summary
    from alcd_otb.protocol import load_protocol

    protocol = load_protocol(options.protocol)
    if options.dilate is not None:
        protocol = protocol.dilated_by(options.dilate)
    result = compare_masks(
        [options.reference], options.product, protocol, options.output, _settings(options), options.fmask
    )
    print(json.dumps(result.as_json()) if options.json else summary(result))
    return ProductError.exit_code if result.failures else 0


def export(options: argparse.Namespace) -> int:
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
    result = export_scenes(
        options.source,
        options.output,
        options.layout,
        publication,
        _settings(options),
        options.iteration,
        options.acquired,
        options.replace,
    )
    print(json.dumps(result.as_json()) if options.json else result.summary())
    return 0


def doctor(options: argparse.Namespace) -> int:
    from alcd_otb.doctor import diagnose

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
    print(json.dumps(result.as_json()) if options.json else result.summary())
    return 0


def schema(options: argparse.Namespace) -> int:
    from alcd_otb.schema import scene_schema, template_schema

    print(json.dumps(template_schema() if options.template else scene_schema(), indent=None if options.json else 2))
    return 0


def styles(options: argparse.Namespace) -> int:
    from alcd_otb.qgis_styles import write_styles
    from alcd_otb.template import load_template

    written = write_styles(load_template(options.template).legend, options.folder, Path(options.template).stem)
    if options.json:
        print(json.dumps({"styles": [str(path) for path in written]}))
    else:
        print(*written, sep="\n")
    return 0


def _summary(iteration: int, labels: Path | None, accuracy: dict[str, object]) -> str:
    from alcd_otb.legend import Positive

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


def _settings(options: argparse.Namespace) -> Settings:
    defaults = default_settings(ProgressBar(sys.stderr) if sys.stderr.isatty() and options.quiet == 0 else None)
    return Settings(options.ram or defaults.ram, options.threads or defaults.threads, defaults.progress)


def _failed(message: str, code: int, options: argparse.Namespace) -> int:
    log.error("%s", message)
    if options.verbose >= 2:
        log.exception("where it happened:")
    return code


def _set_up_logging(verbosity: int) -> None:
    level = max(logging.DEBUG, logging.INFO - 10 * verbosity)
    # A quiet run's run.log tells as much as any other's.
    logging.basicConfig(
        stream=sys.stderr, level=min(level, logging.INFO), format="%(levelname)s: %(message)s", force=True
    )
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
    # OTB warns of what is as it should be, such as a class with fewer pixels than the most allowed. What matters
    # it raises.
    # Fiona logs each error that it raises as well.
    for library in ("otb_pipelines", "fiona"):
        logging.getLogger(library).setLevel(level if verbosity >= 2 else level + 30)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-v", "--verbose", action="count", default=0, help="tell more; twice: with tracebacks")
    common.add_argument("-q", "--quiet", action="count", default=0, help="tell less")
    common.add_argument("--json", action="store_true", help="print the result as one JSON object")
    common.add_argument("--ram", type=_positive, metavar="MB", help="memory that a chain may buffer")
    common.add_argument("--threads", type=_positive, metavar="N", help="threads of the per-pixel work")
    parser = argparse.ArgumentParser(
        prog="python -m alcd_otb", description="Reference cloud masks for Sentinel-2 by active learning."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("run", parents=[common], help="bring a scene as far as it can")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("--dry-run", action="store_true", help="check the inputs and tell what would be done")
    command.add_argument(
        "--from", dest="start", type=_positive, metavar="N", help="start again from the samples of iteration N"
    )
    command.set_defaults(command=run)

    command = commands.add_parser("next", parents=[common], help="propose where to label next")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-n", "--number", type=_positive, metavar="N", help="places; else as the template says")
    command.set_defaults(command=next_places)

    command = commands.add_parser("kfold", parents=[common], help="cross-validate the samples by spatial block")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-k", dest="folds", type=_positive, default=10, metavar="N", help="how many folds")
    command.set_defaults(command=kfold)

    command = commands.add_parser("accuracy", help="how good the map is, from points labelled blindly")
    steps = command.add_subparsers(required=True, metavar="STEP")

    command = steps.add_parser("plan", parents=[common], help="draw the points to label")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-n", dest="points", type=_positive, default=200, metavar="N", help="how many points")
    command.add_argument("--seed", type=_not_negative, default=1, help="of the draw")
    command.add_argument("--replace", action="store_true", help="put labelled points aside and draw new ones")
    command.set_defaults(command=plan_accuracy)

    command = steps.add_parser("estimate", parents=[common], help="estimate accuracies and areas from the points")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("--iteration", type=_positive, metavar="N", help="whose map; by default the latest")
    command.add_argument("--labelled-only", action="store_true", help="leave out points that have no class")
    command.set_defaults(command=estimate_accuracy)

    command = commands.add_parser("status", parents=[common], help="tell how the iterations of a scene went")
    command.add_argument("scene", type=Path, help="scene.json")
    command.set_defaults(command=status)

    command = commands.add_parser("quicklooks", parents=[common], help="make a contact sheet of a tile's dates")
    command.add_argument("folder", type=Path, help="folder that holds L1C products, at any depth")
    command.add_argument("--tile", required=True, help="such as 31TFJ")
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="the sheet: .html, or .png")
    command.set_defaults(command=quicklooks)

    command = commands.add_parser("demo", parents=[common], help="make a synthetic scene and run it")
    command.add_argument("folder", type=Path, help="folder to write the scene into")
    command.add_argument("--size", type=int, default=2196, help="side in 10 m pixels, a multiple of 6; full tile 10980")
    command.add_argument("--seed", type=int, default=1, help="of the scene; the same seed makes the same scene")
    command.add_argument(
        "--template",
        default="clouds",
        metavar="NAME",
        help="what the scene, its truth and points are for (default: clouds)",
    )
    command.add_argument("--resolution", type=_positive, metavar="M", help="of the map; else as the template says")
    command.add_argument(
        "--offset",
        choices=("cloudy", "clear", "both", "none"),
        default="cloudy",
        help="dates of a processing baseline with a radiometric offset (04.00 and later)",
    )
    command.set_defaults(command=demo)

    command = commands.add_parser("styles", parents=[common], help="write QGIS styles with a template's classes")
    command.add_argument("template", help="name of a template, or its file")
    command.add_argument("folder", type=Path, help="folder to write the .qml files into")
    command.set_defaults(command=styles)

    command = commands.add_parser(
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
    command.set_defaults(command=import_alcd)

    command = commands.add_parser("schema", parents=[common], help="print the JSON Schema of scene.json, for editors")
    command.add_argument("--template", action="store_true", help="that of a template instead")
    command.set_defaults(command=schema)

    command = commands.add_parser("compare", parents=[common], help="measure processors' masks by reference masks")
    command.add_argument("reference", metavar="REFERENCE", help="a reference mask, or a folder of them")
    command.add_argument(
        "product", metavar="PRODUCT", nargs="+", help="products or folders of them; LABEL=PATH names the processor"
    )
    command.add_argument(
        "--protocol", default="alcd2019", metavar="NAME", help="alcd2019, cmix2022 or a JSON file (default: alcd2019)"
    )
    command.add_argument(
        "--dilate", type=_metres, metavar="M", help="dilations in metres instead of the protocol's: 0:300:60 or 0,180"
    )
    command.add_argument("--fmask", choices=("gersl", "python-fmask"), help="who wrote masks of Fmask that do not tell")
    command.add_argument(
        "-o", "--output", type=Path, default=Path("comparison"), metavar="OUT", help="folder of the results"
    )
    command.set_defaults(command=compare)

    command = commands.add_parser("export", parents=[common], help="deliver finished scenes as others read them")
    command.add_argument(
        "source", type=Path, nargs="+", metavar="SCENE", help="scene.json, a workspace, or an iteration of one"
    )
    command.add_argument("output", type=Path, metavar="OUT", help="folder to write, which must not exist")
    command.add_argument("--layout", required=True, choices=("zenodo", "stac", "cog"), help="what OUT looks like")
    command.add_argument("--iteration", type=_positive, metavar="N", help="of a single scene; by default the latest")
    command.add_argument(
        "--acquired", type=_utc, metavar="TIME", help="UTC, of a single scene made from another raster"
    )
    command.add_argument("--title", metavar="TEXT", help="of the data set")
    command.add_argument("--description", metavar="TEXT", help="of the data set")
    command.add_argument("--licence", metavar="ID", help="SPDX identifier such as CC-BY-4.0, or an address")
    command.add_argument("--citation", metavar="TEXT", help="how to cite the data set")
    command.add_argument("--doi", help="of the data set, such as 10.5281/zenodo.1460961")
    command.add_argument("--provider", metavar="NAME", help="who provides the data set")
    command.add_argument(
        "--cloud",
        action="append",
        metavar="CLASS",
        help="a class that counts as cloud cover in stac; repeatable",
    )
    command.add_argument("--replace", action="store_true", help="replace an earlier export, whatever it holds by now")
    command.set_defaults(command=export)

    command = commands.add_parser("doctor", parents=[common], help="tell what is installed and what is missing")
    command.set_defaults(command=doctor)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _metres(text: str) -> tuple[float, ...]:
    """``0:300:60`` (first, last, step) or ``0,180``."""
    try:
        if ":" not in text:
            return tuple(float(part) for part in text.split(","))
        first, last, step = (float(part) for part in text.split(":"))
        return tuple(first + index * step for index in range(int((last - first) / step + 1e-9) + 1))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        problem = f"{text!r} is neither FIRST:LAST:STEP nor a list such as 0,180"
        raise argparse.ArgumentTypeError(problem) from error
