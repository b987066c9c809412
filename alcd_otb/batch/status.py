"""Report the state of a batch: as a table, as JSON, and by an exit code."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alcd_otb.batch.survey import AGAIN, DONE, FAILED, QUEUED, RUNNING, TO_DO, SceneStanding, Survey, scene_path
from alcd_otb.errors import NOT_FINISHED, SOME_FAILED
from alcd_otb.text import aligned

_SHOWN = (FAILED, AGAIN, RUNNING)
"""Scenes that are listed one by one, in this order."""
_MOST_SHOWN = 50
"""Scenes of a kind that the table lists."""


@dataclass(frozen=True)
class BatchStatus:
    """How a batch stands.

    Attributes
    ----------
    survey
        How its scenes stand.
    """

    survey: Survey

    @property
    def exit_code(self) -> int:
        """0 where all scenes are done, else whether some are left to be run, or all of these have failed."""
        counts = self.survey.counts
        if counts[DONE] == len(self.survey.scenes):
            return 0
        left = counts[RUNNING] + counts[QUEUED] + counts[TO_DO] + counts[AGAIN]
        return NOT_FINISHED if left else SOME_FAILED

    def as_json(self) -> dict[str, Any]:
        """Return what ``batch status --json`` prints."""
        return {
            "batch": str(self.survey.batch.folder),
            "counts": self.survey.counts,
            "stopped": self.survey.stopped,
            "scenes": [
                {
                    "number": scene.number,
                    "scene": scene.state.scene,
                    "state": scene.standing,
                    "why": scene.why or None,
                    "attempts": [attempt.as_json() for attempt in scene.state.attempts],
                }
                for scene in self.survey.scenes
            ],
        }

    def summary(self) -> str:
        """Return what ``batch status`` prints."""
        found = self.survey
        counts = ", ".join(f"{count} {standing}" for standing, count in found.counts.items() if count)
        parts = [f"{found.batch.folder}: {len(found.scenes)} scenes: {counts or 'none'}"]
        if found.stopped is not None:
            parts.append(f"the batch has stopped: {found.stopped}")
        for standing in _SHOWN:
            parts += self._listed(standing)
        return "\n".join(parts)

    def _listed(self, standing: str) -> list[str]:
        scenes = [scene for scene in self.survey.scenes if scene.standing == standing]
        if not scenes:
            return []
        shown = scenes[:_MOST_SHOWN]
        head, *lines = aligned([_HEAD, *(self._row(scene) for scene in shown)]).splitlines()
        listed = [f"\n{standing}:", head]
        for scene, line in zip(shown, lines, strict=True):
            listed += [line, f"    {scene.why}"] if scene.why else [line]
        if len(scenes) > _MOST_SHOWN:
            listed.append(f"and {len(scenes) - _MOST_SHOWN} more, which --json and report list")
        return listed

    def _row(self, scene: SceneStanding) -> list[str]:
        last, state = scene.state.last, scene.state
        return [
            scene_path(scene, self.survey.batch.folder.parent),
            str(scene.number),
            str(len(state.attempts)),
            _shown(last.code if last else None),
            _shown(round(last.seconds) if last and last.seconds is not None else None),
            _shown(last.peak_mb if last else None),
            _time(last.started if last else None),
        ]


_HEAD = ["scene", "number", "attempts", "code", "seconds", "peak MB", "started (UTC)"]


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%m-%d %H:%M}"
