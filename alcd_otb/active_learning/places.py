"""The places to label next: chosen from the map of an iteration, and written as a layer to visit in QGIS."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.active_learning.selection import deviations, most_novel
from alcd_otb.active_learning.uncertainty import UNCERTAIN, CertaintyMaps, unsure_pixels, zone_area
from alcd_otb.arrays import Int64Array
from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import NO_DATA, Legend
from alcd_otb.settings.template import QuerySettings, Template
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads, ogr
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

LAYER = "to_visit"
"""Name of the layer of places."""

_FIELDS = {
    "rank": ogr.OFTInteger,
    "class": ogr.OFTString,
    "second_class": ogr.OFTString,
    "margin": ogr.OFTReal,
    "zone_area": ogr.OFTReal,
    "reason": ogr.OFTString,
}


NEARLY_EVEN = 0.1
"""Margin below which the votes of the first two classes are said to be nearly even."""

FEW = 5
"""Samples of a class below which a place that may be of it is said to be wanted for that."""

_MOST_SAMPLE_PIXELS = 500


Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """A pixel to label next.

    row, column: on the scene's grid. code, second_code: class codes of the most and the second most votes; the second
    is NO_DATA where it is not known. margin: the difference of their shares of the votes, 0 to 1; where only the
    confidence is known, the least that it can be. zone_area: hectares. reason: in plain words.
    """

    row: int
    column: int
    code: int
    second_code: int
    margin: float
    zone_area: float
    reason: str


def check_gives_places(workspace: Workspace, template: Template) -> None:
    """Raises ConfigurationError where no iteration is finished, or its classifier gave nothing to choose places by."""
    if CertaintyMaps.of(workspace.last_iteration()) is None:
        name = template.classifier["classifier"]
        raise ConfigurationError(
            f"classifier {name!r} gives no confidence to choose places by; choose another one, such as 'rf'"
        )


def update_places(
    workspace: Workspace,
    iteration: Path,
    samples: Sequence[Sample],
    template: Template,
    settings: Settings,
    number: int | None = None,
) -> Records:
    """Write to_visit.gpkg from an iteration's folder, and return what it holds, as `as_records` does.

    number: places wanted, else as many as the template says. Without a confidence to choose by there is no such file.
    Raises ProcessingError where a raster cannot be read or the file cannot be written.
    """
    maps = CertaintyMaps.of(iteration)
    if maps is None:
        workspace.to_visit.unlink(missing_ok=True)
        return []
    queries = template.queries if number is None else template.queries.model_copy(update={"number": number})
    with gdal_threads(settings.threads):
        places = propose_places(maps, workspace.features, samples, template.legend, queries, template.samples.seed)
    grid = Grid.of(str(maps.labels))
    records = as_records(places, template.legend, grid)
    with workspace.scratch() as scratch:
        write_places(workspace.to_visit, records, grid, scratch)
    return records


def propose_places(
    maps: CertaintyMaps, features: Path, samples: Sequence[Sample], legend: Legend, settings: QuerySettings, seed: int
) -> tuple[Place, ...]:
    """The places to label next, in the order of their use; fewer than wanted where the map has no more.

    samples: all that there are by now, trained on or not. Of the pixels of least margin, spaced apart, the settings
    take several times as many as are wanted; from these, places are chosen whose features are unlike those of all
    samples and of all places before, as `most_novel` does. The same input and seed give the same places; memory is
    bounded by blocks of rows.

    Raises ProcessingError where a raster cannot be read, or the map is not of these features and classes; SampleError
    where a polygon is too large.
    """
    grid = Grid.of(str(maps.labels))
    if Grid.of(str(features)) != grid:
        raise ProcessingError(f"{features}: is on another grid than {maps.labels}, which is older; run again")
    held_rows, held_columns, _ = held_pixels(samples, grid)
    most = settings.number * settings.candidates
    try:
        rows, columns = unsure_pixels(maps, held_rows, held_columns, settings.spacing, most, seed)
        scale = deviations(features)
        known = _drawn(held_rows.size, _MOST_SAMPLE_PIXELS, seed)
        known_features = values_at(features, held_rows[known], held_columns[known]) / scale
        # A sample may lie where there is no data.
        known_features = known_features[np.isfinite(known_features).all(axis=1)]
        own_features = values_at(features, rows, columns) / scale
        chosen, distances = most_novel(own_features, known_features, settings.number)
        rows, columns = rows[chosen], columns[chosen]
        codes = values_at(maps.labels, rows, columns)[:, 0]
        seconds = values_at(maps.second, rows, columns)[:, 0] if maps.second else np.full(rows.size, NO_DATA)
        margins = maps.as_margin(values_at(maps.certainty, rows, columns)[:, 0].astype(np.float64))
        areas = [zone_area(maps, int(row), int(column), grid) for row, column in zip(rows, columns, strict=True)]
    except RuntimeError as error:
        raise ProcessingError(f"{maps.labels.parent}: cannot be read ({error}); run again") from error
    if rows.size < settings.number:
        log.info("%d of %d places: the rest of the map is near them or near samples", rows.size, settings.number)
    unknown = sorted({*codes.tolist(), *seconds.tolist()} - {NO_DATA, *legend.codes})
    if unknown:
        raise ProcessingError(f"{maps.labels}: has the class {unknown[0]}, which the template has not; run again")
    counts = Counter(sample.code for sample in samples)
    usual = float(np.median(distances)) if distances.size else 0.0
    places = []
    for index in range(rows.size):
        code, second, margin = int(codes[index]), int(seconds[index]), float(margins[index])
        if second == code:
            # The cleaning of the map made the second class the first.
            second = NO_DATA
        few = [legend.with_code(one).name for one in (code, second) if one != NO_DATA and counts[one] < FEW]
        new = bool(distances[chosen[index]] > 2 * usual)
        reason = explained(margin, maps.is_margin, areas[index], few, new)
        places.append(Place(int(rows[index]), int(columns[index]), code, second, margin, areas[index], reason))
    return tuple(places)


def explained(margin: float, is_margin: bool, zone_area: float, few: Sequence[str], new: bool) -> str:
    """Why a place is proposed, in plain words."""
    parts = []
    if margin < UNCERTAIN and is_margin:
        parts.append("the votes are nearly even" if margin < NEARLY_EVEN else "the votes are divided")
    elif margin < UNCERTAIN:
        parts.append("the confidence is low")
    if new:
        parts.append("unlike every sample so far")
    parts += [f"few samples of {name}" for name in few]
    if zone_area:
        parts.append(f"in an uncertain zone of {zone_area:.3g} ha")
    return ", ".join(parts) or "the least sure place that is left"


def as_records(places: Sequence[Place], legend: Legend, grid: Grid) -> list[dict[str, Any]]:
    """The places in rank order: x and y of the pixel's centre in the grid's CRS, and the fields of the layer.

    rank: from 1. class, second_class: names; the second is None where it is not known. margin: 0 to 1. zone_area:
    hectares. reason: text.
    """
    records = []
    for rank, place in enumerate(places, start=1):
        x, y = grid.centre_of(place.row, place.column)
        second = None if place.second_code == NO_DATA else legend.with_code(place.second_code).name
        records.append(
            {
                "x": x,
                "y": y,
                "rank": rank,
                "class": legend.with_code(place.code).name,
                "second_class": second,
                "margin": round(place.margin, 4),
                "zone_area": round(place.zone_area, 4),
                "reason": place.reason,
            }
        )
    return records


def write_places(path: Path, records: Sequence[dict[str, Any]], grid: Grid, scratch: Path) -> None:
    """Write records as points of a GeoPackage, layer ``to_visit``, in place of the one that is there.

    scratch: a folder on the same disk, in which it is made. Raises ProcessingError where it cannot be written.
    """
    made = scratch / path.name
    with new_geopackage(made) as source:
        layer = source.CreateLayer(LAYER, grid.spatial_reference, ogr.wkbPoint)
        for name, kind in _FIELDS.items():
            layer.CreateField(ogr.FieldDefn(name, kind))
        source.StartTransaction()
        for record in records:
            feature = ogr.Feature(layer.GetLayerDefn())
            point = ogr.Geometry(ogr.wkbPoint)
            point.SetPoint_2D(0, record["x"], record["y"])
            feature.SetGeometry(point)
            for name in _FIELDS:
                if record[name] is not None:
                    feature.SetField(name, record[name])
            layer.CreateFeature(feature)
        source.CommitTransaction()
    os.replace(made, path)
    # The journal of an open QGIS belongs to the file that was there: SQLite would apply it to the new one.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _drawn(count: int, most: int, seed: int) -> Int64Array:
    """At most so many of the numbers below count."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
