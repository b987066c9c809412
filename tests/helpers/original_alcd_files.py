"""Write work folders in the layout of the original ALCD, with the parameters that the original ships."""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr, osr

gdal.UseExceptions()
ogr.UseExceptions()

CODES = {
    "background": 1, "low_clouds": 2, "high_clouds": 3, "clouds_shadows": 4, "land": 5, "water": 6, "snow": 7,
}  # fmt: skip

GLOBAL: dict[str, Any] = {
    "classification": {"method": "rf_otb"},
    "color_tables": {"otb": "color_tables/otb_table.txt"},
    "features": {
        "DTM": "False",
        "original_bands": [str(band) for band in range(1, 13)],
        "ratios": [],
        "special_indices": ["NDVI", "NDWI"],
        "textures": "False",
        "time_difference_bands": [str(band) for band in (*range(1, 10), 11, 12)],
    },
    "general": {"training_sampling": "smallest", "no_data_mask": "no_data.shp", "merged_layers": "merged.shp"},
    "local_paths": {"copy_folder": "/home/operator/ALCD/", "current_server": "operator@server:/"},
    "masks": {name: {"class": str(code), "shp": f"{name}.shp"} for name, code in CODES.items()},
    "postprocessing": {"confusion_matrix": "confusion_matrix.csv"},
    "training_parameters": {
        "Kfold": "10",
        "dilatation_radius": "2",
        "expansion_distance": "100",
        "regularization_radius": "1",
        "training_proportion": "0.9",
    },
    "user_choices": {"main_dir": "/data/alcd", "raw_img": "Synth_bands.tif"},
}
MODELS: dict[str, Any] = {
    "comments": {"-classifier.rf.max": "<int32> Maximum depth of the tree"},
    "rf_otb": {
        "max": "25", "min": "25", "ra": "0", "cat": "10", "var": "0", "nbtrees": "100", "acc": "0.01", "rand": "42",
    },
    "svm_otb": {"k": "linear", "m": "csvc", "c": "1", "opt": "false", "prob": "false", "rand": "42"},
    "boost_otb": {"t": "real", "w": "100", "r": "0.95", "m": "1"},
    "dt_otb": {"max": "65535", "min": "10", "ra": "0.01", "cat": "10", "f": "5", "r": "false", "t": "false"},
    "knn_otb": {"k": "32"},
    "ann_otb": {
        "t": "reg", "sizes": "30", "f": "sig", "a": "1", "b": "1", "bpdw": "0.1", "bpms": "0.1", "rdw": "0.1",
        "rdwm": "1e-07", "term": "all", "eps": "0.01", "iter": "1000",
    },
    "rf_scikit": {"n_estimators": 100, "max_depth": 25, "min_samples_split": 25, "random_state": 42},
    "svm_scikit": {"kernel": "linear", "C": 1.0, "probability": True},
    "hist_scikit": {"loss": "log_loss", "max_iter": 100},
}  # fmt: skip

Place = tuple[float, float]
Geometry = Place | str
"""A point, or any geometry as WKT."""


@dataclass(frozen=True)
class OriginalFolder:
    """A work folder, and the folder of the JSON files that it was made with."""

    path: Path
    parameters: Path

    @property
    def masks(self) -> Path:
        """Folder of the shapefiles."""
        return self.path / "In_data" / "Masks"


def changed(content: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with values at keys such as ``masks/land``; None removes a key."""
    content = copy.deepcopy(content)
    for path, value in changes.items():
        *keys, last = path.split("/")
        part = content
        for key in keys:
            part = part.setdefault(key, {})
        part.pop(last, None)
        if value is not None:
            part[last] = value
    return content


def write_alcd(
    root: Path,
    points: Mapping[str, Sequence[Geometry]],
    *,
    name: str = "Synth_31TFJ_20180331",
    previous: Iterable[Mapping[str, Sequence[Geometry]]] = (),
    clear_date: str | None = "20180405",
    global_changes: Mapping[str, Any] | None = None,
    models_changes: Mapping[str, Any] | None = None,
    l1c: Path | None = None,
    epsg: int = 32631,
) -> OriginalFolder:
    """Write a work folder after a run, with all that the original leaves in it.

    Its JSON files lie in root/parameters_files. points and previous are by class, of the last iteration and of each
    saved one. l1c is the folder of the products of all locations.
    """
    folder = root / "Data_ALCD" / name
    location, *_, date = name.split("_")
    choices = {"location": location, "current_date": date, "clear_date": clear_date, "tile": "31TFJ"}
    content = changed(GLOBAL, {f"user_choices/{key}": value for key, value in choices.items()})
    content = changed(content, global_changes or {})
    for part in ("Models", "Other", "Intermediate", "Statistics/correlations", "Statistics/features"):
        (folder / part).mkdir(parents=True)
    _write_masks(folder / "In_data" / "Masks", points, epsg)
    _write_no_data(folder / "In_data" / "Masks" / "no_data.shp", epsg)
    (folder / "In_data" / "used_global_parameters.json").write_text(json.dumps(content, indent=3), "utf-8")
    images = folder / "In_data" / "Image"
    for suffix in ("", "_H"):
        _write_raster(images / f"{location}_bands{suffix}.tif", epsg)
        lines = [f"B{number} : /data/{name}/Intermediate/{band}.tif" for number, band in enumerate(_bands(date), 1)]
        (images / f"{location}_bands{suffix}_bands.txt").write_text("\n".join(lines) + "\n", "utf-8")
    for file in ("labeled_img", "labeled_img_regular", "confidence", "confidence_enhanced", "contours_labels"):
        _write_raster(folder / "Out" / f"{file}.tif", epsg)
    for file in ("training_samples_location", "training_samples_extracted"):
        _write_layer(folder / "Samples" / f"{file}.sqlite", [(0.0, 0.0)], epsg, "SQLite")
    (folder / "Models" / "model.rf_otb").write_text("model", "utf-8")
    (folder / "Statistics" / "confidence_stats.json").write_text("{}", "utf-8")
    for number, saved_points in enumerate(previous):
        saved = folder / "Previous_iterations" / f"SAVE_{number}"
        _write_masks(saved / "In_data" / "Masks", saved_points, epsg)
        for part in ("Statistics", "Samples", "Models", "Out"):
            (saved / part).mkdir()
    return OriginalFolder(folder, _write_parameters(root / "parameters_files", content, models_changes, l1c))


def write_masks(folder: Path, points: Mapping[str, Sequence[Geometry]], epsg: int = 32631) -> Path:
    """Write only the shapefiles of a work folder."""
    _write_masks(folder / "In_data" / "Masks", points, epsg)
    return folder


def write_layer(path: Path, geometries: Iterable[Geometry], epsg: int = 32631) -> None:
    """Write a shapefile as QGIS does, with a field that stays empty."""
    for file in path.parent.glob(f"{path.stem}.*"):
        file.unlink()
    _write_layer(path, geometries, epsg, "ESRI Shapefile")


def _write_parameters(
    folder: Path, content: dict[str, Any], models_changes: Mapping[str, Any] | None, l1c: Path | None
) -> Path:
    paths = {
        "global_chains_paths": {"L1C": str(l1c or "/mnt/data/L1C"), "maja": "/mnt/data/MAJA", "DTM_input": "dtm"},
        "data_paths": {"data_alcd": "/mnt/data/Data_ALCD", "data_pcc": ""},
        "tile_location": {"Arles": "31TFJ", "Synth": "31TFJ", "Toulouse": "31TCJ"},
    }
    folder.mkdir()
    files = {
        "global_parameters.json": content,
        "paths_configuration.json": paths,
        "model_parameters.json": changed(MODELS, models_changes or {}),
    }
    for name, values in files.items():
        (folder / name).write_text(json.dumps(values, indent=1), "utf-8")
    return folder


def _bands(date: str) -> list[str]:
    names = [f"T31TFJ_{date}T103021_B{number:02d}" for number in range(1, 13)]
    return [*names, "NDVI", "NDWI", *(f"time_{number}" for number in (*range(1, 10), 11, 12))]


def _write_masks(folder: Path, points: Mapping[str, Sequence[Geometry]], epsg: int) -> None:
    folder.mkdir(parents=True)
    for name in CODES.keys() | points.keys():
        write_layer(folder / f"{name}.shp", points.get(name, ()), epsg)


def _write_no_data(path: Path, epsg: int) -> None:
    write_layer(path, ["POLYGON ((0 0,0 60,60 60,60 0,0 0))"], epsg)


def _write_layer(path: Path, geometries: Iterable[Geometry], epsg: int, driver: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    shapes = [_geometry(geometry) for geometry in geometries]
    kinds = {ogr.GT_Flatten(shape.GetGeometryType()) for shape in shapes if shape is not None}
    source = ogr.GetDriverByName(driver).CreateDataSource(str(path))
    layer = source.CreateLayer(path.stem, reference, kinds.pop() if kinds else ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTInteger))
    for shape in shapes:
        feature = ogr.Feature(layer.GetLayerDefn())
        if shape is not None:
            feature.SetGeometry(shape)
        layer.CreateFeature(feature)


def _geometry(geometry: Geometry) -> ogr.Geometry | None:
    if isinstance(geometry, str):
        return ogr.CreateGeometryFromWkt(geometry) if geometry else None
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(*geometry)
    return point


def _write_raster(path: Path, epsg: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 4, 4)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(reference)
    dataset.SetGeoTransform((600000, 60, 0, 4900000, 0, -60))
