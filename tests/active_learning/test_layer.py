"""The places to visit as a layer of a GeoPackage."""

from pathlib import Path

import fiona

from alcd_otb.active_learning.layer import as_records, write_places
from alcd_otb.active_learning.places import Place
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes([LegendClass("cloud", 2, "#d2d2d2", True), LegendClass("land", 5, "#009738", False)])


class TestLayer:
    GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 20.0, 12, 8)
    PLACES = (Place(6, 10, 2, 5, 0.10000001, 0.08, "unsure"), Place(0, 0, 5, 0, 0.5, 0.0, "left"))

    def write(self, path: Path) -> None:
        (path.parent / "scratch").mkdir()
        write_places(path, as_records(self.PLACES, LEGEND, self.GRID), self.GRID, path.parent / "scratch")
        (path.parent / "scratch").rmdir()

    def test_holds_the_places_in_order(self, tmp_path: Path) -> None:
        self.write(tmp_path / "to_visit.gpkg")
        assert fiona.listlayers(tmp_path / "to_visit.gpkg") == ["to_visit"]
        with fiona.open(tmp_path / "to_visit.gpkg") as layer:
            assert layer.crs.to_epsg() == 32631
            first, second = layer
        assert dict(first.properties) == {
            "rank": 1, "class": "cloud", "second_class": "land", "margin": 0.1, "zone_area": 0.08, "reason": "unsure",
        }  # fmt: skip
        assert first.geometry.coordinates == (600210.0, 4899870.0)
        assert second.properties["second_class"] is None
        assert second.geometry.coordinates == (600010.0, 4899990.0)

    def test_replaces_the_one_before_and_its_journal(self, tmp_path: Path) -> None:
        path = tmp_path / "to_visit.gpkg"
        path.write_text("before")
        for ending in ("-wal", "-shm"):
            (tmp_path / f"to_visit.gpkg{ending}").write_text("of the one before")
        self.write(path)
        assert [path.name for path in tmp_path.iterdir()] == ["to_visit.gpkg"]
        with fiona.open(path) as layer:
            assert len(layer) == 2
