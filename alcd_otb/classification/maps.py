"""Write the maps of an iteration: the targets of a classification, the described labels, the shares of all classes."""

from pathlib import Path

import numpy as np

from alcd_otb.classification.task import ClassificationTask
from alcd_otb.raster.blocks import Source, read_blocks, write_block
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.io import build_overviews, copying, creating
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA, Legend
from otb_pipelines.app import Target
from otb_pipelines.classify import BLOCK_ROWS, Cleaning, whole_blocks
from otb_pipelines.process import gdal

CLASSIFIED = "cleaned.tif"
"""Name of the cleaned map in the folder of an unfinished iteration, before the corrections."""

# One thread, so that equal pixels give equal bytes. The fastest level makes labels a quarter larger.
_LABELS_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "ZLEVEL": "1", "NUM_THREADS": "1"}
# The fastest level makes a confidence only a little larger. Each block is written once, though the height of the strips
# depends on the memory, because it is low and strips hold whole blocks.
_CONFIDENCE_OPTIONS = {"BLOCKYSIZE": f"{BLOCK_ROWS}", "COMPRESS": "DEFLATE", "ZLEVEL": "1", "NUM_THREADS": "1"}
_SHARES_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "ZLEVEL": "1", "INTERLEAVE": "BAND", "NUM_THREADS": "1"}


def map_targets(task: ClassificationTask, cleaning: Cleaning, margin: bool, rows: int) -> dict[str, Target]:
    """List where the outputs of a cleaned classification are written.

    Parameters
    ----------
    task
        Gives the folder of the iteration and the grid.
    cleaning
        Says whether the classifier gives a confidence, and whether its median is wanted.
    margin
        Whether the classifier gives a margin and a second class.
    rows
        The most rows to write at a time.

    Returns
    -------
    dict
        The target of each output, by OTB's name of the output.
    """
    folder, rows = task.folder, whole_blocks(rows, task.grid.height)
    targets = {"out": Target(folder / CLASSIFIED, "uint8", rows=rows)}
    if cleaning.certain is not None:
        targets["confmap"] = Target(folder / "confidence.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
        if cleaning.median_radius:
            targets["medianmap"] = Target(folder / "confidence_smoothed.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
    if margin:
        targets["marginmap"] = Target(folder / "margin.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
        targets["secondmap"] = Target(folder / "second.tif", "uint8", _CONFIDENCE_OPTIONS, NO_DATA, rows)
    return targets


def write_labels(corrected: Path, target: Path, legend: Legend) -> None:
    """Write a map with the colours and names of its classes, and with overviews, which OTB's writer cannot make.

    Parameters
    ----------
    corrected
        Raster of class codes, uint8.
    target
        The file to write.
    legend
        The classes.

    Raises
    ------
    ProcessingError
        If it cannot be written.
    """
    described = driver("VRT").CreateCopy("", open_raster(corrected))
    band = described.GetRasterBand(1)
    colours = gdal.ColorTable()
    names = [""] * (max(legend.codes) + 1)
    names[NO_DATA] = "no data"
    colours.SetColorEntry(NO_DATA, (0, 0, 0, 0))
    for legend_class in legend.classes:
        colours.SetColorEntry(legend_class.code, (*legend_class.rgb, 255))
        names[legend_class.code] = legend_class.name
    band.SetColorTable(colours)
    band.SetCategoryNames(names)
    band.SetNoDataValue(NO_DATA)
    band.SetDescription("class")
    with copying(described, target, _LABELS_OPTIONS) as labels:
        # The most frequent class of the pixels below: the mean of two codes would be a third class.
        build_overviews(labels, "MODE")


def write_class_shares(raw: Path, task: ClassificationTask) -> None:
    """Write ``class_shares.tif``: Float32, a band a class with the name of the class, NaN where nothing is valid.

    Parameters
    ----------
    raw
        Raster of the shares as the classifier gives them, a band a class in ascending order of the codes.
    task
        Gives the classes, the valid pixels and the folder.

    Raises
    ------
    ProcessingError
        If a raster cannot be read, or the file cannot be written.
    """
    names, target = task.class_names, task.folder / "class_shares.tif"
    with creating(target, task.grid, gdal.GDT_Float32, _SHARES_OPTIONS, len(names)) as dataset:
        for number, name in enumerate(names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
        for block in read_blocks([Source(raw, names), Source(task.valid, ("valid",))], task.grid):
            shares = np.where(block.values[-1] == 1, block.values[:-1], np.float32(np.nan))
            write_block(dataset, shares, block.window)
