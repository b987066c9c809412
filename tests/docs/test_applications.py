"""docs/reference/applications.md: its table is of the applications there are, and its commands do what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import gdal
from page_tables import table_rows
from places import ROOT
from scenes import FinishedScene

from alcd_otb.cli.doctor import OWN_APPLICATIONS

PAGE = (ROOT / "docs" / "reference" / "applications.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)


def values(file: Path) -> NDArray[np.float64]:
    array: NDArray[np.float64] = gdal.Open(str(file)).ReadAsArray().astype(float)
    return array


def write_training_pixels(finished: FinishedScene, folder: Path) -> None:
    """Write features and classes of some pixels of each class, as images of one row."""
    labels, features = values(finished.result.labels), values(finished.result.features)
    places = [np.argwhere(labels == code)[::97][:40] for code in range(2, 8)]
    rows, columns = np.concatenate(places).T
    for name, bands in (("pixels", features[:, rows, columns]), ("classes", labels[None, rows, columns])):
        kind = gdal.GDT_Float32 if name == "pixels" else gdal.GDT_Int32
        image = gdal.GetDriverByName("GTiff").Create(str(folder / f"{name}.tif"), len(rows), 1, len(bands), kind)
        image.WriteArray(bands[:, None, :])


@pytest.fixture(scope="module")
def folder(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page names, and what its commands make of them."""
    made = tmp_path_factory.mktemp("applications")
    for band in ("B04", "B08"):
        (file,) = finished.synthetic.folder.glob(f"L1C/*20180331*/GRANULE/*/IMG_DATA/*_{band}.jp2")
        shutil.copy2(file, made / f"{band}.jp2")
    shutil.copy2(finished.result.workspace / "view.tif", made / "grid.tif")
    for file in (finished.result.features, finished.result.workspace / "valid.tif", finished.iteration / "model.rf"):
        shutil.copy2(file, made / file.name)
    write_training_pixels(finished, made)
    exported, *commands = blocks("sh")
    assert exported.startswith("export OTB_APPLICATION_PATH=/path/to/alcd_otb/")
    applications = exported.partition("/path/to/alcd_otb/")[2].strip()
    environment = {**os.environ, "OTB_APPLICATION_PATH": str(ROOT / applications)}
    for block in commands:
        subprocess.run(["sh", "-e", "-c", block], cwd=made, env=environment, check=True)
    (code,) = blocks("python")
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run([sys.executable, "-c", code], cwd=made, env={**os.environ, "PYTHONPATH": paths}, check=True)
    return made


def test_the_table_is_of_the_applications_that_come_with_it() -> None:
    rows = table_rows(PAGE, "The applications, for every user of OTB")
    assert {row[0] for row in rows} == set(OWN_APPLICATIONS)


def test_bands_and_their_index(folder: Path) -> None:
    level = gdal.Open(str(folder / "B08.jp2"))
    reflectance = level.GetRasterBand(1).GetOverview(0).ReadAsArray() * 1e-4
    reflectance[reflectance == 0] = np.nan
    np.testing.assert_allclose(values(folder / "B08.tif"), reflectance, rtol=1e-6)
    infrared, red = values(folder / "B08.tif"), values(folder / "B04.tif")
    index = (infrared - red) / (infrared + red)
    assert np.nanstd(index) > 0.1
    np.testing.assert_allclose(values(folder / "NDVI.tif"), index, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(values(folder / "NDVI_in_memory.tif"), index, rtol=1e-5, atol=1e-6)


def test_a_map_by_a_random_forest(folder: Path, finished: FinishedScene) -> None:
    for made, expected in (("map.tif", "labels.tif"), ("confidence_smoothed.tif", "confidence_smoothed.tif")):
        np.testing.assert_allclose(values(folder / made), values(finished.iteration / expected), atol=1e-6)


def test_a_map_by_a_logistic_regression(folder: Path, finished: FinishedScene) -> None:
    found = values(folder / "regression.tif")
    labels = values(finished.iteration / "labels.tif")
    valid = values(finished.result.workspace / "valid.tif") == 1
    assert (found[~valid] == 0).all()
    # A sixth of it would be chance.
    assert (found == labels)[valid].mean() > 0.8
    np.testing.assert_array_equal(values(folder / "same.tif"), found)
    shares = values(folder / "shares.tif")
    np.testing.assert_allclose(shares.sum(axis=0), valid, atol=1e-6)
    assert np.median(values(folder / "regression_confidence.tif")[valid]) > 0.5
