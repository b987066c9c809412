"""Label points of a synthetic scene by its truth, the same for the same truth."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from checkout import PRESENT
from osgeo import gdal, ogr

gdal.UseExceptions()
ogr.UseExceptions()
# New features of a GeoPackage do not store the present time.
gdal.SetConfigOption("OGR_CURRENT_DATE", PRESENT)

# Pixels on each side that have to be of a point's class, too.
_INSET = 2


@dataclass(frozen=True)
class Truth:
    """codes: of the classes, 0 where there is no data. transform: GDAL's. names: of the classes, by code."""

    codes: npt.NDArray[np.uint8]
    transform: tuple[float, ...]
    names: Mapping[int, str]

    @classmethod
    def read(cls, file: Path, workspace: Path) -> "Truth":
        """Read the truth. The names are those of the workspace's template."""
        dataset = gdal.Open(str(file))
        classes = json.loads((workspace / "config.json").read_text("utf-8"))["scene"]["template"]["classes"]
        names = {one["code"]: one["name"] for one in classes}
        return cls(dataset.ReadAsArray(), dataset.GetGeoTransform(), names)

    def at(self, x: float, y: float) -> str:
        """Return the class at a place, or the first class if there is none."""
        left, width, _, top, _, height = self.transform
        code = int(self.codes[int((y - top) / height), int((x - left) / width)])
        return self.names[code] if code else next(iter(self.names.values()))

    def places(self, number: int, seed: int) -> dict[str, list[tuple[float, float]]]:
        """Return a number of places of each class, by class, in the middle of areas of the class."""
        random = np.random.default_rng(seed)
        left, width, _, top, _, height = self.transform
        found = {}
        for code, name in self.names.items():
            inside = self.codes == code
            core = inside.copy()
            for axis in (0, 1):
                for step in range(-_INSET, _INSET + 1):
                    core &= np.roll(inside, step, axis)
            rows, columns = np.nonzero(core)
            if rows.size >= number:
                chosen = random.choice(rows.size, number, replace=False)
                found[name] = [
                    (left + width * (int(columns[one]) + 0.5), top + height * (int(rows[one]) + 0.5)) for one in chosen
                ]
        return found


def add_points(samples: Path, places: Mapping[str, list[tuple[float, float]]]) -> None:
    """Add points to the layer of samples of a GeoPackage."""
    source = gdal.OpenEx(str(samples), gdal.OF_VECTOR | gdal.OF_UPDATE)
    layer = source.GetLayerByName("samples")
    for name, points in places.items():
        for x, y in points:
            _add(layer, name, f"POINT ({x} {y})")


def add_correction(samples: Path, name: str, place: tuple[float, float], half: float) -> None:
    """Add a square to the layer of corrections of a GeoPackage. half: of its side."""
    x, y = place
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ring = ",".join(f"{x + right * half} {y + up * half}" for right, up in corners)
    source = gdal.OpenEx(str(samples), gdal.OF_VECTOR | gdal.OF_UPDATE)
    _add(source.GetLayerByName("corrections"), name, f"POLYGON (({ring}))")


def write_points(file: Path, places: Mapping[str, list[tuple[float, float]]], epsg: int) -> None:
    """Write points as GeoJSON."""
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": {"class": name}}
        for name, points in places.items()
        for place in points
    ]
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    file.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), "utf-8")


def label_plan(points: Path, truth: Truth) -> None:
    """Give every point of an accuracy plan the class that the truth has there."""
    source = gdal.OpenEx(str(points), gdal.OF_VECTOR | gdal.OF_UPDATE)
    layer = source.GetLayerByName("accuracy")
    for feature in list(layer):
        place = feature.geometry()
        feature.SetField("class", truth.at(place.GetX(), place.GetY()))
        layer.SetFeature(feature)


def _add(layer: Any, name: str, wkt: str) -> None:
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
    feature.SetField("class", name)
    layer.CreateFeature(feature)
