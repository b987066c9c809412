"""Write the script of the job arrays, which people can read, and submit themselves."""

import shlex
import sys
from pathlib import Path

from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.settings import BatchSettings
from alcd_otb.errors import ConfigurationError

_ARRAY = """\
#!/bin/bash
# {scenes} scenes, {per_task} in a task. Submit them by
#   {program} batch run {batch} --slurm
# which leaves out what is done, or all of them by
#   sbatch --array=1-{tasks}%{at_once} {script}
#SBATCH --job-name={name}
#SBATCH --output="{logs}/slurm-%A_%a.out"
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --mem={memory}M
#SBATCH --time={time}
# After the failure of a node, or if it gives way to another job, the task starts again, and leaves out what is done.
#SBATCH --requeue
# So long before the time limit the run is asked to end, and cleans up.
#SBATCH --signal=B:TERM@{grace}
{options}{setup}
# With exec, the signals and the memory of the task are those of the runs. A file of a submission may follow, of which
# each line holds the numbers of the scenes of a task.
exec {program} batch task {batch} "${{SLURM_ARRAY_TASK_ID:?submit it with --array}}" "$@"
"""

_SINGLE = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --output="{logs}/slurm-%j.out"
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --mem={memory}M
#SBATCH --time={time}
{options}{setup}
exec {program} {words}
"""


def array_script(batch: BatchFolder, settings: BatchSettings, scenes: int) -> str:
    """Return the script of the job arrays of a batch.

    Parameters
    ----------
    batch
        The batch.
    settings
        What it asks for.
    scenes
        How many scenes it has.

    Raises
    ------
    ConfigurationError
        The path of the batch cannot stand in such a script.
    """
    return _ARRAY.format(
        scenes=scenes,
        tasks=-(-scenes // settings.per_task),
        per_task=settings.per_task,
        at_once=settings.at_once,
        script=shlex.quote(str(batch.script)),
        batch=shlex.quote(str(batch.folder)),
        time=settings.time,
        grace=settings.grace,
        **_common(batch, settings),
    )


def single_script(batch: BatchFolder, settings: BatchSettings, words: list[str], time: str) -> str:
    """Return the script of one job with the setup and the options of a batch.

    Parameters
    ----------
    batch, settings
        The batch.
    words
        Words of this package's command line.
    time
        Time limit.
    """
    return _SINGLE.format(words=shlex.join(words), time=time, **_common(batch, settings))


def _common(batch: BatchFolder, settings: BatchSettings) -> dict[str, str]:
    return {
        "program": f"{shlex.quote(sys.executable)} -m alcd_otb",
        "name": _job_name(batch.folder),
        "logs": _in_script(batch.logs),
        "cpus": str(settings.cpus),
        "memory": str(settings.memory),
        "options": "".join(f"#SBATCH {option}\n" for option in settings.sbatch),
        "setup": "".join(f"{line}\n" for line in settings.setup),
    }


def _job_name(folder: Path) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in folder.name) or "alcd_otb"


def _in_script(folder: Path) -> str:
    text = str(folder)
    if any(letter in text for letter in '%\\"\n'):
        raise ConfigurationError(
            f'{text}: SLURM cannot write logs there, since the path has one of % \\ "; choose another'
        )
    return text
