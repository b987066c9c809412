"""Hold a whole comparison, as ``comparison.json`` has it."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.compare.finding import Failure, Reference
from alcd_otb.compare.pairing import ComparedScene, Pairing
from alcd_otb.compare.protocol import Protocol
from alcd_otb.compare.results import (
    METRICS,
    ProcessorSummary,
    Row,
    best_dilations,
    summarise_processors,
    uneven_processors,
)
from alcd_otb.files.writing import checksum
from otb_pipelines.process import gdal


@dataclass(frozen=True)
class Comparison:
    """A comparison.

    Attributes
    ----------
    folder
        The folder that it is written to.
    protocol
        The protocol that was applied.
    rows
        Results by scene, processor and dilation.
    pairing
        The scenes that were compared, and the masks without partner.
    failures
        What could not be read or compared.
    """

    folder: Path
    protocol: Protocol
    rows: tuple[Row, ...]
    pairing: Pairing
    failures: tuple[Failure, ...]

    @property
    def processors(self) -> tuple[ProcessorSummary, ...]:
        """Results by processor and dilation."""
        return summarise_processors(self.rows)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the software that counted, by name."""
        return {
            "alcd_otb": version("alcd-otb"),
            "gdal": gdal.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }

    def as_json(self) -> dict[str, Any]:
        """Return what ``comparison.json`` holds and ``compare --json`` prints."""
        alone = (*self.pairing.references_alone, *self.pairing.products_alone)
        return {
            "protocol": self.protocol.model_dump(mode="json"),
            "axes": "tp, fp, fn, tn count pixels; the protocol defines positive; reference against product",
            "rows": [row.as_json() for row in self.rows],
            "processors": [summary.as_json() for summary in self.processors],
            "optimal": [summary.as_json() for summary in best_dilations(self.processors)],
            "scenes": [_scene_json(scene) for scene in self.pairing.scenes],
            "lacking_scenes": {name: list(scenes) for name, scenes in uneven_processors(self.rows).items()},
            "without_partner": [_mask_json(mask) for mask in alone],
            "copies": [_mask_json(copy) for copy in self.pairing.copies],
            "failures": [
                {
                    "path": str(failure.path),
                    "scene": failure.scene,
                    "processor": failure.processor,
                    "error": str(failure.error),
                }
                for failure in self.failures
            ],
            "versions": self.versions,
        }

    def summary(self) -> str:
        """Return the table of processors as text for a terminal, as ``compare`` prints it."""
        width = max(len(summary.processor) for summary in self.processors)
        head = "  ".join(f"{name:>11}" for name in METRICS)
        lines = [f"{'mean over scenes':<{width + 23}}{head}"]
        for summary in self.processors:
            figures = "  ".join(f"{_shown(summary.mean[name]):>11}" for name in METRICS)
            lines.append(
                f"{summary.processor:<{width}}  {summary.dilation_m:>5g} m  {summary.scenes:>3} scenes  {figures}"
            )
        if len(self.protocol.dilation.metres) > 1:
            for best in best_dilations(self.processors):
                lines.append(f"best of {best.processor}: {_shown(best.mean['oa'])} at {best.dilation_m:g} m")
        lines.append(f"{len(self.rows)} rows: {self.folder / 'comparison.json'}")
        return "\n".join(lines)


def _scene_json(scene: ComparedScene) -> dict[str, Any]:
    return {
        "scene": scene.name,
        "reference": _mask_json(scene.reference),
        "products": [_mask_json(product) for product in scene.products],
    }


def _mask_json(mask: Reference) -> dict[str, Any]:
    acquired = mask.acquisition.time or mask.acquisition.day
    return {
        "processor": mask.processor,
        "path": str(mask.path),
        "tile": mask.acquisition.tile,
        "acquired": acquired.isoformat(),
        "files": [{"path": str(file), "sha256": checksum(file)} for file in mask.files if file.is_file()],
    }


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.4f}"
