"""Name the files of a batch, and read and write those that describe it."""

from dataclasses import dataclass
from pathlib import Path

from alcd_otb.batch.settings import BatchSettings
from alcd_otb.errors import ConfigurationError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.files.writing import replacing, write_json, write_text
from alcd_otb.settings.strict_model import read_json, validated

_MOST_LIST = 64 * MEGABYTE


@dataclass(frozen=True)
class BatchFolder:
    """The folder of one batch.

    Attributes
    ----------
    folder
        Its absolute path.
    """

    folder: Path

    @property
    def scenes_file(self) -> Path:
        """The paths of the scene files, a line a scene. Scenes are numbered by their lines, from 1."""
        return self.folder / "scenes.txt"

    @property
    def settings_file(self) -> Path:
        """What the batch asks for."""
        return self.folder / "batch.json"

    @property
    def script(self) -> Path:
        """The script of the job arrays."""
        return self.folder / "array.sbatch"

    @property
    def logs(self) -> Path:
        """The folder of the logs: one for each scene, and SLURM's log of each task."""
        return self.folder / "logs"

    @property
    def states(self) -> Path:
        """The folder of the states, one file a scene."""
        return self.folder / "state"

    @property
    def made_scenes(self) -> Path:
        """The folder of the scene files that were made from a table of products."""
        return self.folder / "scenes"

    @property
    def stop(self) -> Path:
        """The file with the reason why the batch stopped. It is absent while the batch is running."""
        return self.folder / "stopped.txt"

    @property
    def lock(self) -> Path:
        """The lock file of ``batch run``."""
        return self.folder / ".lock"

    def log(self, number: int) -> Path:
        """Return the log of a scene."""
        return self.logs / f"{number:05d}.log"

    def state(self, number: int) -> Path:
        """Return the state of a scene."""
        return self.states / f"{number:05d}.json"

    def task_log(self, job: str) -> Path:
        """Return what SLURM wrote of a task, which is named as ``ARRAY_INDEX``."""
        return self.logs / f"slurm-{job}.out"

    def submissions(self) -> list[Path]:
        """List the files of the job arrays that were submitted, oldest first."""
        return sorted(self.folder.glob("submission-*.txt"))

    def settings(self) -> BatchSettings:
        """Read the settings.

        Raises
        ------
        ConfigurationError
            The folder is not a batch, or its settings are wrong.
        """
        if not self.settings_file.is_file():
            raise ConfigurationError(f"{self.folder}: is not a batch; make one by: batch prepare LIST {self.folder}")
        return validated(BatchSettings, read_json(self.settings_file), str(self.settings_file))

    def scenes(self) -> list[str]:
        """Read the paths of the scene files. Scene 1 comes first.

        Raises
        ------
        ConfigurationError
            The list cannot be read.
        """
        try:
            text = read_limited(self.scenes_file, _MOST_LIST).decode("utf-8")
        except (UnreadableError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.scenes_file}: {error}; prepare the batch again") from error
        return text.splitlines()

    def write(self, scenes: list[Path], settings: BatchSettings, script: str) -> None:
        """Write the files that describe the batch.

        Raises
        ------
        OSError
            A file cannot be written.
        """
        for folder in (self.folder, self.logs, self.states):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(self.scenes_file, "".join(f"{scene}\n" for scene in scenes))
        write_json(self.settings_file, settings.model_dump(mode="json"))
        with replacing(self.script) as unfinished:
            unfinished.write_text(script, encoding="utf-8")
            unfinished.chmod(0o755)

    def stopped(self) -> str | None:
        """Return why the batch stopped, or None while it is running."""
        try:
            return self.stop.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None
