"""The command line: each sub-command is one short function that calls one job."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
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
        for step in scene.plan():
            print(step)
        return 0
    result = scene.run()
    if options.json:
        print(json.dumps(result.as_json()))
    elif result.iteration is None:
        print(f"{result.workspace}: prepared. Label points in {scene.config.samples}, then run again.")
    else:
        print(_summary(result.iteration, result.labels, result.accuracy or {}))
    return 0


def demo(options: argparse.Namespace) -> int:
    from alcd_otb.demo import run_demo

    result = run_demo(options.folder, options.size, options.seed, options.offset, _settings(options))
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


def _summary(iteration: int, labels: Path | None, accuracy: dict[str, object]) -> str:
    binary = accuracy.get("invalid_valid")
    assert isinstance(binary, dict)
    lines = [f"iteration {iteration}: {labels}"]
    overall = accuracy.get("overall_accuracy")
    if isinstance(overall, float):
        lines.append(
            f"on {accuracy['pixels']} validation pixels: overall accuracy {overall:.3f}, "
            f"invalid/valid {binary['overall_accuracy']:.3f}"
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
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s: %(message)s", force=True)
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
    command.set_defaults(command=run)

    command = commands.add_parser("demo", parents=[common], help="make a synthetic scene and run it")
    command.add_argument("folder", type=Path, help="folder to write the scene into")
    command.add_argument("--size", type=int, default=2196, help="side in 10 m pixels, a multiple of 6; full tile 10980")
    command.add_argument("--seed", type=int, default=1, help="of the scene; the same seed makes the same scene")
    command.add_argument(
        "--offset",
        choices=("cloudy", "clear", "both", "none"),
        default="cloudy",
        help="dates of a processing baseline with a radiometric offset (04.00 and later)",
    )
    command.set_defaults(command=demo)

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

    command = commands.add_parser("doctor", parents=[common], help="tell what is installed and what is missing")
    command.set_defaults(command=doctor)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


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
