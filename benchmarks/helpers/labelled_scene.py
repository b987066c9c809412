"""Prepare scenes whose true classes are known, for a simulated operator to label."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from helpers.hand_labelled import Chip
from numpy.typing import NDArray
from osgeo import gdal, osr

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics
from alcd_otb.raster.grid import Grid
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import make_scene
from otb_pipelines.settings import Settings

LEFT, TOP = 600_000, 4_900_020
"""Upper left corner in metres of the grid on which chips without a place are put."""


@dataclass(frozen=True)
class Score:
    """How a map agrees with the truth, 0 to 1.

    Attributes
    ----------
    accuracy
        Fraction of the pixels that are correctly positive or negative.
    f1
        F1 score of the positive side. None if nothing is positive.
    """

    accuracy: float
    f1: float | None


@dataclass(frozen=True)
class LabelledScene:
    """A prepared scene. All arrays are (rows, columns) on the grid of the map.

    Attributes
    ----------
    scene
        The scene.
    truth
        True class code at the centre of each pixel, 0 where it is not known.
    valid
        Where a pixel may be labelled.
    inside
        Where a pixel and its eight neighbours are of one class.
    score
        Scores the map in a file.
    """

    scene: Scene
    truth: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    score: Callable[[Path], Score]


def chip_scene(folder: Path, chip: Chip, changes: Mapping[str, Any], settings: Settings) -> LabelledScene:
    """Write a chip as a stack on a made-up grid, and prepare it as a scene.

    Parameters
    ----------
    folder
        An empty folder.
    chip
        The chip.
    changes
        Changes to its template, as ``set`` in scene.json.
    settings
        Memory and threads.
    """
    _write_stack(folder / "stack.tif", chip)
    description = {
        "stack": "stack.tif",
        "bands": chip.bands,
        "workspace": "work",
        "template": str(chip.template),
        "set": {**chip.changes, **changes},
    }
    scene = _prepared(folder, description, settings)
    positive = scene.config.template.legend.positive_codes

    def score(labels: Path) -> Score:
        mapped = gdal.Open(str(labels)).ReadAsArray()
        known = (chip.truth > 0) & (mapped > 0)
        if chip.scored is not None:
            known &= chip.scored
        return two_sided(np.isin(mapped, positive)[known], np.isin(chip.truth, positive)[known])

    valid = _valid(scene) & (chip.truth > 0)
    return LabelledScene(scene, chip.truth, valid, valid & _inside(chip.truth), score)


def synthetic_scene(
    folder: Path, size: int, seed: int, changes: Mapping[str, Any], settings: Settings
) -> LabelledScene:
    """Make and prepare a scene with a radiometric offset on its cloudy date alone. Every pixel of 10 m is scored.

    Parameters
    ----------
    folder
        An empty folder.
    size
        Side of the scene in pixels of 10 m.
    seed
        Seed of the scene.
    changes
        Changes to its template, as ``set`` in scene.json.
    settings
        Memory and threads.
    """
    synthetic = make_scene(folder, size=size, seed=seed, offset="cloudy")
    description = json.loads(synthetic.scene_json.read_text())
    del description["samples"]
    scene = _prepared(folder, {**description, "set": {**description.get("set", {}), **changes}}, settings)
    grid, fine = scene.grid, Grid.of(str(synthetic.truth))
    row, column = (
        ((np.arange(count) + 0.5) * grid.resolution / fine.resolution).astype(np.int64)
        for count in (grid.height, grid.width)
    )
    truth = gdal.Open(str(synthetic.truth)).ReadAsArray()[np.ix_(row, column)]
    legend = scene.config.template.legend

    def score(labels: Path) -> Score:
        binary = BinaryMetrics.from_pairs(compare_with_truth(labels, synthetic.truth), legend)
        assert binary.overall_accuracy is not None
        return Score(binary.overall_accuracy, binary.f1)

    valid = _valid(scene) & (truth > 0)
    return LabelledScene(scene, truth, valid, valid & _inside(truth), score)


def two_sided(mapped: NDArray[np.bool_], true: NDArray[np.bool_]) -> Score:
    """Score pixels that are True where they are positive."""
    both, either = int((mapped & true).sum()), int(mapped.sum() + true.sum())
    return Score(float((mapped == true).mean()), 2 * both / either if either else None)


def _prepared(folder: Path, description: Mapping[str, Any], settings: Settings) -> Scene:
    file = folder / "scene.json"
    file.write_text(json.dumps(description))
    scene = Scene.open(file, settings)
    scene.run()
    return scene


def _valid(scene: Scene) -> NDArray[np.bool_]:
    valid: NDArray[np.bool_] = gdal.Open(str(scene.workspace.valid)).ReadAsArray() == 1
    return valid


def _inside(truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    padded = np.pad(truth, 1, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.asarray((around == truth[..., None, None]).all(axis=(2, 3)))


def _write_stack(path: Path, chip: Chip) -> None:
    bands, rows, columns = chip.image.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, gdal.GDT_Float32, ["TILED=YES"])
    dataset.SetGeoTransform((LEFT, chip.resolution, 0, TOP, 0, -chip.resolution))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    for number, pixels in enumerate(chip.image, start=1):
        dataset.GetRasterBand(number).WriteArray(pixels)
    dataset.FlushCache()
