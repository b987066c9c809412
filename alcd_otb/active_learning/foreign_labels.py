"""Find labels that people saved in the layer of places to visit, and copy them to the samples.

The layer is written again by every run. In today's projects QGIS refuses to edit it; older projects and other programs
do not. So nothing in the file is deleted before it is known to be a proposal of this package.
"""

import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.active_learning.layer import FIELDS, LAYER, PROPOSED, PlaceRecord, give_up, read_asked, write_places
from alcd_otb.errors import SampleError
from alcd_otb.files.json_file import parse_json
from alcd_otb.files.writing import replacing, writing_to
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.raster.opening import GEOPACKAGE, open_vector
from alcd_otb.raster.vector import FIXED_DATE
from alcd_otb.samples.adding import Attribution, Point, add_points, as_samples
from alcd_otb.samples.reading import read_samples
from alcd_otb.samples.sample import named_features
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal, ogr

log = logging.getLogger(__name__)

_COMMENT = "taken over from to_visit.gpkg"
_NEAR = 1e-3
"""Distance in map units below which two places are the same."""
_MAY_BE_NULL = "second_class"

_Record = Mapping[str, Any]


@dataclass(frozen=True)
class PlacesFile:
    """What a file of places to visit holds.

    Attributes
    ----------
    proposed
        The places as this package proposed them, also those that people have changed or deleted.
    labels
        Class, x and y of the features to which people gave a class.
    others
        Number of the other features that people added or changed.
    """

    proposed: tuple[PlaceRecord, ...]
    labels: tuple[Point, ...]
    others: int

    @property
    def foreign(self) -> int:
        """Number of features that people added or changed."""
        return len(self.labels) + self.others


def read_places(path: Path, labels: Path | None, legend: Legend) -> PlacesFile:
    """Read a file of places to visit, and separate the proposals of this package from the changes of people.

    Parameters
    ----------
    path
        The GeoPackage.
    labels
        The map from which the places were chosen. It is needed where the file does not record its proposals, since an
        older version wrote it: a place then has the class of the map. None if there is no map.
    legend
        The classes.

    Raises
    ------
    SampleError
        If the file cannot be read.
    """
    try:
        dataset = open_vector(path, GEOPACKAGE)
        layer = dataset.GetLayerByName(LAYER)
        if layer is None:
            raise RuntimeError(f"it has no layer {LAYER}")
        features = [_record_of(feature) for feature in layer]
        recorded = layer.GetMetadataItem(PROPOSED)
        if recorded is not None:
            proposed = tuple(parse_json(str(recorded).encode()))
        else:
            is_edited = not _last_change(dataset).startswith(FIXED_DATE[:10])
            proposed = tuple(_presumed(features, labels if is_edited else None, legend))
    except (RuntimeError, ValueError) as error:
        raise SampleError(f"{path}: cannot be read as the places to visit ({error})") from error
    return _told_apart(features, proposed)


def take_over_labels(workspace: Workspace, samples: Path, legend: Legend, grid: Grid) -> None:
    """Move labels from the layer of places to visit into the samples, and log a warning.

    Labels that cannot be samples are kept in a copy of the file. The file then holds only the proposals.

    Parameters
    ----------
    workspace
        The workspace, which this run holds.
    samples
        The scene's file of samples.
    legend
        The classes.
    grid
        The scene's grid.

    Raises
    ------
    ProcessingError
        If a file cannot be written.
    """
    path = workspace.to_visit
    try:
        found = read_places(path, _labels(workspace), legend) if _has_content(path) else None
    except SampleError:
        # `keep_foreign` deals with it when the file is about to be replaced.
        return
    if found is None or not found.foreign:
        return
    usable = [point for point in found.labels if _is_usable(point, legend, grid)]
    reason = "they have no class of the template, or lie outside the scene"
    try:
        new = [point for point in usable if not _is_sample(point, samples, legend, grid)]
        if new:
            attribution = Attribution(workspace.next_number, comment=_COMMENT)
            add_points(samples, new, None, legend, grid, attribution)
    except SampleError as error:
        usable, reason = [], str(error)
    if usable:
        names = named_features([f"{name} at ({x:.0f}, {y:.0f})" for name, x, y in usable])
        log.warning("%s: %d points were labelled in it; they are now in %s: %s", path, len(usable), samples, names)
    if len(usable) < found.foreign:
        _keep(workspace, found.foreign - len(usable), reason)
    with workspace.scratch() as scratch:
        write_places(path, found.proposed, grid, scratch, read_asked(path))


def keep_foreign(workspace: Workspace, legend: Legend) -> None:
    """Keep a copy of the places to visit if they hold what people saved, before the file is replaced.

    Parameters
    ----------
    workspace
        The workspace, which this run holds.
    legend
        The classes.

    Raises
    ------
    ProcessingError
        If the copy cannot be written.
    """
    path = workspace.to_visit
    if not _has_content(path):
        return
    try:
        count = read_places(path, _labels(workspace), legend).foreign
    except SampleError as error:
        _keep(workspace, None, str(error))
    else:
        if count:
            _keep(workspace, count, "they were saved while the scene was run")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _labels(workspace: Workspace) -> Path | None:
    finished = workspace.iterations()
    return finished[-1] / "labels.tif" if finished else None


def _record_of(feature: ogr.Feature) -> dict[str, Any]:
    """Read a feature as `as_records` describes it. Coordinates are None if it is not a point."""
    definition, geometry = feature.GetDefnRef(), feature.GetGeometryRef()
    known = [name for name in FIELDS if definition.GetFieldIndex(name) >= 0]
    values = {name: feature.GetField(name) if feature.IsFieldSetAndNotNull(name) else None for name in known}
    is_point = geometry is not None and ogr.GT_Flatten(geometry.GetGeometryType()) == ogr.wkbPoint
    x, y = (geometry.GetX(), geometry.GetY()) if is_point and not geometry.IsEmpty() else (None, None)
    return {"x": x, "y": y, **dict.fromkeys(FIELDS), **values}


def _last_change(dataset: gdal.Dataset) -> str:
    result = dataset.ExecuteSQL(f"SELECT last_change FROM gpkg_contents WHERE table_name = '{LAYER}'")
    row = result.GetNextFeature()
    text = row.GetFieldAsString(0) if row else ""
    dataset.ReleaseResultSet(result)
    # OGR writes dates with slashes.
    return str(text).replace("/", "-")


def _presumed(features: Sequence[_Record], labels: Path | None, legend: Legend) -> Iterator[PlaceRecord]:
    """Yield what this package must have proposed: complete features of the class that the map has at their places."""
    ranks = set()
    for feature in features:
        complete = all(value is not None for name, value in feature.items() if name != _MAY_BE_NULL)
        if not complete or feature["rank"] in ranks:
            continue
        ranks.add(feature["rank"])
        proposal: Any = dict(feature)
        if labels is not None and labels.is_file():
            grid = Grid.of(str(labels))
            pixel = grid.pixel_at(feature["x"], feature["y"])
            if pixel is None:
                continue
            proposal["x"], proposal["y"] = grid.centre_of(*pixel)
            code = int(values_at(labels, *(np.array([index]) for index in pixel))[0, 0])
            entry = legend.find(code)
            proposal["class"] = entry.name if entry is not None else feature["class"]
        yield proposal


def _told_apart(features: Sequence[_Record], proposed: tuple[PlaceRecord, ...]) -> PlacesFile:
    by_rank: dict[Any, Any] = {place["rank"]: place for place in proposed}
    unclaimed = dict(by_rank)
    labels: list[Point] = []
    others = 0
    for feature in features:
        place = by_rank.get(feature["rank"])
        if place is not None and feature["rank"] in unclaimed and _is_same(feature, place):
            del unclaimed[feature["rank"]]
            continue
        is_labelled = bool(feature["class"]) and feature["x"] is not None
        if is_labelled and (place is None or feature["class"] != place["class"]):
            labels.append((str(feature["class"]).strip(), feature["x"], feature["y"]))
        else:
            others += 1
    return PlacesFile(proposed, tuple(labels), others)


def _is_same(feature: _Record, place: _Record) -> bool:
    if feature["x"] is None or _distance(feature, place["x"], place["y"]) > _NEAR:
        return False
    return all(feature[name] == place[name] for name in FIELDS)


def _distance(feature: _Record, x: float, y: float) -> float:
    return float(max(abs(feature["x"] - x), abs(feature["y"] - y)))


def _is_usable(point: Point, legend: Legend, grid: Grid) -> bool:
    try:
        as_samples([point], None, legend, grid)
    except SampleError:
        return False
    return True


def _is_sample(point: Point, samples: Path, legend: Legend, grid: Grid) -> bool:
    """Return whether a point is in the samples already, since a run was killed after it had put it there."""
    entry = legend.find(point[0])
    try:
        present = read_samples(samples, legend, grid) if samples.exists() else ()
    except SampleError:
        # Other features of the file may be wrong, or all of one class; adding the point again does no harm.
        return False
    places = ({"x": one.location[0], "y": one.location[1]} for one in present if entry and one.code == entry.code)
    return any(_distance(place, point[1], point[2]) <= _NEAR for place in places)


def _keep(workspace: Workspace, count: int | None, reason: str) -> None:
    """Keep a copy of the file, with the content of the journal beside it, and log a warning."""
    path, number = workspace.to_visit, 1
    stem = f"{path.stem}_before_iteration_{workspace.next_number:03d}"
    kept = path.with_name(f"{stem}.gpkg")
    while kept.exists() or kept.is_symlink():
        number += 1
        kept = path.with_name(f"{stem}_{number}.gpkg")
    with writing_to(path.parent), replacing(kept) as unfinished:
        try:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
                source.backup(target, progress=give_up)
        except sqlite3.DatabaseError:
            shutil.copyfile(path, unfinished)
    held = f"{count} features that people added or changed" if count is not None else "what cannot be read"
    log.warning(
        "%s: holds %s, which did not become samples (%s); they are kept in %s: label these places in the layer Samples",
        path,
        held,
        reason,
        kept,
    )
