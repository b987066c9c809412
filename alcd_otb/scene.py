"""A scene: the order of its jobs. What the command line and notebooks call."""

import logging
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from osgeo import gdal

from alcd_otb.accuracy_estimate import AccuracyEstimate
from alcd_otb.accuracy_plan import AccuracyPlan
from alcd_otb.assess import check_has_map, estimate_accuracy, plan_accuracy
from alcd_otb.config import SceneConfig, load_scene
from alcd_otb.contours import write_contours
from alcd_otb.cross_validation import CrossValidation, cross_validate
from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError, ProcessingError
from alcd_otb.figures import draw_figures, draw_quicklook
from alcd_otb.inputs import Inputs
from alcd_otb.iterate import Stopwatch, check_classifier, run_iteration
from alcd_otb.prepare import is_prepared, pixel_counts, prepare
from alcd_otb.products.sentinel2_l1c import L1CProduct
from alcd_otb.qgis import write_blind_project, write_project
from alcd_otb.sample_files import create_empty_samples, read_corrections, read_samples
from alcd_otb.sample_layers import CORRECTIONS
from alcd_otb.workspace import Workspace, write_json, writing_to
from otb_pipelines.app import OtbError, OtbMissingError
from otb_pipelines.settings import Settings, default_settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a run made. iteration and what comes from it are None where there were no samples yet."""

    workspace: Path
    iteration: int | None
    labels: Path | None
    confidence: Path | None
    features: Path
    accuracy: dict[str, Any] | None
    pictures: tuple[Path, ...]
    project: Path
    seconds: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return {
            "workspace": str(self.workspace),
            "iteration": self.iteration,
            "labels": str(self.labels) if self.labels else None,
            "confidence": str(self.confidence) if self.confidence else None,
            "features": str(self.features),
            "accuracy": self.accuracy,
            "pictures": [str(picture) for picture in self.pictures],
            "project": str(self.project),
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Scene:
    """A scene as its scene.json describes it."""

    config: SceneConfig
    settings: Settings

    @classmethod
    def open(cls, path: str | Path, settings: Settings | None = None) -> Self:
        """Read scene.json and its template. Raises ConfigurationError."""
        return cls(load_scene(Path(path)), settings or default_settings())

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.config.workspace)

    def plan(self) -> tuple[str, ...]:
        """What `run` would do, step by step; reads and checks the inputs, writes nothing."""
        with _failures_translated():
            inputs = Inputs.read(self.config)
            check_classifier(self.config, self.settings)
        steps = []
        if is_prepared(self.workspace, inputs.fingerprint()):
            steps.append(f"{self.workspace.folder} is prepared and up to date")
        else:
            features = ", ".join(inputs.feature_names)
            steps.append(f"prepare {self.workspace.folder}: {len(inputs.features)} features ({features})")
        if self._has_samples():
            legend = self.config.template.legend
            samples = read_samples(self.config.samples, legend, inputs.grid)
            corrections = read_corrections(self.config.samples, legend, inputs.grid)
            drawn = f" and {len(corrections)} corrections" if corrections else ""
            finished = self.workspace.iterations()
            number = int(finished[-1].name) + 1 if finished else 1
            steps.append(f"run iteration {number} from {len(samples)} samples{drawn} of {self.config.samples}")
        else:
            steps.append(f"write an empty {self.config.samples} to label in")
        return tuple(steps)

    def run(self) -> Result:
        """Prepare what is missing or out of date; then, if there are samples, run one more iteration.

        Raises the AlcdError that tells what is wrong; nothing half-written is left.
        """
        stopwatch = Stopwatch()
        with _failures_translated():
            inputs = Inputs.read(self.config)
            check_classifier(self.config, self.settings)
            with self.workspace.locked():
                return self._run_locked(inputs, stopwatch)

    def plan_accuracy(self, points: int, seed: int = 1, replace: bool = False) -> AccuracyPlan:
        """Draw points from the latest map for blind labelling; see `assess.plan_accuracy`."""
        check_has_map(self.workspace)
        with self.workspace.locked():
            plan = plan_accuracy(self.workspace, self.config.template.legend, points, seed, replace)
            write_blind_project(self.config, plan.grid, self.workspace)
        return plan

    def estimate_accuracy(self, iteration: int | None = None, labelled_only: bool = False) -> AccuracyEstimate:
        """Estimate a map's accuracy from the labelled points; see `assess.estimate_accuracy`."""
        check_has_map(self.workspace)
        with self.workspace.locked():
            return estimate_accuracy(self.workspace, self.config.template.legend, iteration, labelled_only)

    def cross_validate(self, folds: int = 10) -> CrossValidation:
        """Cross-validate the samples of a prepared scene by spatial block; the iterations stay as they are.

        Raises ConfigurationError where the scene is not prepared, and as `cross_validation.cross_validate` does.
        """
        if folds < 2:
            raise ConfigurationError(f"{folds} folds: at least 2 are needed, to train and to validate")
        with _failures_translated():
            inputs = Inputs.read(self.config)
            check_classifier(self.config, self.settings)
            if not is_prepared(self.workspace, inputs.fingerprint()):
                raise ConfigurationError(
                    f"{self.workspace.folder}: is not prepared, or out of date; run the scene first"
                )
            samples = read_samples(self.config.samples, self.config.template.legend, inputs.grid)
            with self.workspace.locked():
                return cross_validate(self.config, inputs.grid, self.workspace, samples, folds, self.settings)

    def _run_locked(self, inputs: Inputs, stopwatch: Stopwatch) -> Result:
        workspace, legend = self.workspace, self.config.template.legend
        # Bad samples are told of before the long work, not after it.
        samples = read_samples(self.config.samples, legend, inputs.grid) if self._has_samples() else ()
        corrections = read_corrections(self.config.samples, legend, inputs.grid) if samples else ()
        digest = inputs.fingerprint()
        if not is_prepared(workspace, digest):
            log.info("preparing %s", workspace.folder)
            with stopwatch.timing("prepare"):
                workspace.quicklook.unlink(missing_ok=True)
                prepare(inputs, workspace, digest, self.settings)
        if not workspace.quicklook.is_file():
            with workspace.scratch() as scratch:
                if draw_quicklook(workspace.view, scratch / "quicklook.png"):
                    os.replace(scratch / "quicklook.png", workspace.quicklook)
        with writing_to(workspace.folder):
            write_json(workspace.config, self._completed(inputs))
        if not samples:
            return self._wait_for_samples(inputs, stopwatch)
        with workspace.new_iteration() as (number, folder):
            metrics = run_iteration(
                self.config, inputs.grid, workspace, folder, samples, corrections, stopwatch, self.settings
            )
            with stopwatch.timing("figures"):
                draw_figures(workspace.quicklook, folder / "labels.tif", legend, folder)
                write_contours(folder / "labels.tif", folder / "contours.fgb", legend)
            shutil.copyfile(workspace.config, folder / "config.json")
            write_json(folder / "seconds.json", stopwatch.seconds)
        write_project(self.config, inputs.grid, workspace)
        finished = workspace.iterations_folder / f"{number:03d}"
        confidence = finished / "confidence.tif"
        return Result(
            workspace=workspace.folder,
            iteration=number,
            labels=finished / "labels.tif",
            confidence=confidence if confidence.is_file() else None,
            features=workspace.features,
            accuracy=metrics,
            pictures=tuple(sorted((*finished.glob("*.png"), *workspace.folder.glob("quicklook.png")))),
            project=workspace.project,
            seconds=stopwatch.seconds,
        )

    def _wait_for_samples(self, inputs: Inputs, stopwatch: Stopwatch) -> Result:
        if not self.config.samples.exists():
            with writing_to(self.config.samples.parent):
                create_empty_samples(self.config.samples, inputs.grid)
        project = write_project(self.config, inputs.grid, self.workspace)
        return Result(
            self.workspace.folder, None, None, None, self.workspace.features, None, (), project, stopwatch.seconds
        )

    def _has_samples(self) -> bool:
        """Whether to classify: samples that the scene names must exist; the default file may be absent or empty."""
        samples = self.config.samples
        if samples != self.workspace.samples:
            return True
        return samples.is_file() and _holds_features(samples)

    def _completed(self, inputs: Inputs) -> dict[str, Any]:
        """config.json: all settings, what the features are, the products' identities, versions, pixel counts."""
        counts = pixel_counts(self.workspace)
        return {
            "scene": self.config.model_dump(mode="json"),
            "features": list(inputs.feature_names),
            "products": {
                "cloudy": _identity(inputs.cloudy),
                "clear": _identity(inputs.clear) if inputs.clear else None,
            },
            "grid": {
                "crs": inputs.grid.crs,
                "transform": list(inputs.grid.transform),
                "width": inputs.grid.width,
                "height": inputs.grid.height,
            },
            "pixels": {"total": counts.total, "valid": counts.valid, "saturated": counts.saturated},
            "versions": {
                "alcd_otb": version("alcd-otb"),
                "gdal": gdal.__version__,
                "python": platform.python_version(),
            },
        }


def _identity(product: L1CProduct) -> dict[str, Any]:
    return {
        "name": product.name,
        "path": str(product.path),
        "tile": product.tile,
        "acquired": product.acquired.isoformat(),
        "baseline": product.baseline,
        "relative_orbit": product.relative_orbit,
        "offsets": {band.name: band.offset for band in product.bands},
        "quantification": product.quantification,
        "sun_zenith": product.sun_zenith,
        "sun_azimuth": product.sun_azimuth,
    }


def _holds_features(path: Path) -> bool:
    """Whether a vector file holds any but corrections; one that cannot be read may, and who reads it will tell."""
    try:
        dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    except RuntimeError:
        return True
    layers = [dataset.GetLayer(index) for index in range(dataset.GetLayerCount())]
    return any(layer.GetFeatureCount() for layer in layers if layer.GetName() != CORRECTIONS)


@contextmanager
def _failures_translated() -> Iterator[None]:
    """OTB's errors as this package's, which carry the exit codes."""
    try:
        yield
    except OtbMissingError as error:
        raise EnvironmentNotReadyError(f"{error}; run: python -m alcd_otb doctor") from error
    except OtbError as error:
        raise ProcessingError(str(error)) from error
