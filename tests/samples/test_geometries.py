"""Geometries and texts of samples that no editor should write: usable, or refused in one line."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from osgeo import ogr, osr

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.claims import claims_of
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes([LegendClass("land", 5, "#009738"), LegendClass("water", 6, "#008ed0")])
GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 60.0, 200, 200)
X, Y = 601000, 4899000
SQUARE = [[X, Y], [X + 300, Y], [X + 300, Y + 300], [X, Y + 300], [X, Y]]
POINT = {"type": "Point", "coordinates": [X, Y]}
VALUES = (
    None,
    [],
    [[]],
    {},
    float("nan"),
    1e308,
    -1e308,
    "x",
    10**25,
    True,
    [X, Y],
    [X],
    SQUARE,
    "Polygon",
    "MultiPoint",
)
NO_GEOMETRY = "feature 1: has no geometry; place it again, or delete it"
FEW_CORNERS = "feature 1: has fewer than 3 corners; draw it again, or delete it"


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"class": "water", **properties}, "geometry": geometry}


def write(file: Path, features: list[dict[str, Any]]) -> Path:
    crs = {"type": "name", "properties": {"name": "EPSG:32631"}}
    file.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return file


def read(tmp_path: Path, geometry: Any, **properties: Any) -> tuple[Sample, ...]:
    """Read a sample of land and one of water, which has the geometry."""
    features = [feature(POINT, **{"class": "land"}), feature(geometry, **properties)]
    return read_samples(write(tmp_path / "s.geojson", features), LEGEND, GRID)


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [X]},
        {"type": "Point", "coordinates": [float("nan"), Y]},
        {"type": "Point", "coordinates": [float("inf"), Y]},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[], []]},
        {"type": "Polygon", "coordinates": [[], SQUARE]},
        {"type": "Polygon", "coordinates": [[[X, float("nan")], [X + 1, Y], [X, Y + 1], [X, Y]]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "MultiPolygon", "coordinates": [[[]]]},
        {"type": "MultiPolygon", "coordinates": [[[]], [[], SQUARE]]},
        {"type": "LineString", "coordinates": []},
        {"type": "GeometryCollection", "geometries": []},
    ],
)
def test_empty_geometries_are_refused(tmp_path: Path, geometry: Any) -> None:
    with pytest.raises(SampleError) as caught:
        read(tmp_path, geometry)
    assert str(caught.value) == f"{tmp_path / 's.geojson'}: {NO_GEOMETRY}"


@pytest.mark.parametrize("ring", [SQUARE[:1], SQUARE[:2], [SQUARE[0]] * 5, [SQUARE[0], SQUARE[1], SQUARE[0]]])
@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon"])
def test_outlines_of_less_than_a_triangle_are_refused(tmp_path: Path, kind: str, ring: list[list[int]]) -> None:
    with pytest.raises(SampleError) as caught:
        read(tmp_path, {"type": kind, "coordinates": [ring] if kind == "Polygon" else [[SQUARE], [ring]]})
    assert str(caught.value) == f"{tmp_path / 's.geojson'}: {FEW_CORNERS}"


@pytest.mark.parametrize(
    ("geometry", "pixels"),
    [
        ({"type": "Polygon", "coordinates": [SQUARE]}, 25),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, 25),
        ({"type": "Polygon", "coordinates": [SQUARE, []]}, 25),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [], [[]]]}, 25),
        ({"type": "Polygon", "coordinates": [[[*place, 7] for place in SQUARE]]}, 25),
        ({"type": "Point", "coordinates": [X, Y, 7, 8]}, 1),
    ],
)
def test_what_is_meant_is_clear_and_read(tmp_path: Path, geometry: Any, pixels: int) -> None:
    _, sample = read(tmp_path, geometry)
    assert claims_of([sample], 0.0, GRID).rows.size == pixels


def test_a_bow_tie_holds_its_two_halves(tmp_path: Path) -> None:
    corners = [SQUARE[0], SQUARE[1], SQUARE[3], SQUARE[2], SQUARE[0]]
    _, sample = read(tmp_path, {"type": "Polygon", "coordinates": [corners]})
    claims = claims_of([sample], 0.0, GRID)
    # Two triangles of a height of 150 m over the sides below and above.
    assert 10 <= claims.rows.size <= 15


@pytest.mark.parametrize(
    "text", ["POINT EMPTY", "POLYGON EMPTY", "MULTIPOLYGON EMPTY", "CURVEPOLYGON EMPTY", "GEOMETRYCOLLECTION EMPTY"]
)
def test_empty_geometries_of_geopackages_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.gpkg"
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(file))
    layer = source.CreateLayer("samples", reference, ogr.wkbUnknown)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTString))
    for geometry, name in ((f"POINT ({X} {Y})", "land"), (text, "water")):
        row = ogr.Feature(layer.GetLayerDefn())
        row["class"] = name
        row.SetGeometry(ogr.CreateGeometryFromWkt(geometry))
        layer.CreateFeature(row)
    del row, layer, source
    with pytest.raises(SampleError, match="feature 2: has no geometry; place it again, or delete it"):
        read_samples(file, LEGEND, GRID)


@pytest.mark.parametrize("name", ["wa\0ter", "x" * 100_000, "\x1b[2J", "\ud800", [1], {"a": "\n"}, 10**30, True])
def test_classes_that_are_none_are_told_in_one_short_line(tmp_path: Path, name: Any) -> None:
    with pytest.raises(SampleError) as caught:
        read(tmp_path, POINT, **{"class": name})
    message = str(caught.value)
    assert "unknown class" in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize("comment", ["a\0b", "a\x1bb\nc", "\ud800", "x" * 100_000, 10**30, [1]])
def test_comments_may_hold_anything(tmp_path: Path, comment: Any) -> None:
    assert len(read(tmp_path, POINT, comment=comment)) == 2


def test_features_changed_at_random_are_read_or_refused(tmp_path: Path) -> None:
    random_, refusals = random.Random(6), list[str]()
    shapes = [
        POINT,
        {"type": "Polygon", "coordinates": [SQUARE]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE, SQUARE]]},
    ]
    for _ in range(400):
        changed = [_changed(copy.deepcopy(feature(random_.choice(shapes))), random_) for _ in range(2)]
        file = write(tmp_path / "s.geojson", [feature(POINT, **{"class": "land"}), *changed, feature(POINT)])
        for action in (read_samples, read_corrections):
            try:
                claims_of(action(file, LEGEND, GRID), 60.0, GRID)
            except SampleError as error:
                refusals.append(str(error))
    assert len(refusals) > 100
    assert not [message for message in refusals if "\n" in message or "Error" in message or len(message) > 600]


def _changed(part: Any, random_: random.Random) -> Any:
    """Replace, repeat or remove values somewhere in a feature."""
    if random_.random() < 0.08:
        return random_.choice(VALUES)
    if isinstance(part, dict):
        return {
            key: _changed(value, random_) for key, value in part.items() if key == "type" or random_.random() > 0.02
        }
    if isinstance(part, list):
        kept = [_changed(value, random_) for value in part if random_.random() > 0.08]
        return kept * 2 if random_.random() < 0.05 else kept
    return part
