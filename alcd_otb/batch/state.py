"""Keep the state of a scene in a batch: all attempts, and what it depended on when it was done."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alcd_otb.batch.attempt import Attempt
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.rules import End
from alcd_otb.batch.witnesses import Witness
from alcd_otb.errors import ProcessingError
from alcd_otb.files.folders import scratch_folder
from alcd_otb.files.json_file import read_own_json
from alcd_otb.files.reading import UnreadableError


@dataclass(frozen=True)
class SceneState:
    """The state of a scene.

    Attributes
    ----------
    scene
        The scene file.
    attempts
        All attempts, oldest first.
    forgiven
        How many of the attempts no longer count, since a person asked to try again.
    witnesses
        The files that the map depends on, when the scene was done. Empty while it is not done.
    made_by
        Version and template that made it, as `alcd_otb.batch.witnesses.made_by` gives them.
    """

    scene: str
    attempts: tuple[Attempt, ...] = ()
    forgiven: int = 0
    witnesses: Sequence[Witness] = ()
    made_by: Sequence[str | None] = ()

    @property
    def ends(self) -> list[End]:
        """The ends of the attempts that count."""
        return [attempt.end for attempt in self.attempts[self.forgiven :]]

    @property
    def last(self) -> Attempt | None:
        """The last attempt."""
        return self.attempts[-1] if self.attempts else None

    def with_attempt(self, attempt: Attempt) -> "SceneState":
        """Return the state with one more attempt."""
        return replace(self, attempts=(*self.attempts, attempt))

    def with_last(self, attempt: Attempt) -> "SceneState":
        """Return the state with another last attempt."""
        return replace(self, attempts=(*self.attempts[:-1], attempt))


def read_state(batch: BatchFolder, number: int, scene: str, folder: int | None = None) -> SceneState:
    """Read the state of a scene. A scene that was never tried has no file.

    Parameters
    ----------
    batch
        The batch.
    number, scene
        The scene.
    folder
        Descriptor of the folder of the states, by which many are read faster.

    Raises
    ------
    ProcessingError
        The file cannot be read.
    """
    name = f"{number:05d}.json"
    try:
        content: Mapping[str, Any] = read_own_json(name if folder is not None else str(batch.states / name), folder)
        attempts = tuple(map(Attempt.from_json, content["attempts"]))
        return SceneState(scene, attempts, content["forgiven"], content["witnesses"], content["made_by"])
    except UnreadableError as error:
        path = batch.state(number)
        if not os.path.lexists(path):
            return SceneState(scene)
        raise ProcessingError(f"{path}: {error}; remove it, and the scene is run again") from error
    except (KeyError, TypeError) as error:
        path = batch.state(number)
        raise ProcessingError(f"{path}: is not the state of a scene; remove it, and the scene is run again") from error


def write_state(batch: BatchFolder, number: int, state: SceneState) -> None:
    """Write the state of a scene, so that a reader never sees half of it.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    content = {
        "scene": state.scene,
        "attempts": [attempt.as_json() for attempt in state.attempts],
        "forgiven": state.forgiven,
        "witnesses": state.witnesses,
        "made_by": state.made_by,
    }
    target = batch.state(number)
    # Not beside the other states, of which there are thousands to look through for what a killed process left.
    with scratch_folder(batch.folder) as scratch:
        (scratch / target.name).write_text(json.dumps(content) + "\n", encoding="utf-8")
        os.replace(scratch / target.name, target)
