"""The sub-command ``batch``: run many scenes, by SLURM or in some processes here."""

import argparse
import os
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, positive, print_result, settings_of

_BATCH = "folder of the batch"


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command, its steps and their options."""
    batch = subcommands.add_parser("batch", parents=[common], help="run many scenes, with SLURM or on this computer")
    steps = batch.add_subparsers(required=True, metavar="STEP")
    _add_prepare(steps, common)

    command = steps.add_parser(
        "run", parents=[common], help="run the scenes that are not done; a second call continues"
    )
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--slurm", action="store_true", help="submit job arrays")
    where.add_argument("--local", type=positive, metavar="N", help="run on this computer, N scenes at a time")
    command.add_argument("--retry", choices=("failed",), help="also run the scenes that failed")
    command.add_argument("--dry-run", action="store_true", help="only print what would be run")
    command.set_defaults(command=run, loads_gdal=False)

    command = steps.add_parser("status", parents=[common], help="print the state of the scenes; exit code 0, 9 or 10")
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    command.set_defaults(command=status, loads_gdal=False)

    command = steps.add_parser(
        "report", parents=[common], help="write a table of the cost and the figures of each scene"
    )
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    command.add_argument("-o", "--output", type=Path, required=True, metavar="TABLE.csv", help="file to write")
    command.set_defaults(command=report, loads_gdal=False)

    command = steps.add_parser(
        "compare", parents=[common], help="compare masks with the maps of all scenes that are done"
    )
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    command.add_argument("product", nargs="+", metavar="MASKS", help="masks, as for the command compare")
    command.add_argument("--protocol", default="alcd2019", metavar="NAME", help="protocol, as for the command compare")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder of the results")
    command.add_argument("--slurm", action="store_true", help="run as one job after all arrays of the batch")
    command.add_argument(
        "--time", default="02:00:00", metavar="LIMIT", help="time limit of that job (default: 02:00:00)"
    )
    command.set_defaults(command=compare)

    command = steps.add_parser("task", parents=[common], help="run the scenes of one task; array.sbatch calls it")
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    command.add_argument("index", type=positive, metavar="INDEX", help="index of the task, from 1")
    command.add_argument(
        "submission",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="file with the scenes of each task; by default in the order of the list",
    )
    command.set_defaults(command=task, loads_gdal=False)


def _add_prepare(steps: SubCommands, common: argparse.ArgumentParser) -> None:
    command = steps.add_parser("prepare", parents=[common], help="write the files of a batch")
    command.add_argument(
        "list", type=Path, nargs="?", metavar="LIST", help="text file with the paths of scene files, or a folder"
    )
    command.add_argument("batch", type=Path, metavar="BATCH", help=_BATCH)
    command.add_argument(
        "--from", dest="table", type=Path, metavar="TABLE.csv", help="table of products, one scene per row"
    )
    command.add_argument(
        "--scene", type=Path, metavar="SCENE", help="scene.json with the keys that the table does not have"
    )
    command.add_argument("--template", metavar="NAME", help="template instead of the scenes' own")
    command.add_argument("--cpus", type=positive, default=2, metavar="N", help="processors per task (default: 2)")
    command.add_argument("--mem", type=positive, default=2000, metavar="MB", help="memory per task (default: 2000)")
    command.add_argument("--time", default="00:30:00", metavar="LIMIT", help="time limit per task (default: 00:30:00)")
    command.add_argument("--per-task", type=positive, default=1, metavar="K", help="scenes per task (default: 1)")
    command.add_argument(
        "--at-once", type=positive, default=50, metavar="N", help="tasks at the same time (default: 50)"
    )
    command.add_argument(
        "--setup", action="append", default=[], metavar="LINE", help="shell command before the run; repeatable"
    )
    command.add_argument(
        "--sbatch",
        action="append",
        default=[],
        metavar="OPTION",
        help="option of sbatch, such as --sbatch=--account=NAME; repeatable",
    )
    command.add_argument("--keep", choices=("all", "map"), default="all", help="map: remove features.tif and view.tif")
    command.add_argument(
        "--stage",
        metavar="FOLDER",
        help="folder for copies of the products while they are read, such as '$TMPDIR' in quotes",
    )
    command.set_defaults(command=prepare, loads_gdal=False)


def prepare(options: argparse.Namespace) -> int:
    """Write the files of a batch, and print what will be refused."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.job import prepare_batch
    from alcd_otb.batch.scene_list import listed_scenes, made_scenes
    from alcd_otb.batch.settings import BatchSettings
    from alcd_otb.errors import ConfigurationError
    from alcd_otb.settings.strict_model import validated
    from alcd_otb.settings.template import template_names

    batch = BatchFolder(options.batch.absolute())
    if (options.list is None) == (options.table is None) or (options.table is None) != (options.scene is None):
        raise ConfigurationError("give either LIST, or --from TABLE.csv with --scene SCENE")
    template = options.template
    if template is not None and template not in template_names():
        template = os.path.abspath(template)
    content = {
        "cpus": options.cpus,
        "memory": options.mem,
        "time": options.time,
        "per_task": options.per_task,
        "at_once": options.at_once,
        "setup": options.setup,
        "sbatch": options.sbatch,
        "template": template,
        "keep": options.keep,
        "stage": options.stage,
    }
    settings = validated(BatchSettings, content, "the options")
    if options.table is None:
        scenes = listed_scenes(options.list)
    else:
        scenes = made_scenes(options.table, options.scene, batch.made_scenes)
    problems = prepare_batch(batch, scenes, settings)
    for problem in problems:
        print(f"will be refused: {problem}")
    tasks = -(-len(scenes) // settings.per_task)
    print(f"{batch.folder}: {len(scenes)} scenes, {tasks} tasks, {len(problems)} scenes will be refused")
    return 0


def run(options: argparse.Namespace) -> int:
    """Submit what is not done, or run it here."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.job import run_batch_here, submit_batch, work_of
    from alcd_otb.batch.status import BatchStatus
    from alcd_otb.batch.survey import survey

    batch = BatchFolder(options.batch.absolute())
    retry = options.retry is not None
    if options.slurm:
        for line in submit_batch(batch, retry, options.dry_run):
            print(line)
        return 0
    if options.dry_run:
        print(work_of(survey(batch), batch.settings(), retry).summary())
        return 0
    settings = settings_of(options)
    threads = options.threads or max(1, settings.threads // options.local)
    run_batch_here(batch, options.local, threads, retry, settings.progress)
    result = BatchStatus(survey(batch))
    print_result(result, options)
    return result.exit_code


def status(options: argparse.Namespace) -> int:
    """Print the states of the scenes of a batch."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.status import BatchStatus
    from alcd_otb.batch.survey import survey

    result = BatchStatus(survey(BatchFolder(options.batch.absolute())))
    print_result(result, options)
    return result.exit_code


def report(options: argparse.Namespace) -> int:
    """Write the table of all scenes."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.report import write_report
    from alcd_otb.batch.survey import survey

    found = survey(BatchFolder(options.batch.absolute()))
    write_report(found, options.output)
    print(f"{options.output}: {len(found.scenes)} scenes")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare masks with the maps of all scenes that are done, or submit a job that does so."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.job import done_scenes, submit_afterwards
    from alcd_otb.compare.job import compare as compare_masks
    from alcd_otb.compare.protocol import load_protocol
    from alcd_otb.errors import ConfigurationError, ProductError
    from alcd_otb.settings.scene_file import load_scene

    batch = BatchFolder(options.batch.absolute())
    protocol = load_protocol(options.protocol)
    if options.slurm:
        words = ["batch", "compare", str(batch.folder), *map(_absolute_product, options.product)]
        words += ["--protocol", options.protocol, "-o", str(options.output.absolute())]
        print(f"job {submit_afterwards(batch, 'compare', words, options.time)}")
        return 0
    references = [str(load_scene(scene, template).workspace) for scene, template in done_scenes(batch)]
    if not references:
        raise ConfigurationError(f"{batch.folder}: no scene is done; see: batch status {batch.folder}")
    result = compare_masks(references, options.product, protocol, options.output, settings_of(options))
    print_result(result, options)
    return ProductError.exit_code if result.failures else 0


def _absolute_product(product: str) -> str:
    """Make the path of ``PATH`` or ``LABEL=PATH`` absolute."""
    label, equals, path = product.rpartition("=")
    return f"{label}{equals}{os.path.abspath(path)}"


def task(options: argparse.Namespace) -> int:
    """Run the scenes of one task."""
    from alcd_otb.batch.folder import BatchFolder
    from alcd_otb.batch.submission import numbers_of_task
    from alcd_otb.batch.task import run_task
    from alcd_otb.errors import ConfigurationError

    batch = BatchFolder(options.batch.absolute())
    if options.submission is not None:
        return run_task(batch, numbers_of_task(options.submission, options.index))
    per_task, count = batch.settings().per_task, len(batch.scenes())
    first = (options.index - 1) * per_task + 1
    if first > count:
        raise ConfigurationError(f"{batch.folder}: has no task {options.index}; it has {-(-count // per_task)}")
    return run_task(batch, list(range(first, min(first + per_task, count + 1))))
