"""Pixels written for OTB, and files that cannot be written."""

import csv
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import fiona
import numpy as np
import pytest
from osgeo import gdal

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import PixelSet
from alcd_otb.samples.writing import create_empty_samples, write_pixels

# 6 km west of Toulouse, on tile 31TCJ.
GRID = Grid("EPSG:32631", 360000.0, 4830000.0, 20.0, 1000, 800)


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    pixels = pixel_set([(0, 0, 2), (1, 1, 5)])
    for write in (
        lambda path: create_empty_samples(path, GRID),
        lambda path: write_pixels(path, pixels, GRID),
    ):
        with pytest.raises(ProcessingError, match=r"absent.a\.gpkg: cannot be written"):
            write(tmp_path / "absent" / "a.gpkg")


def pixel_set(pixels: list[tuple[int, int, int]]) -> PixelSet:
    rows, columns, codes = (np.array(values, np.int64) for values in zip(*sorted(pixels), strict=True))
    return PixelSet(rows, columns, codes.astype(np.uint8), np.arange(rows.size) // 2)


def test_pixels_are_written_at_their_centres(tmp_path: Path) -> None:
    pixels = pixel_set([(0, 0, 2), (799, 999, 5), (3, 7, 6)])
    write_pixels(tmp_path / "a.gpkg", pixels, GRID)
    with fiona.open(tmp_path / "a.gpkg") as collection:
        assert collection.crs.to_epsg() == 32631
        found = [
            (*feature.geometry.coordinates, feature.properties["class"], feature.properties["sample"])
            for feature in collection
        ]
    assert found == [
        (360010.0, 4829990.0, 2, 0),
        (360150.0, 4829930.0, 6, 0),
        (379990.0, 4814010.0, 5, 1),
    ]
    write_pixels(tmp_path / "b.gpkg", pixels, GRID)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    write_pixels(tmp_path / "c.gpkg", pixels, GRID, field="label")
    with fiona.open(tmp_path / "c.gpkg") as collection:
        assert list(collection.schema["properties"]) == ["label", "sample"]
    with pytest.raises(ProcessingError, match=r"a\.gpkg: exists already"):
        write_pixels(tmp_path / "a.gpkg", pixels, GRID)


def run_otb(application: str, *arguments: str) -> None:
    launcher = shutil.which(f"otbcli_{application}")
    if launcher is None:
        pytest.skip(f"otbcli_{application} is not installed")
    folders = [str(path) for path in Path("/usr/lib").glob("*/otb/applications")]
    environment = {
        **os.environ,
        "OTB_APPLICATION_PATH": os.environ.get("OTB_APPLICATION_PATH", ":".join(folders)),
    }
    done = subprocess.run([launcher, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def write_raster(path: Path, grid: Grid, values: np.ndarray) -> Path:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), grid.width, grid.height, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform(grid.transform)
    dataset.SetProjection(grid.spatial_reference.ExportToWkt())
    dataset.WriteArray(values)
    return path


@pytest.fixture
def random_pixels() -> tuple[Grid, PixelSet, np.ndarray]:
    """Of a grid of 40 x 30: pixels with a class, and a map in which about half agree with them."""
    grid = Grid("EPSG:32631", 360000.0, 4830000.0, 60.0, 40, 30)
    generator = np.random.default_rng(8)
    flat = np.sort(generator.choice(1200, 500, replace=False))
    codes = generator.choice(np.array([2, 5, 6], np.uint8), 500)
    labels = generator.choice(np.array([2, 5, 6], np.uint8), (30, 40))
    agreeing = flat[:200]
    labels[agreeing // 40, agreeing % 40] = codes[:200]
    return grid, PixelSet(flat // 40, flat % 40, codes, np.arange(500)), labels


def test_otb_counts_the_pixels_of_each_class(tmp_path: Path, random_pixels: tuple[Grid, PixelSet, np.ndarray]) -> None:
    grid, pixels, labels = random_pixels
    image = write_raster(tmp_path / "image.tif", grid, labels)
    write_pixels(tmp_path / "pixels.gpkg", pixels, grid)
    run_otb(
        "PolygonClassStatistics",
        *("-in", str(image), "-vec", str(tmp_path / "pixels.gpkg"), "-field", "class"),
        *("-out", str(tmp_path / "statistics.xml")),
    )
    root = ElementTree.parse(tmp_path / "statistics.xml").getroot()
    counted = {
        int(entry.attrib["key"]): int(entry.attrib["value"])
        for statistic in root.iter("Statistic")
        if statistic.attrib["name"] == "samplesPerClass"
        for entry in statistic
    }
    assert counted == pixels.counts


def test_otb_compares_each_pixel_with_the_map(tmp_path: Path, random_pixels: tuple[Grid, PixelSet, np.ndarray]) -> None:
    grid, pixels, labels = random_pixels
    image = write_raster(tmp_path / "labels.tif", grid, labels)
    write_pixels(tmp_path / "pixels.gpkg", pixels, grid)
    run_otb(
        "ComputeConfusionMatrix",
        *("-in", str(image), "-out", str(tmp_path / "confusion.csv"), "-ref", "vector"),
        *("-ref.vector.in", str(tmp_path / "pixels.gpkg"), "-ref.vector.field", "class"),
    )
    with open(tmp_path / "confusion.csv", newline="") as lines:
        matrix = [[int(value) for value in row] for row in csv.reader(lines) if not row[0].startswith("#")]
    mapped = labels[pixels.rows, pixels.columns]
    expected = [[int(((pixels.codes == r) & (mapped == c)).sum()) for c in (2, 5, 6)] for r in (2, 5, 6)]
    assert matrix == expected
