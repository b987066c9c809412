"""The arguments of the command line: the sub-commands there are, and their options."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from alcd_otb.cli import commands


def command_parser() -> argparse.ArgumentParser:
    """What it parses has the function of the sub-command as `command`."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-v", "--verbose", action="count", default=0, help="tell more; twice: with tracebacks")
    common.add_argument("-q", "--quiet", action="count", default=0, help="tell less")
    common.add_argument("--json", action="store_true", help="print the result as one JSON object")
    common.add_argument("--ram", type=_positive, metavar="MB", help="memory that a chain may buffer")
    common.add_argument("--threads", type=_positive, metavar="N", help="threads of the per-pixel work")
    parser = argparse.ArgumentParser(
        prog="python -m alcd_otb", description="Reference cloud masks for Sentinel-2 by active learning."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell the version and stop")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = subcommands.add_parser("run", parents=[common], help="bring a scene as far as it can")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("--dry-run", action="store_true", help="check the inputs and tell what would be done")
    command.add_argument(
        "--from", dest="start", type=_positive, metavar="N", help="start again from the samples of iteration N"
    )
    command.set_defaults(command=commands.run)

    command = subcommands.add_parser("next", parents=[common], help="propose where to label next")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-n", "--number", type=_positive, metavar="N", help="places; else as the template says")
    command.set_defaults(command=commands.next_places)

    command = subcommands.add_parser("kfold", parents=[common], help="cross-validate the samples by spatial block")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-k", dest="folds", type=_positive, default=10, metavar="N", help="how many folds")
    command.set_defaults(command=commands.kfold)

    command = subcommands.add_parser("accuracy", help="how good the map is, from points labelled blindly")
    steps = command.add_subparsers(required=True, metavar="STEP")

    command = steps.add_parser("plan", parents=[common], help="draw the points to label")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("-n", dest="points", type=_positive, default=200, metavar="N", help="how many points")
    command.add_argument("--seed", type=_not_negative, default=1, help="of the draw")
    command.add_argument("--replace", action="store_true", help="put labelled points aside and draw new ones")
    command.set_defaults(command=commands.plan_accuracy)

    command = steps.add_parser("estimate", parents=[common], help="estimate accuracies and areas from the points")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument("--iteration", type=_positive, metavar="N", help="whose map; by default the latest")
    command.add_argument("--labelled-only", action="store_true", help="leave out points that have no class")
    command.set_defaults(command=commands.estimate_accuracy)

    command = subcommands.add_parser("status", parents=[common], help="tell how the iterations of a scene went")
    command.add_argument("scene", type=Path, help="scene.json")
    command.set_defaults(command=commands.status)

    command = subcommands.add_parser("quicklooks", parents=[common], help="make a contact sheet of a tile's dates")
    command.add_argument("folder", type=Path, help="folder that holds L1C products, at any depth")
    command.add_argument("--tile", required=True, help="such as 31TFJ")
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="the sheet: .html, or .png")
    command.set_defaults(command=commands.quicklooks)

    command = subcommands.add_parser("demo", parents=[common], help="make a synthetic scene and run it")
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
    command.set_defaults(command=commands.demo)

    command = subcommands.add_parser("styles", parents=[common], help="write QGIS styles with a template's classes")
    command.add_argument("template", help="name of a template, or its file")
    command.add_argument("folder", type=Path, help="folder to write the .qml files into")
    command.set_defaults(command=commands.styles)

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
    command.set_defaults(command=commands.import_alcd)

    command = subcommands.add_parser(
        "schema", parents=[common], help="print the JSON Schema of scene.json, for editors"
    )
    command.add_argument("--template", action="store_true", help="that of a template instead")
    command.set_defaults(command=commands.schema)

    command = subcommands.add_parser("compare", parents=[common], help="measure processors' masks by reference masks")
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
    command.set_defaults(command=commands.compare)

    command = subcommands.add_parser("export", parents=[common], help="deliver finished scenes as others read them")
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
    command.set_defaults(command=commands.export)

    command = subcommands.add_parser("doctor", parents=[common], help="tell what is installed and what is missing")
    command.set_defaults(command=commands.doctor)
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


class _Version(argparse.Action):
    """Tells the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"alcd_otb {version('alcd_otb')}")
        parser.exit()
