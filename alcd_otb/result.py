"""The result of a run: its files and figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from alcd_otb.active_learning.layer import place_count
from alcd_otb.errors import ProcessingError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.samples.unlabelled import unlabelled_classes
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import Workspace


@dataclass(frozen=True)
class Result:
    """What a run made.

    Attributes
    ----------
    workspace
        The folder of the scene.
    iteration
        Number of the iteration. It is None, like all results of an iteration, if there were no samples yet.
    labels
        The mask: a GeoTIFF of class codes, 0 no data.
    confidence
        A Float32 GeoTIFF, 0 to 1. None if the classifier gives no confidence.
    features
        The stack that was classified.
    accuracy
        What ``metrics.json`` holds.
    pictures
        PNG files.
    report
        An HTML page.
    project
        For QGIS.
    seconds
        By step.
    legend
        What the codes stand for.
    to_visit
        The places to label next. None if there are none to choose from, and for an iteration that is not the last.
    places
        Their number.
    unlabelled
        Names of the classes without a usable sample.
    made
        Whether this run made the iteration. False if it found the iteration made.
    """

    workspace: Path
    iteration: int | None
    labels: Path | None
    confidence: Path | None
    features: Path
    accuracy: dict[str, Any] | None
    pictures: tuple[Path, ...]
    report: Path | None
    project: Path
    seconds: Mapping[str, float]
    legend: Legend
    to_visit: Path | None
    places: int
    unlabelled: tuple[str, ...]
    made: bool = True

    @classmethod
    def of(cls, workspace: Workspace, number: int, legend: Legend, made: bool = True) -> Self:
        """Return what a finished iteration made.

        Raises
        ------
        ConfigurationError
            If there is no such iteration.
        ProcessingError
            If its JSON files cannot be read.
        """
        folder = workspace.iteration(number)
        confidence, accuracy = folder / "confidence.tif", _read(folder / "metrics.json")
        places = place_count(workspace.to_visit) if folder == workspace.last_iteration() else None
        return cls(
            workspace=workspace.folder,
            iteration=number,
            labels=folder / "labels.tif",
            confidence=confidence if confidence.is_file() else None,
            features=workspace.features,
            accuracy=accuracy,
            pictures=tuple(sorted((*folder.glob("*.png"), *workspace.folder.glob("quicklook.png")))),
            report=folder / "report.html",
            project=workspace.project,
            seconds=_read(folder / "seconds.json"),
            legend=legend,
            to_visit=None if places is None else workspace.to_visit,
            places=places or 0,
            unlabelled=unlabelled_classes(accuracy.get("samples") or (), legend),
            made=made,
        )

    @classmethod
    def prepared(cls, workspace: Workspace, seconds: Mapping[str, float], legend: Legend) -> Self:
        """Return the result of a run without samples."""
        places = place_count(workspace.to_visit)
        return cls(
            workspace=workspace.folder,
            iteration=None,
            labels=None,
            confidence=None,
            features=workspace.features,
            accuracy=None,
            pictures=(),
            report=None,
            project=workspace.project,
            seconds=seconds,
            legend=legend,
            to_visit=None if places is None else workspace.to_visit,
            places=places or 0,
            unlabelled=legend.names,
        )

    def as_json(self) -> dict[str, Any]:
        """Return what ``run --json`` prints."""
        return {
            "workspace": str(self.workspace),
            "iteration": self.iteration,
            "made": self.made,
            "labels": str(self.labels) if self.labels else None,
            "confidence": str(self.confidence) if self.confidence else None,
            "features": str(self.features),
            "accuracy": self.accuracy,
            "pictures": [str(picture) for picture in self.pictures],
            "report": str(self.report) if self.report else None,
            "project": str(self.project),
            "seconds": dict(self.seconds),
            "to_visit": str(self.to_visit) if self.to_visit else None,
            "places": self.places,
            "classes_without_samples": list(self.unlabelled),
        }

    def _repr_html_(self) -> str:
        # Only a notebook needs it.
        from alcd_otb.report.notebook import result_html

        return result_html(Workspace(self.workspace), self.iteration, self.legend)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(path)
    except UnreadableError as error:
        raise ProcessingError(f"{path}: {error}; run the scene again, for another iteration") from error
    return content
