"""Samples read from any format and CRS, or refused; samples that come back as they were written."""

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pytest
from osgeo import ogr, osr

from alcd_otb.errors import ProcessingError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.layers import unreadable
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import create_empty_samples, write_samples
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("low_clouds", 2, "#d2d2d2", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)
# 6 km west of Toulouse, on tile 31TCJ.
GRID = Grid("EPSG:32631", 360000.0, 4830000.0, 20.0, 1000, 800)
PLACES = {"low_clouds": (361005.0, 4829005.0), "land": (370123.25, 4820456.5), "water": (379990.0, 4814010.0)}
CLASSES = tuple(PLACES)
CODES = (2, 5, 6)


def in_crs(crs: str, place: tuple[float, float]) -> tuple[float, float]:
    """x, y (longitude, latitude) of a place of the grid in another CRS."""
    target = osr.SpatialReference()
    target.SetFromUserInput(crs)
    target.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(GRID.spatial_reference, target).TransformPoint(*place)
    return x, y


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": (x, y)}


def write_vector(
    path: Path,
    features: list[tuple[Any, dict[str, Any] | None]],
    crs: str = "EPSG:32631",
    driver: str | None = None,
    field: str | None = "class",
    kind: str = "str",
    geometry: str = "Point",
    layer: str | None = None,
) -> Path:
    """features: (class value, geometry)."""
    schema = {"geometry": geometry, "properties": {field: kind} if field else {"other": "str"}}
    options: dict[str, Any] = {"layer": layer} if layer else {}
    if crs:
        options["crs"] = crs
    with fiona.open(
        path, "w", driver=driver or fiona.drvsupport.driver_from_extension(path), schema=schema, **options
    ) as out:
        for value, shape in features:
            out.write({"geometry": shape, "properties": {field: value} if field else {"other": "a"}})
    return path


def all_classes(crs: str = "EPSG:32631") -> list[tuple[str, dict[str, Any]]]:
    return [(name, point(*in_crs(crs, place))) for name, place in PLACES.items()]


def assert_places(samples: tuple[Sample, ...], tolerance: float) -> None:
    assert sorted(sample.code for sample in samples) == list(CODES)
    for sample in samples:
        expected = PLACES[LEGEND.with_code(sample.code).name]
        assert sample.location == pytest.approx(expected, abs=tolerance, rel=0)


FORMATS = ["a.gpkg", "a.shp", "a.fgb", "a.gml", "a.tab", "a.sqlite"]
SYSTEMS = ["EPSG:32631", "EPSG:4326", "EPSG:32630", "EPSG:2154"]


@pytest.mark.parametrize(
    ("name", "crs"), [("a.geojson", "EPSG:4326"), *((name, crs) for name in FORMATS for crs in SYSTEMS)]
)
def test_formats_and_crs(tmp_path: Path, name: str, crs: str) -> None:
    driver = "SQLite" if name == "a.sqlite" else None
    samples = read_samples(write_vector(tmp_path / name, all_classes(crs), crs, driver), LEGEND, GRID)
    # GeoJSON keeps 7 decimals of a degree, 1 cm; MapInfo a 2**31st of 1000 degrees, 5 cm.
    assert_places(samples, 0.05)


def test_the_axes_of_epsg_4326_are_right(tmp_path: Path) -> None:
    # The formulae written out (Snyder, Map Projections, 1987, p. 61) are the independent answer.
    longitude, latitude = 1.4442, 43.6045
    x, y = utm(longitude, latitude, 3.0)
    path = write_vector(
        tmp_path / "a.gpkg",
        [("land", point(longitude, latitude)), ("water", point(1.40, 43.55))],
        "EPSG:4326",
    )
    land, _ = read_samples(path, LEGEND, GRID)
    assert land.location == pytest.approx((x, y), abs=0.05, rel=0)


def utm(longitude: float, latitude: float, meridian: float) -> tuple[float, float]:
    """Transverse Mercator by Snyder's series, WGS 84."""
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)
    phi, dl = np.radians(latitude), np.radians(longitude - meridian)
    n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    t, c, ca = np.tan(phi) ** 2, e2 / (1 - e2) * np.cos(phi) ** 2, dl * np.cos(phi)
    m = a * (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * np.sin(2 * phi)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * np.sin(4 * phi)
        - 35 * e2**3 / 3072 * np.sin(6 * phi)
    )
    ep2 = e2 / (1 - e2)
    x = n * (ca + (1 - t + c) * ca**3 / 6 + (5 - 18 * t + t**2 + 72 * c - 58 * ep2) * ca**5 / 120)
    y = m + n * np.tan(phi) * (
        ca**2 / 2 + (5 - t + 9 * c + 4 * c**2) * ca**4 / 24 + (61 - 58 * t + t**2 + 600 * c - 330 * ep2) * ca**6 / 720
    )
    return 500000 + 0.9996 * float(x), 0.9996 * float(y)


def test_same_crs_is_not_changed(tmp_path: Path) -> None:
    assert_places(read_samples(write_vector(tmp_path / "a.gpkg", all_classes()), LEGEND, GRID), 0.0)


def test_kml(tmp_path: Path) -> None:
    marks = "".join(
        f'<Placemark><ExtendedData><Data name="class"><value>{name}</value></Data></ExtendedData>'
        f"<Point><coordinates>{x:.9f},{y:.9f},120</coordinates></Point></Placemark>"
        for name, (x, y) in ((name, in_crs("EPSG:4326", place)) for name, place in PLACES.items())
    )
    path = tmp_path / "a.kml"
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>')
    assert_places(read_samples(path, LEGEND, GRID), 0.01)


def test_csv_with_columns_of_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{x:.9f},{y:.9f},{code}" for code, (x, y) in zip(CODES, map(lonlat, PLACES.values()), strict=True)]
    path.write_text("\n".join(["longitude,latitude,class", *lines]))
    assert_places(read_samples(path, LEGEND, GRID), 0.01)
    path.with_suffix(".prj").write_text(wkt("EPSG:4326"))
    assert_places(read_samples(path, LEGEND, GRID), 0.01)


def test_csv_with_wkt(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f'"POINT ({x} {y})",{name}' for name, (x, y) in PLACES.items()]
    path.write_text("\n".join(["WKT,class", *lines]))
    path.with_suffix(".prj").write_text(wkt("EPSG:32631"))
    assert_places(read_samples(path, LEGEND, GRID), 0.0)


def lonlat(place: tuple[float, float]) -> tuple[float, float]:
    return in_crs("EPSG:4326", place)


def wkt(crs: str) -> str:
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    return str(reference.ExportToWkt(["FORMAT=WKT1_ESRI"]))


@pytest.mark.parametrize(
    ("kind", "values"),
    [("str", ["low_clouds", "5", " water "]), ("int", [2, 5, 6]), ("float", [2.0, 5.0, 6.0])],
)
def test_names_and_codes(tmp_path: Path, kind: str, values: list[Any]) -> None:
    features = [(value, shape) for value, (_, shape) in zip(values, all_classes(), strict=True)]
    assert_places(read_samples(write_vector(tmp_path / "a.gpkg", features, kind=kind), LEGEND, GRID), 0.0)


def test_field_in_capitals(tmp_path: Path) -> None:
    assert_places(read_samples(write_vector(tmp_path / "a.shp", all_classes(), field="CLASS"), LEGEND, GRID), 0.0)


def test_spaces_and_accents_in_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "les données d'été"
    folder.mkdir()
    assert_places(read_samples(write_vector(folder / "mes échantillons.shp", all_classes()), LEGEND, GRID), 0.0)


def test_multipoints_and_polygons(tmp_path: Path) -> None:
    square = [(362000.0, 4828000.0), (362100.0, 4828000.0), (362100.0, 4828100.0), (362000.0, 4828000.0)]
    features = [
        ("land", {"type": "MultiPoint", "coordinates": [(370000.0, 4820000.0), (370100.0, 4820050.0)]}),
        ("water", {"type": "Polygon", "coordinates": [square]}),
        ("water", {"type": "MultiPolygon", "coordinates": [[square], [square, square]]}),
        ("land", {"type": "Point", "coordinates": (370200.0, 4820000.0, 55.0)}),
    ]
    samples = read_samples(write_vector(tmp_path / "a.gpkg", features, geometry="Unknown"), LEGEND, GRID)
    assert [(sample.feature, sample.code, sample.is_point) for sample in samples] == [
        ("a.gpkg:1/1", 5, True),
        ("a.gpkg:1/2", 5, True),
        ("a.gpkg:2", 6, False),
        ("a.gpkg:3/1", 6, False),
        ("a.gpkg:3/2", 6, False),
        ("a.gpkg:4", 5, True),
    ]
    assert samples[1].location == (370100.0, 4820050.0)
    assert samples[2].geometry["coordinates"] == (tuple(square),)
    assert len(samples[4].geometry["coordinates"]) == 2
    assert samples[5].geometry["coordinates"] == (370200.0, 4820000.0)


def test_the_layer_samples_of_several(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "a.gpkg", [("nonsense", point(0, 0))], layer="other")
    write_vector(path, all_classes(), layer="visits")
    with pytest.raises(SampleError, match=r"a\.gpkg: has the layers other, visits; name that of the samples 'samples'"):
        read_samples(path, LEGEND, GRID)
    write_vector(path, all_classes(), layer="samples")
    assert_places(read_samples(path, LEGEND, GRID), 0.0)


def test_a_folder_with_one_file_a_class(tmp_path: Path) -> None:
    write_vector(tmp_path / "low_clouds.shp", [(None, point(*PLACES["low_clouds"]))], kind="int")
    write_vector(tmp_path / "land.geojson", [("x", point(*lonlat(PLACES["land"])))], "EPSG:4326", field="note")
    write_vector(tmp_path / "6.gpkg", [("land", point(*PLACES["water"]))])
    write_vector(tmp_path / "water.shp", [])
    (tmp_path / "readme.txt").write_text("points of 2017-10-02")
    (tmp_path / ".hidden").write_text("")
    assert_places(read_samples(tmp_path, LEGEND, GRID), 0.02)


def test_a_file_that_is_no_class(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "lands.shp", [(None, point(*PLACES["land"]))])
    with pytest.raises(SampleError) as caught:
        read_samples(tmp_path, LEGEND, GRID)
    assert str(caught.value) == (
        f"{path}: is not named after a class; did you mean 'land'? The classes are low_clouds (2), land (5), water (6)"
    )


HERE = point(*PLACES["land"])
LINE = {"type": "LineString", "coordinates": [(370000.0, 4820000.0), (370100.0, 4820000.0)]}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            ("Land", HERE),
            "feature 2: unknown class 'Land'; did you mean 'land'? The classes are low_clouds (2), ",
        ),
        (("lnad", HERE), "feature 2: unknown class 'lnad'; did you mean 'land'?"),
        (("99", HERE), "feature 2: unknown class '99'; the classes are"),
        ((None, HERE), "feature 2: has no class; fill in its field 'class', or delete it"),
        (("", HERE), "feature 2: has no class; fill in"),
        (("land", None), "feature 2: has no geometry; place it again, or delete it"),
        (("land", LINE), "feature 2: LineString, neither point nor polygon; replace it, or delete it"),
        (
            ("land", point(359999.9, 4820000.0)),
            "feature 2: lies outside the scene (x 360000 to 380000, y 4814000 to 4830000 in EPSG:32631); "
            "move or delete it, or check the file's CRS",
        ),
        (("land", point(380000.0, 4820000.0)), "feature 2: lies outside the scene"),
    ],
)
def test_refused_features(tmp_path: Path, bad: tuple[Any, Any], message: str) -> None:
    path = write_vector(tmp_path / "a.gpkg", [("land", HERE), bad, ("water", HERE)], geometry="Unknown")
    with pytest.raises(SampleError) as caught:
        read_samples(path, LEGEND, GRID)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_refused_features_are_named_together(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "a.gpkg", [("land", HERE), *[("cloud", HERE)] * 7, (None, HERE)])
    with pytest.raises(SampleError, match="features 2, 3, 4, 5, 6 and 2 more: unknown class 'cloud'; did you mean"):
        read_samples(path, LEGEND, GRID)


def test_a_place_that_cannot_be_reprojected_is_outside(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "a.gpkg", [("land", point(1.4, 95.0)), ("water", point(1.4, 43.6))], "EPSG:4326")
    with pytest.raises(SampleError, match="feature 1: lies outside the scene"):
        read_samples(path, LEGEND, GRID)


def test_a_polygon_may_reach_beyond_the_scene_but_not_lie_there(tmp_path: Path) -> None:
    def square(left: float) -> dict[str, Any]:
        corners = [(left, 4820000.0), (left + 100, 4820000.0), (left + 100, 4820100.0), (left, 4820000.0)]
        return {"type": "Polygon", "coordinates": [corners]}

    inside = write_vector(
        tmp_path / "a.gpkg", [("land", square(359950)), ("water", square(361000))], geometry="Polygon"
    )
    assert len(read_samples(inside, LEGEND, GRID)) == 2
    beyond = write_vector(
        tmp_path / "b.gpkg", [("land", square(359900)), ("water", square(361000))], geometry="Polygon"
    )
    with pytest.raises(SampleError, match=r"b\.gpkg: feature 1: lies outside"):
        read_samples(beyond, LEGEND, GRID)


def test_empty_geometry(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer("samples", GRID.spatial_reference, ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTString))
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetField(0, "land")
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT EMPTY"))
    layer.CreateFeature(feature)
    del feature, layer, source
    with pytest.raises(SampleError, match="feature 1: has no geometry"):
        read_samples(path, LEGEND, GRID)


def test_refused_files(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        with pytest.raises(SampleError) as caught:
            read_samples(path, LEGEND, GRID)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
        return str(caught.value).removeprefix(f"{path}: ")

    assert message(tmp_path / "absent.gpkg").startswith("does not exist; create it")
    unprojected = write_vector(tmp_path / "a.shp", all_classes(), crs="")
    assert message(unprojected) == "has no CRS; save it with the one it was drawn in, such as EPSG:32631"
    undefined = write_vector(tmp_path / "undefined.gpkg", all_classes(), crs="")
    assert message(undefined).startswith("has no CRS; save it")
    fieldless = write_vector(tmp_path / "b.gpkg", all_classes(), field=None)
    assert message(fieldless) == "has no field 'class' (its fields: other); add it, with a class name or code"
    assert message(write_vector(tmp_path / "c.gpkg", [])) == "holds no sample; label points of at least two classes"
    one_class = write_vector(tmp_path / "d.gpkg", [("land", HERE)] * 3)
    assert message(one_class) == "every sample is of class 'land'; label at least one more class"
    (tmp_path / "empty").mkdir()
    assert message(tmp_path / "empty").startswith("holds no sample")
    for name, content in {"e.gpkg": b"", "f.geojson": b"{", "g.shp": b"nonsense", "h.txt": b"hello"}.items():
        (tmp_path / name).write_bytes(content)
        assert message(tmp_path / name).startswith("cannot be read as a vector file (")
    whole = write_vector(tmp_path / "i.gpkg", all_classes())
    whole.write_bytes(whole.read_bytes()[:30000])
    assert message(whole).startswith("cannot be read as a vector file (")


def test_samples_come_back_as_written(tmp_path: Path) -> None:
    ring = ((362000.0, 4828000.0), (362100.0, 4828000.0), (362100.0, 4828100.0), (362000.0, 4828000.0))
    samples = (
        Sample("samples.gpkg:1", 5, point(370000.5, 4820000.25), 3, "Léa", "thin edge", "2024-05-06T07:08:09"),
        Sample("samples.gpkg:2", 2, {"type": "Polygon", "coordinates": (ring,)}),
        Sample("samples.gpkg:3", 6, point(1 / 3 + 361000, 4820000.1)),
    )
    path = tmp_path / "samples.gpkg"
    write_samples(path, samples, LEGEND, GRID)
    assert read_samples(path, LEGEND, GRID) == samples
    assert fiona.listlayers(path) == ["samples", "corrections"]
    with fiona.open(path, layer="samples") as collection:
        assert [feature.properties["class"] for feature in collection] == ["land", "low_clouds", "water"]
        assert collection.crs.to_epsg() == 32631
    assert [entry.name for entry in tmp_path.iterdir()] == ["samples.gpkg"]
    other = tmp_path / "again" / "samples.gpkg"
    other.parent.mkdir()
    write_samples(other, samples, LEGEND, GRID)
    assert other.read_bytes() == path.read_bytes()


def test_the_empty_layer_to_label_in(tmp_path: Path) -> None:
    path = tmp_path / "samples.gpkg"
    create_empty_samples(path, GRID)
    for layer, geometry in (("samples", "Point"), ("corrections", "Polygon")):
        with fiona.open(path, layer=layer) as collection:
            assert len(collection) == 0
            assert collection.schema["geometry"] == geometry
            assert list(collection.schema["properties"]) == ["class", "iteration", "author", "comment", "created"]
            assert collection.crs.to_epsg() == 32631
    with pytest.raises(SampleError, match="holds no sample"):
        read_samples(path, LEGEND, GRID)
    with fiona.open(path, "a", layer="samples") as collection:
        for name, shape in all_classes():
            collection.write(
                {
                    "geometry": shape,
                    "properties": {**dict.fromkeys(collection.schema["properties"]), "class": name},
                }
            )
    assert_places(read_samples(path, LEGEND, GRID), 0.0)
    labelled = path.read_bytes()
    with pytest.raises(ProcessingError, match=r"samples\.gpkg: exists already and is not overwritten"):
        create_empty_samples(path, GRID)
    assert path.read_bytes() == labelled


SQUARE = {
    "type": "Polygon",
    "coordinates": [[(370000.0, 4820000.0), (370600.0, 4820000.0), (370600.0, 4820600.0), (370000.0, 4820000.0)]],
}


class TestCorrections:
    def test_are_read_in_the_order_they_were_drawn(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", all_classes(), layer="samples")
        shifted = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], SQUARE["coordinates"]]}
        drawn = [("water", SQUARE), ("low_clouds", shifted), ("5", SQUARE)]
        write_vector(path, drawn, layer="corrections", geometry="Unknown")
        corrections = read_corrections(path, LEGEND, GRID)
        assert [(one.feature, one.code) for one in corrections] == [
            ("a.gpkg:corrections:1", 6),
            ("a.gpkg:corrections:2/1", 2),
            ("a.gpkg:corrections:2/2", 2),
            ("a.gpkg:corrections:3", 5),
        ]
        assert corrections[0].geometry["coordinates"] == (tuple(SQUARE["coordinates"][0]),)
        assert_places(read_samples(path, LEGEND, GRID), 0.0)

    def test_of_another_crs_are_reprojected(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", all_classes(), layer="samples")
        ring = [in_crs("EPSG:4326", place) for place in SQUARE["coordinates"][0]]
        moved = {"type": "Polygon", "coordinates": [ring]}
        write_vector(path, [("water", moved)], "EPSG:4326", layer="corrections", geometry="Polygon")
        (correction,) = read_corrections(path, LEGEND, GRID)
        np.testing.assert_allclose(correction.geometry["coordinates"][0], SQUARE["coordinates"][0], atol=0.01, rtol=0)

    def test_are_of_a_file_of_that_name_in_a_folder(self, tmp_path: Path) -> None:
        for name, place in PLACES.items():
            write_vector(tmp_path / f"{name}.shp", [(None, point(*place))])
        write_vector(tmp_path / "corrections.shp", [("water", SQUARE)], geometry="Polygon")
        (correction,) = read_corrections(tmp_path, LEGEND, GRID)
        assert (correction.feature, correction.code) == ("corrections.shp:0", 6)
        assert_places(read_samples(tmp_path, LEGEND, GRID), 0.0)
        write_vector(tmp_path / "corrections.gpkg", [("water", SQUARE)], geometry="Polygon")
        with pytest.raises(SampleError, match=r"has the corrections corrections\.gpkg, corrections\.shp; keep one"):
            read_corrections(tmp_path, LEGEND, GRID)

    def test_are_none_where_there_is_no_such_layer(self, tmp_path: Path) -> None:
        assert read_corrections(write_vector(tmp_path / "a.gpkg", all_classes()), LEGEND, GRID) == ()
        assert (
            read_corrections(write_vector(tmp_path / "b.geojson", all_classes("EPSG:4326"), "EPSG:4326"), LEGEND, GRID)
            == ()
        )
        assert read_corrections(tmp_path / "absent.gpkg", LEGEND, GRID) == ()

    def test_come_back_as_written(self, tmp_path: Path) -> None:
        corrections = (
            Sample("a.gpkg:corrections:1", 6, {"type": "Polygon", "coordinates": (tuple(SQUARE["coordinates"][0]),)}),
        )
        write_samples(tmp_path / "a.gpkg", (), LEGEND, GRID, corrections)
        assert read_corrections(tmp_path / "a.gpkg", LEGEND, GRID) == corrections

    def test_alone_are_no_samples(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", [("water", SQUARE)], layer="corrections", geometry="Polygon")
        with pytest.raises(
            SampleError, match=r"a\.gpkg: has the layers corrections; name that of the samples 'samples'"
        ):
            read_samples(path, LEGEND, GRID)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (("lnad", SQUARE), "feature 2: unknown class 'lnad'; did you mean 'land'?"),
            ((None, SQUARE), "feature 2: has no class; fill in its field 'class', or delete it"),
            (("land", None), "feature 2: has no geometry; place it again, or delete it"),
            (("land", HERE), "feature 2: Point, not a polygon; replace it, or delete it"),
            (("land", LINE), "feature 2: LineString, not a polygon; replace it, or delete it"),
            (
                ("land", {"type": "GeometryCollection", "geometries": [SQUARE, HERE]}),
                "feature 2: GeometryCollection, not a polygon; replace it, or delete it",
            ),
        ],
    )
    def test_refused(self, tmp_path: Path, bad: tuple[Any, Any], message: str) -> None:
        path = write_vector(tmp_path / "a.gpkg", all_classes(), layer="samples")
        drawn = [("water", SQUARE), bad, ("land", SQUARE)]
        write_vector(path, drawn, layer="corrections", geometry="Unknown")
        with pytest.raises(SampleError) as caught:
            read_corrections(path, LEGEND, GRID)
        assert str(caught.value).startswith(f"{path}: layer 'corrections' {message}")
        assert_places(read_samples(path, LEGEND, GRID), 0.0)

    def test_without_a_field_of_classes(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", all_classes(), layer="samples")
        write_vector(path, [("water", SQUARE)], layer="corrections", geometry="Polygon", field=None)
        with pytest.raises(
            SampleError, match=r"a\.gpkg: layer 'corrections' has no field 'class' \(its fields: other\)"
        ):
            read_corrections(path, LEGEND, GRID)


def test_tables_that_qgis_keeps_in_the_file_are_no_layers(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "a.gpkg", all_classes(), layer="points of May")
    for table in ("layer_styles", "qgis_projects"):
        write_vector(path, [("x", HERE)], layer=table)
    assert_places(read_samples(path, LEGEND, GRID), 0.0)


class TestFilesInUse:
    def test_one_that_is_being_written_is_told_of_and_left_alone(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", all_classes())
        before = path.read_bytes()
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            with pytest.raises(SampleError) as caught:
                read_samples(path, LEGEND, GRID)
            writer.execute("ROLLBACK")
        assert str(caught.value) == (
            f"{path}: another program holds it (database is locked); save or cancel the edits in QGIS, then run again"
        )
        assert path.read_bytes() == before
        assert_places(read_samples(path, LEGEND, GRID), 0.0)

    def test_what_qgis_has_saved_beside_the_file_is_read_and_what_it_has_not_is_not(self, tmp_path: Path) -> None:
        path = write_vector(tmp_path / "a.gpkg", [*all_classes(), ("lnad", HERE)])
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
            # QGIS opens GeoPackages in this mode; triggers of their spatial index need functions that it brings.
            writer.execute("PRAGMA journal_mode=WAL")
            for (trigger,) in writer.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
                writer.execute(f'DROP TRIGGER "{trigger}"')
            writer.execute("DELETE FROM a WHERE class='lnad'")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("UPDATE a SET class='nothing' WHERE class='water'")
            assert path.with_name("a.gpkg-wal").stat().st_size > 0
            assert_places(read_samples(path, LEGEND, GRID), 0.0)
            writer.execute("COMMIT")
            # As a QGIS that has crashed leaves it.
            crashed = tmp_path / "crashed"
            crashed.mkdir()
            for name in ("a.gpkg", "a.gpkg-wal"):
                shutil.copy(tmp_path / name, crashed)
            with pytest.raises(SampleError, match="feature 3: unknown class 'nothing'"):
                read_samples(crashed / "a.gpkg", LEGEND, GRID)
        assert not path.with_name("a.gpkg-wal").exists()


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("float", 5.5, "unknown class 5.5; the classes are low_clouds"),
        ("date", "2024-05-06", "unknown class '2024-05-06'; the classes are"),
        ("bool", True, "unknown class True; the classes are"),
        ("bytes", b"land", "unknown class b'land'"),
    ],
)
def test_a_field_of_a_wrong_type(tmp_path: Path, kind: str, value: Any, message: str) -> None:
    path = write_vector(tmp_path / "a.gpkg", [(value, HERE)], kind=kind)
    with pytest.raises(SampleError) as caught:
        read_samples(path, LEGEND, GRID)
    assert str(caught.value).startswith(f"{path}: feature 1: {message}")


def test_a_geometry_collection_is_refused(tmp_path: Path) -> None:
    both = {"type": "GeometryCollection", "geometries": [HERE, LINE]}
    path = write_vector(tmp_path / "a.gpkg", [("land", HERE), ("water", both)], geometry="Unknown")
    with pytest.raises(SampleError, match="feature 2: GeometryCollection, neither point nor polygon; replace it"):
        read_samples(path, LEGEND, GRID)


def test_a_damaged_page_of_a_geopackage_is_told_and_its_samples_are_not_left_out(tmp_path: Path) -> None:
    names = [CLASSES[number % len(CLASSES)] for number in range(600)]
    features = [(name, point(360010.0 + 20 * number, 4829990.0)) for number, name in enumerate(names)]
    path = write_vector(tmp_path / "samples.gpkg", features)
    assert len(read_samples(path, LEGEND, GRID)) == 600
    size, leaf_of_table = 4096, 13
    pages = bytearray(path.read_bytes())
    held = [start for start in range(size, len(pages), size) if pages[start] == leaf_of_table]
    last = max(start for start in held if b"low_clouds" in pages[start : start + size])
    pages[last] = 77
    path.write_bytes(pages)
    with pytest.raises(SampleError, match=r"samples\.gpkg: cannot be read .*malformed"):
        read_samples(path, LEGEND, GRID)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", 5),
        ("disk I/O error", 5),
        ("locking protocol", 5),
        ("database is locked", 4),
        ("no such table: a", 4),
        ("In GetNextRawFeature(): sqlite3_step() : access permission denied", 5),
        ("sqlite3_prepare_v2() failed: disk I/O error", 5),
    ],
)
def test_a_disk_that_fails_is_told_from_a_damaged_file(reason: str, code: int) -> None:
    error = unreadable(Path("samples.gpkg"), RuntimeError(reason))
    assert error.exit_code == code
    assert str(error).startswith("samples.gpkg: ")
    assert "()" not in str(error)
    assert "sqlite3" not in str(error)
