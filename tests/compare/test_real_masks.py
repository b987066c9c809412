"""Real masks of processors, and the points that a real operator labelled."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mask_files import write_raster
from osgeo import gdal
from places import REAL_DATA
from sentinel2_files import tile_xml

from alcd_otb.compare.cells import Cells
from alcd_otb.compare.job import compare
from alcd_otb.compare.protocol import load_protocol
from alcd_otb.masks.fmask import read_fmask
from alcd_otb.masks.l1c_masks import read_cloud_mask
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.sen2cor import read_classification
from otb_pipelines.settings import Settings

MASKS = REAL_DATA / "product_masks"
TOULOUSE = REAL_DATA / "alcd_toulouse"
CLOUDY = "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE"

pytestmark = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="the folder of real products, shared/data beside the project, is absent"
)


@pytest.fixture(autouse=True)
def no_traces() -> Iterator[None]:
    """GDAL leaves nothing beside the files that it reads."""
    before = set(REAL_DATA.rglob("*.aux.xml"))
    yield
    assert set(REAL_DATA.rglob("*.aux.xml")) == before


def share_of(mask: Mask, meaning: str) -> float:
    rows = Cells(mask, mask.grid, frozenset({meaning})).rows(0, mask.grid.height)
    return float(rows.positive.sum() / rows.data.sum())


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """Copy the operator's points without the layer of no data: no data is not a class."""
    folder = tmp_path / "T31TCJ_20240305"
    folder.mkdir()
    for file in (TOULOUSE / "ref_inputs" / "Toulouse_31TCJ_20240305" / "In_data" / "Masks").iterdir():
        if not file.name.startswith("no_data"):
            shutil.copy(file, folder)
    return folder


def test_l1c_masks_at_the_points_of_toulouse(points: Path, tmp_path: Path) -> None:
    products = TOULOUSE / "s2" / "Toulouse"
    found = compare([str(points)], [str(products)], load_protocol("alcd2019"), tmp_path / "out", Settings(64, 1))
    (first, _) = found.as_json()["rows"]
    # Counted again, point by point, from the bands of MSK_CLASSI.
    (file,) = (products / CLOUDY).glob("GRANULE/*/QI_DATA/MSK_CLASSI_B00.jp2")
    classi = gdal.Open(str(file)).ReadAsArray()
    expected = dict.fromkeys(("tp", "fp", "fn", "tn"), 0)
    for path in points.glob("*.shp"):
        source = gdal.OpenEx(str(path))
        for feature in source.GetLayer(0):
            x, y = feature.GetGeometryRef().GetX(), feature.GetGeometryRef().GetY()
            said = classi[:2, int((4900020 - y) // 60), int((x - 300000) // 60)].any()
            true = path.stem in ("low_clouds", "high_clouds", "clouds_shadows")
            expected[("t" if said == true else "f") + ("p" if said else "n")] += 1
    assert {name: first[name] for name in expected} == expected
    assert sum(expected.values()) == 249
    # The mask has no shadows, and finds the clouds that a person sees.
    assert first["classes"]["clouds_shadows"]["omission"] > 0.9
    assert first["classes"]["low_clouds"]["omission"] == first["classes"]["high_clouds"]["omission"] == 0
    (alone,) = found.pairing.products_alone
    assert alone.acquisition.name == "31TCJ_20240120"


def granule_of(gml: Path, tile: str, left: int, top: int, tmp_path: Path, epsg: int) -> Path:
    granule = tmp_path / f"S2A_MSIL1C_{gml.name[7:15]}T003709_N0209_R059_T{tile}" / "GRANULE" / f"L1C_T{tile}_A0"
    (granule / "IMG_DATA").mkdir(parents=True)
    (granule / "QI_DATA").mkdir()
    shutil.copy(gml, granule / "QI_DATA" / "MSK_CLOUDS_B00.gml")
    text = tile_xml(tile, metres=109800, left=left, top=top).replace("EPSG:32631", f"EPSG:{epsg}")
    (granule / "MTD_TL.xml").write_text(text, "utf-8")
    return granule


def test_python_fmask_and_the_polygons_of_the_same_scene(tmp_path: Path) -> None:
    """11.1 and 11.0 % cloud, and 88.4 % agreement on cloud: what a script apart from this project has counted."""
    granule = granule_of(
        MASKS / "l1c_gml" / "T53JQJ_20201031_MSK_CLOUDS_B00.gml", "53JQJ", 699960, 6900040, tmp_path, 32753
    )
    fmask = read_fmask(MASKS / "fmask_python_ga" / "T53JQJ_20201031.fmask.img")
    polygons = read_cloud_mask(granule)
    assert share_of(fmask, "cloud") == pytest.approx(0.111, abs=0.001)
    # The polygons do not tell where nothing was seen; Fmask does.
    seen = Cells(fmask, fmask.grid, frozenset({"cloud"})).rows(0, fmask.grid.height).data
    cloud = Cells(polygons, fmask.grid, frozenset({"cloud"})).rows(0, fmask.grid.height).positive
    assert cloud[seen].mean() == pytest.approx(0.110, abs=0.001)
    counts = np.bincount(gdal.Open(str(fmask.path)).ReadAsArray().ravel(), minlength=6)
    assert share_of(fmask, "invalid") == (counts[2] + counts[3]) / sum(counts[1:])
    output = tmp_path / "out"
    found = compare([str(fmask.path)], [str(granule)], load_protocol("cmix2022"), output, Settings(64, 1))
    (row,) = found.rows
    assert row.metrics.overall_accuracy == pytest.approx(0.884, abs=0.001)


def test_polygons_with_cirrus_and_s2cloudless(tmp_path: Path) -> None:
    gml = MASKS / "l1c_gml" / "T48LWP_20210713_MSK_CLOUDS_B00.gml"
    mask = read_cloud_mask(granule_of(gml, "48LWP", 499980, 8900020, tmp_path, 32748))
    assert 0 < share_of(mask, "cirrus") < share_of(mask, "cloud")
    classes = [{"code": 1, "name": "clear"}, {"code": 2, "name": "cloud", "means": ["cloud", "invalid"]}]
    table = {"processor": "s2cloudless", "files": "*.s2cloudless.tif", "no_data": [0], "classes": classes}
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "s2cloudless.json").write_text(json.dumps(table), "utf-8")
    shutil.copy(MASKS / "fmask_python_ga" / "T48LWP_20210713.mask.s2cloudless.tif", tmp_path / "products")
    granule = mask.path
    found = compare(
        [str(granule)], [str(tmp_path / "products")], load_protocol("cmix2022"), tmp_path / "out", Settings(64, 1)
    )
    (row,) = found.rows
    assert row.processor == "s2cloudless"
    assert row.metrics.precision is not None
    assert row.metrics.precision > 0.99


def test_a_scene_classification_of_60_m(tmp_path: Path) -> None:
    file = tmp_path / "T01KAB_20200717T221944_SCL_60m.jp2"
    shutil.copy(MASKS / "sen2cor_scl" / "UTM01S_R60m_SCL.jp2", file)
    mask = read_classification(file)
    counts = np.bincount(gdal.Open(str(file)).ReadAsArray().ravel(), minlength=256)
    invalid, seen = sum(counts[value] for value in (3, 8, 9, 10)), sum(counts[2:12])
    assert sum(counts[12:]) == 0
    assert share_of(mask, "invalid") == invalid / seen


def test_smoothed_classes_are_refused(tmp_path: Path) -> None:
    """The masks of this folder were resampled smoothly, and have classes between the classes."""
    source = REAL_DATA / "mapchete_33TWL_L2A" / "S2A_33TWL_20230818_0_L2A" / "SCL.tif"
    pixels = gdal.Open(str(source)).ReadAsArray()
    assert pixels.max() > 11
    file = write_raster(tmp_path / "T33TWL_20230818T100000_SCL_20m.tif", pixels.astype(np.uint8), 120)
    with pytest.raises(Exception, match="which Sen2Cor does not have"):
        share_of(read_classification(file), "cloud")
