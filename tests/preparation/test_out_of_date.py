"""What makes a prepared scene out of date, and what does not."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import osr
from preparing import CLEAR, prepared_from, write_product, write_scene

from alcd_otb.preparation import inputs as inputs_module
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import is_prepared
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.workspace import Workspace

FEATURES = ["B02", {"name": "difference", "expr": "B02 - clear.B02"}, "dem"]
VIEW = {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]}


class Case:
    """A prepared scene."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cloudy = write_product(folder, {"B02": np.full((60, 60), 2000)})
        self.clear = write_product(folder, {"B02": np.full((60, 60), 2500)}, sensed=CLEAR)
        self.dem = folder / "dem.asc"
        self.dem.write_text(
            "ncols 40\nnrows 40\nxllcorner 299000\nyllcorner 4898000\ncellsize 80\n" + ("5 " * 40 + "\n") * 40
        )
        self.dem.with_suffix(".prj").write_text(_utm())
        prepared_from(self.config())

    def config(self, **settings: Any) -> SceneConfig:
        settings = {"features": FEATURES, "view": VIEW, **settings}
        return load_scene(write_scene(self.folder, self.cloudy, self.clear, self.dem, **settings))

    def is_up_to_date(self, **settings: Any) -> bool:
        config = self.config(**settings)
        return is_prepared(Workspace(config.workspace), Inputs.read(config).fingerprint())


def _utm() -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    return reference.ExportToWkt()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"resolution": 20},
        {"margin": 60},
        {"radiometry": "digital_number"},
        {"resampling": "nearest"},
        {"decoding": "full"},
        {"compression": "zstd"},
        {"features": FEATURES[:2]},
        {"features": ["B02", {"name": "difference", "expr": "clear.B02 - B02"}, "dem"]},
        {"view": {**VIEW, "resolution": 20}},
        {"view": {**VIEW, "layers": [{"name": "blue", "expr": "B02", "step": 0.01}]}},
    ],
)
def test_setting_of_the_rasters(case: Case, settings: dict[str, Any]) -> None:
    assert not case.is_up_to_date(**settings)
    assert case.is_up_to_date()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"classifier": {"classifier": "dt"}},
        {"samples": {"seed": 5, "growth": 30}},
        {"regularisation": {"radius": 2}},
        {"confidence": {"radius": 0}},
    ],
)
def test_setting_of_the_classification(case: Case, settings: dict[str, Any]) -> None:
    assert case.is_up_to_date(**settings)


def _touch(file: Path) -> None:
    status = os.stat(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def _band_of(product: Path) -> Path:
    (file,) = product.glob("GRANULE/*/IMG_DATA/*_B02.jp2")
    return file


@pytest.mark.parametrize(
    "file_of",
    [lambda case: _band_of(case.cloudy), lambda case: _band_of(case.clear), lambda case: case.dem],
    ids=["cloudy", "clear", "dem"],
)
def test_file_that_was_replaced(case: Case, file_of: Callable[[Case], Path]) -> None:
    _touch(file_of(case))
    assert not case.is_up_to_date()


def test_offset_in_the_metadata(case: Case) -> None:
    metadata = case.cloudy / "MTD_MSIL1C.xml"
    metadata.write_text(metadata.read_text().replace(">-1000<", ">-900<"))
    assert not case.is_up_to_date()


def test_other_version_of_the_package(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "version", lambda _: "0.0.0")
    assert not case.is_up_to_date()


@pytest.mark.parametrize("name", ["features.tif", "view.tif", "valid.tif", "preparation.json"])
def test_missing_result(case: Case, name: str) -> None:
    (case.folder / "work" / name).unlink()
    assert not case.is_up_to_date()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pixels": {}}', '{"fingerprint": "FINGERPRINT"}'])
def test_damaged_record(case: Case, content: str) -> None:
    config = case.config()
    fingerprint = Inputs.read(config).fingerprint()
    work = Workspace(config.workspace)
    work.preparation.write_text(content.replace("FINGERPRINT", fingerprint))
    assert not is_prepared(work, fingerprint)
    work.preparation.write_bytes(b"\xff\xfe\x00")
    assert not is_prepared(work, fingerprint)
