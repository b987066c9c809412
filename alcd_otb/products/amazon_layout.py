"""Read the metadata of a product from the files that the open data on Amazon have beside each tile.

The folder of a tile has no metadata of the product. Those below ``products/`` are read where they lie in the same copy
of the bucket. Otherwise name, time and baseline are in ``productInfo.json`` or ``tileInfo.json``, and what the product
specification fixes for a baseline is taken from there.
Source: https://roda.sentinel-hub.com/sentinel-s2-l1c/readme.html
"""

import logging
import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from alcd_otb.errors import ProductError
from alcd_otb.files.json_file import parse_json
from alcd_otb.files.reading import UnreadableError, read_limited
from alcd_otb.files.xml_file import MOST_METADATA
from alcd_otb.products.names import named_product
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.products.safe_archive import AMAZON_METADATA, SafeArchive
from alcd_otb.products.sentinel2_metadata import (
    BANDS,
    FIRST_BASELINE_WITH_OFFSET,
    ProductMetadata,
    parse_product_metadata,
)
from alcd_otb.products.times import utc_time
from alcd_otb.text import quoted

log = logging.getLogger(__name__)

_PRODUCT, _TILE = "productInfo.json", "tileInfo.json"
_BASELINE = re.compile(r"_N(\d{2}\.\d{2})(?:_|$)", re.ASCII)

# What all Level-1C products have had: S2-PDGS-TAS-DI-PSD, and ESA's announcement of baseline 04.00.
_QUANTIFICATION, _NO_DATA, _SATURATED = 10000.0, 0, 65535
_OFFSET_SINCE_BASELINE_4 = -1000


def amazon_metadata(archive: SafeArchive) -> ProductMetadata:
    """Read the metadata of the product that a tile is of.

    Parameters
    ----------
    archive
        The folder of the tile.

    Raises
    ------
    ProductError
        The files do not state name and baseline of the product, or contradict each other.
    """
    if archive.metadata is not None:
        return parse_product_metadata(archive.read(archive.metadata), archive.location(archive.metadata))
    tile = _content(archive, _TILE)
    beside = _metadata_in_bucket(archive, tile)
    if beside is not None:
        try:
            return parse_product_metadata(read_limited(beside, MOST_METADATA), str(beside))
        except UnreadableError as error:
            raise unreadable(beside, error) from error
    return _from_names(archive, _content(archive, _PRODUCT), tile)


def _from_names(archive: SafeArchive, product: dict[str, Any], tile: dict[str, Any]) -> ProductMetadata:
    """Complete the content of the JSON files with constants of the specification."""
    source = _PRODUCT if product.get("name") is not None else _TILE
    place = archive.location(source)
    name = product.get("name", tile.get("productName"))
    if name is None:
        raise ProductError(
            f"{archive.path}: is a tile in the layout of Amazon's open data, without {_PRODUCT}, which states the "
            "processing baseline; download it from the same folder, or the product as .SAFE"
        )
    parts = named_product(name) if isinstance(name, str) else None
    if parts is None or parts.time is None:
        raise damaged(place, f"its name is {quoted(str(name))}, not that of a Level-1C product")
    baseline = parts.baseline or _baseline_in(product.get("datatakeIdentifier"))
    if baseline is None:
        raise damaged(place, "does not state the processing baseline, which determines the radiometric offset")
    _check_baseline(archive, baseline)
    offset = _OFFSET_SINCE_BASELINE_4 if baseline >= FIRST_BASELINE_WITH_OFFSET else 0
    if offset:
        log.warning(
            "%s: its files do not give RADIO_ADD_OFFSET; %d is used, which all products since baseline %s have "
            "(this one is of %s)",
            archive.path,
            offset,
            FIRST_BASELINE_WITH_OFFSET,
            baseline,
        )
    return ProductMetadata(
        uri=name,
        spacecraft=parts.spacecraft,
        acquired=_time(product, place) or parts.time,
        relative_orbit=parts.relative_orbit,
        baseline=baseline,
        quantification=_QUANTIFICATION,
        offsets=(offset,) * len(BANDS),
        no_data=_NO_DATA,
        saturated=_SATURATED,
        cloud_cover=None,
    )


def _check_baseline(archive: SafeArchive, baseline: str) -> None:
    """Compare the baseline with that in the identifier of the tile, since the offset depends on it."""
    identifier = re.search(rb"TILE_ID[^>]*>([^<]{1,200})<", archive.read(AMAZON_METADATA))
    of_tile = _baseline_in(identifier[1].decode("ascii", "replace").strip()) if identifier else None
    if of_tile not in (None, baseline):
        raise damaged(
            archive.location(AMAZON_METADATA),
            f"TILE_ID states baseline {of_tile}, the name of the product {baseline}",
        )


def _baseline_in(identifier: Any) -> str | None:
    match = _BASELINE.search(identifier) if isinstance(identifier, str) else None
    return match[1] if match else None


def _time(product: dict[str, Any], place: str) -> datetime | None:
    text = product.get("timestamp")
    if text is None:
        return None
    try:
        return utc_time(text)
    except ValueError as error:
        raise damaged(
            place, f"timestamp is {quoted(str(text))}, not a time such as 2017-10-02T10:30:09.027Z"
        ) from error


def _content(archive: SafeArchive, name: str) -> dict[str, Any]:
    """Read a JSON file of the tile; empty if there is none."""
    if name not in archive.files:
        return {}
    try:
        content = parse_json(archive.read(name))
    except UnreadableError as error:
        raise unreadable(archive.location(name), error) from error
    if not isinstance(content, dict):
        raise damaged(archive.location(name), "holds no JSON object")
    return content


def _metadata_in_bucket(archive: SafeArchive, tile: dict[str, Any]) -> Path | None:
    """Find the metadata of the product in the copy of the bucket around the tile; None if they do not exist."""
    own, product = tile.get("path"), tile.get("productPath")
    if archive.container.is_archive or not (isinstance(own, str) and isinstance(product, str)):
        return None
    inside, target = PurePosixPath(own).parts, PurePosixPath(product)
    if not inside or archive.path.parts[-len(inside) :] != inside or target.is_absolute() or ".." in target.parts:
        return None
    file = Path(*archive.path.parts[: -len(inside)], target, AMAZON_METADATA)
    return file if file.is_file() else None
