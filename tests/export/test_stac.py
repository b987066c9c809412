"""STAC items and collections are valid by the schemas, and their values are those of the map."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pystac
import pytest
from exports import export
from mask_files import write_raster
from osgeo import gdal
from scenes import FinishedScene, alcd, refused
from stac_validation import validate

from alcd_otb.export.footprint import footprint, united

ITEM = "31TFJ_20180331T103021"


@pytest.fixture(scope="module")
def exported(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scene; not to be changed."""
    out = tmp_path_factory.mktemp("stac") / "out"
    said = {"title": "Clouds", "licence": "CC-BY-4.0", "citation": "We (2026).", "doi": "10.5281/zenodo.1460961"}
    export([finished.result.workspace], out, "stac", **said)
    return out


def item_of(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / ITEM / f"{ITEM}.json").read_text("utf-8"))
    return content


def test_an_item_is_valid(exported: Path) -> None:
    item = validate(exported / ITEM / f"{ITEM}.json")
    assert isinstance(item, pystac.Item)
    assert item.id == ITEM
    assert item.datetime is not None
    assert item.datetime.isoformat() == "2018-03-31T10:30:21.024000+00:00"


def test_the_validation_can_fail(exported: Path, tmp_path: Path) -> None:
    for change in ({"proj:code": 32631}, {"sat:relative_orbit": 0}, {"processing:software": {"a": 1}}):
        item = item_of(exported)
        item["properties"] |= change  # type: ignore[operator]
        (tmp_path / "item.json").write_text(json.dumps(item), "utf-8")
        with pytest.raises(pystac.STACValidationError):
            validate(tmp_path / "item.json")


def test_the_properties_are_those_of_the_product_and_the_map(exported: Path) -> None:
    properties = item_of(exported)["properties"]
    expected = {
        "gsd": 60,
        "grid:code": "MGRS-31TFJ",
        "proj:code": "EPSG:32631",
        "sat:relative_orbit": 108,
        "platform": "sentinel-2a",
        "constellation": "sentinel-2",
        "license": "CC-BY-4.0",
        "sci:doi": "10.5281/zenodo.1460961",
        "sci:citation": "We (2026).",
        "alcd_otb:iteration": 1,
        # Of the synthetic product: a zenith of 43.2 degrees.
        "view:sun_elevation": 46.8,
        "view:sun_azimuth": 155.6,
    }
    assert isinstance(properties, dict)
    assert {key: properties.get(key) for key in expected} == expected
    assert "eo:cloud_cover" not in properties


def test_the_classes_are_counted_and_coloured(exported: Path, finished: FinishedScene) -> None:
    assets = item_of(exported)["assets"]
    assert isinstance(assets, dict)
    labels = gdal.Open(str(finished.iteration / "labels.tif")).ReadAsArray()
    for one in assets["classes"]["classification:classes"]:
        assert one["count"] == int((labels == one["value"]).sum())
        assert one["percentage"] == pytest.approx(100 * (labels == one["value"]).mean(), abs=1e-3)
    colours = {one["name"]: one.get("color_hint") for one in assets["classes"]["classification:classes"]}
    assert colours["water"] == "008ED0"
    assert colours["no_data"] is None


def test_the_assets_are_files_with_their_checksums(exported: Path) -> None:
    assets = item_of(exported)["assets"]
    assert isinstance(assets, dict)
    wanted = {"classes", "confidence", "confidence_smoothed", "samples", "metrics", "report", "thumbnail", "provenance"}
    assert wanted <= assets.keys()
    for asset in assets.values():
        content = (exported / ITEM / asset["href"]).read_bytes()
        assert asset["file:size"] == len(content)
        assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    named = {asset["href"].removeprefix("./") for asset in assets.values()} | {f"{ITEM}.json"}
    assert named == {file.name for file in (exported / ITEM).iterdir()}


def test_the_grid_is_that_of_the_files(exported: Path) -> None:
    assets = item_of(exported)["assets"]
    assert isinstance(assets, dict)
    for key in ("classes", "confidence", "confidence_smoothed"):
        image = gdal.Open(str(exported / ITEM / assets[key]["href"]))
        left, width, _, top, _, height = image.GetGeoTransform()
        assert assets[key]["proj:transform"] == [width, 0, left, 0, height, top]
        assert assets[key]["proj:shape"] == [image.RasterYSize, image.RasterXSize]
        assert assets[key]["data_type"] == {1: "uint8", 6: "float32"}[image.GetRasterBand(1).DataType]


def test_cloud_cover_is_of_the_classes_that_are_named(finished: FinishedScene, tmp_path: Path) -> None:
    ended = alcd(
        *("export", finished.result.workspace, tmp_path / "out", "--layout", "stac"),
        *("--cloud", "low_clouds", "--cloud", "high_clouds"),
    )
    assert ended.returncode == 0, ended.stderr
    labels = gdal.Open(str(finished.iteration / "labels.tif")).ReadAsArray()
    properties = item_of(tmp_path / "out")["properties"]
    assert isinstance(properties, dict)
    cover = 100 * np.isin(labels, (2, 3)).sum() / (labels > 0).sum()
    assert properties["eo:cloud_cover"] == pytest.approx(cover, abs=0.005)
    validate(tmp_path / "out" / ITEM / f"{ITEM}.json")
    said = refused(2, "export", finished.result.workspace, tmp_path / "other", "--layout", "stac", "--cloud", "nebula")
    assert "'nebula' is not a class of" in said
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_collection_is_valid_with_its_items(dated: Callable[..., Path], tmp_path: Path) -> None:
    first, second = dated("Arles", "20180331"), dated("Nimes", "20180410")
    out = tmp_path / "out"
    said = {"title": "Two scenes", "provider": "A laboratory", "licence": "https://a.b/c"}
    export([second, first], out, "stac", **said)
    collection = validate(out / "collection.json")
    assert isinstance(collection, pystac.Collection)
    items = sorted(collection.get_items(), key=lambda one: one.id)
    assert [one.id for one in items] == [ITEM, "31TFJ_20180410T103021"]
    for one in items:
        for linked in (one.get_parent(), one.get_root(), one.get_collection()):
            assert linked is not None
            assert linked.get_self_href() == str(out / "collection.json")
    interval = collection.extent.temporal.intervals[0]
    assert [one.isoformat()[:19] for one in interval if one] == ["2018-03-31T10:30:21", "2018-04-10T10:30:21"]
    assert collection.extent.spatial.bboxes[0] == pytest.approx(items[0].bbox)
    assert collection.license == "other"
    assert [link.href for link in collection.get_links("license")] == ["https://a.b/c"]
    assert collection.providers is not None
    assert collection.providers[0].name == "A laboratory"
    assert [one["name"] for one in collection.to_dict()["item_assets"]["classes"]["classification:classes"]][:2] == [
        "no_data",
        "background",
    ]


def test_a_scene_made_from_another_raster_has_the_time_that_is_stated(
    dated: Callable[..., Path], tmp_path: Path
) -> None:
    stack = dated("Lake", "20180331", tile=None, acquired=None, name="stack")
    ended = alcd("export", stack, tmp_path / "out", "--layout", "stac", "--acquired", "2018-03-31T12:30:21+02:00")
    assert ended.returncode == 0, ended.stderr
    item = validate(tmp_path / "out" / "Lake_20180331T103021" / "Lake_20180331T103021.json")
    assert isinstance(item, pystac.Item)
    assert item.datetime is not None
    assert item.datetime.isoformat() == "2018-03-31T10:30:21+00:00"
    assert not {"grid:code", "platform"} & item.properties.keys()


def test_a_catalogue_that_is_moved_still_leads_everywhere(dated: Callable[..., Path], tmp_path: Path) -> None:
    export([dated("Arles", "20180331"), dated("Nimes", "20180410")], tmp_path / "out", "stac")
    moved = shutil.copytree(tmp_path / "out", tmp_path / "elsewhere" / "moved")
    shutil.rmtree(tmp_path / "out")
    collection = validate(moved / "collection.json")
    assert isinstance(collection, pystac.Collection)
    for item in collection.get_items():
        for asset in item.get_assets().values():
            assert Path(str(asset.get_absolute_href())).is_file()


def test_a_footprint_at_a_known_place(tmp_path: Path) -> None:
    """A corner on the central meridian and the equator has a longitude and latitude that need no projection."""
    labels = write_raster(tmp_path / "labels.tif", np.ones((100, 50), np.uint8), 600, left=500_000, top=60_000)
    found = footprint(labels)
    assert found is not None
    assert found.bbox[:2] == (3, 0)
    # Along the meridian from the equator, near which its radius is a (1 - e^2) = 6 335 439 m; the scale is 0.9996.
    assert found.bbox[3] == pytest.approx(np.degrees(60_000 / 0.9996 / 6_335_439), abs=1e-4)
    # Along the equator a = 6 378 137 m.
    assert found.bbox[2] == pytest.approx(3 + np.degrees(30_000 / 0.9996 / 6_378_137), abs=1e-4)
    assert found.geometry["type"] == "Polygon"
    assert doubled_area(found.geometry["coordinates"][0]) > 0


def test_a_footprint_has_no_holes_and_no_corner_without_data(tmp_path: Path) -> None:
    codes = np.full((512, 512), 5, np.uint8)
    codes[200:260, 200:260] = 0
    rows, columns = np.mgrid[:512, :512]
    codes[columns < rows // 2] = 0
    found = footprint(write_raster(tmp_path / "labels.tif", codes, 60, left=500_000, top=30_720))
    assert found is not None
    (ring,) = found.geometry["coordinates"]
    # Near the equator degrees are as good as metres; the triangle is a quarter of the square.
    square = (found.bbox[2] - found.bbox[0]) * (found.bbox[3] - found.bbox[1])
    assert doubled_area(ring) / 2 / square == pytest.approx(0.75, abs=0.01)
    assert len(ring) < 50


def test_a_footprint_of_parts(tmp_path: Path) -> None:
    codes = np.zeros((60, 60), np.uint8)
    codes[:20], codes[40:] = 2, 3
    found = footprint(write_raster(tmp_path / "labels.tif", codes, 60))
    assert found is not None
    assert found.geometry["type"] == "MultiPolygon"
    assert len(found.geometry["coordinates"]) == 2


def test_a_footprint_across_the_antimeridian_is_cut(tmp_path: Path) -> None:
    # Zone 60 is around 177 degrees east: 180 is 333.9 km east of it at the equator, at an easting of 833 978 m.
    codes = np.full((183, 183), 5, np.uint8)
    found = footprint(write_raster(tmp_path / "labels.tif", codes, 600, epsg=32660, left=780_000, top=109_800))
    assert found is not None
    west, south, east, north = found.bbox
    assert west == pytest.approx(179.515, abs=0.01)
    assert east == pytest.approx(-179.498, abs=0.01)
    assert (south, north) == (pytest.approx(0, abs=1e-5), pytest.approx(0.9933, abs=0.001))
    assert found.geometry["type"] == "MultiPolygon"
    ranges = []
    for (ring,) in found.geometry["coordinates"]:
        longitudes = [x for x, _ in ring]
        ranges.append((min(longitudes), max(longitudes)))
        assert doubled_area(ring) > 0
        assert ring[0] == ring[-1]
    assert sorted(ranges) == [(-180, pytest.approx(east)), (pytest.approx(west), 180)]


def test_there_is_no_footprint_without_data(tmp_path: Path) -> None:
    assert footprint(write_raster(tmp_path / "labels.tif", np.zeros((8, 8), np.uint8), 60)) is None


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(3, 40, 4, 41), (5, 43, 6, 44)], (3, 40, 6, 44)),
        ([(-5, 40, -4, 41), (5, 43, 6, 44)], (-5, 40, 6, 44)),
        ([(179, -1, -179, 1), (170, 0, 171, 2)], (170, -1, -179, 2)),
        ([(179, -1, -179, 1), (-178, 0, -177, 2)], (179, -1, -177, 2)),
    ],
    ids=["apart", "greenwich", "east", "west"],
)
def test_boxes_are_united(
    boxes: list[tuple[float, float, float, float]], expected: tuple[float, float, float, float]
) -> None:
    assert united(boxes) == expected


def doubled_area(ring: list[list[float]]) -> float:
    """Twice the area of a ring; positive where it runs counterclockwise."""
    xs, ys = np.array(ring).T
    return float(np.sum(xs[:-1] * ys[1:] - xs[1:] * ys[:-1]))
