"""Differences between two rasters."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from normalising import Run
from osgeo import gdal

gdal.UseExceptions()

Runs = tuple[Run, Run]
Difference = tuple[str, object, object]
"""The place, and the values of both sides."""


def raster_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    """Return the differences in grid, metadata, bands and pixels, overviews included."""
    one, other = gdal.Open(str(before)), gdal.Open(str(after))
    yield from _unlike("columns, rows, bands", _shape(one), _shape(other))
    for what, told in _OF_DATASETS.items():
        yield from _unlike(what, told(one), told(other))
    yield from _metadata_differences("dataset", one, other, runs)
    if _shape(one) == _shape(other):
        for number in range(1, one.RasterCount + 1):
            yield from _band_differences(f"band {number}", one.GetRasterBand(number), other.GetRasterBand(number), runs)


def _band_differences(where: str, one: Any, other: Any, runs: Runs) -> Iterator[Difference]:
    for what, told in _OF_BANDS.items():
        yield from _unlike(f"{where}, {what}", told(one), told(other))
    yield from _metadata_differences(where, one, other, runs)
    yield from _pixel_differences(where, one.ReadAsArray(), other.ReadAsArray())
    for number in range(min(one.GetOverviewCount(), other.GetOverviewCount())):
        overviews = (band.GetOverview(number).ReadAsArray() for band in (one, other))
        yield from _pixel_differences(f"{where}, overview {number + 1}", *overviews)


def _pixel_differences(where: str, before: Any, after: Any) -> Iterator[Difference]:
    if before.shape != after.shape:
        yield f"{where}, shape", before.shape, after.shape
        return
    unlike = before != after
    if before.dtype.kind == "f" and after.dtype.kind == "f":
        unlike &= ~(np.isnan(before) & np.isnan(after))
    if unlike.any():
        row, column = (int(one[0]) for one in np.nonzero(unlike))
        place = f"{where}, {int(unlike.sum())} of {unlike.size} pixels, first at row {row}, column {column}"
        yield place, before[row, column], after[row, column]


def _metadata_differences(where: str, one: Any, other: Any, runs: Runs) -> Iterator[Difference]:
    domains = [sorted(set(each.GetMetadataDomainList() or ()) - {"DERIVED_SUBDATASETS"}) for each in (one, other)]
    yield from _unlike(f"{where}, metadata domains", domains[0], domains[1])
    for domain in domains[0]:
        texts = (run.normalised(repr(each.GetMetadata(domain))) for each, run in zip((one, other), runs, strict=True))
        yield from _unlike(f"{where}, metadata {domain!r}", *texts)


def _shape(dataset: Any) -> tuple[int, int, int]:
    return dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount


def _colours(band: Any) -> list[tuple[int, ...]] | None:
    table = band.GetColorTable()
    return [table.GetColorEntry(index) for index in range(table.GetCount())] if table else None


def _unlike(where: str, before: object, after: object) -> Iterator[Difference]:
    if before != after:
        yield where, before, after


_OF_DATASETS: dict[str, Callable[[Any], object]] = {
    "geotransform": lambda dataset: dataset.GetGeoTransform(can_return_null=True),
    "CRS": lambda dataset: dataset.GetProjection(),
}
_OF_BANDS: dict[str, Callable[[Any], object]] = {
    "data type": lambda band: gdal.GetDataTypeName(band.DataType),
    # As text, since NaN is not NaN.
    "no-data value": lambda band: str(band.GetNoDataValue()),
    "description": lambda band: band.GetDescription(),
    "scale": lambda band: band.GetScale(),
    "offset": lambda band: band.GetOffset(),
    "unit": lambda band: band.GetUnitType(),
    "colours": _colours,
    "class names": lambda band: band.GetCategoryNames(),
    "overviews": lambda band: band.GetOverviewCount(),
}
