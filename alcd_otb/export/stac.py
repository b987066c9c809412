"""Export a scene as a static STAC item with Cloud Optimized GeoTIFFs; STAC 1.1.0.

See https://github.com/radiantearth/stac-spec; the requirements of each extension are at the addresses in
EXTENSIONS. The module `stac_collection` joins several items.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.export import cog
from alcd_otb.export.footprint import footprint
from alcd_otb.export.mapped import MappedScene
from alcd_otb.export.publication import PAPER, PAPER_DOI, Publication, ReportShare, software
from alcd_otb.files.writing import checksum, write_json
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import NO_DATA, Legend, Positive

VERSION = "1.1.0"

EXTENSIONS = {
    prefix: f"https://stac-extensions.github.io/{name}/{version}/schema.json"
    for prefix, name, version in (
        ("classification", "classification", "v2.0.0"),
        ("eo", "eo", "v1.1.0"),
        ("file", "file", "v2.1.0"),
        ("grid", "grid", "v1.1.0"),
        ("processing", "processing", "v1.1.0"),
        ("proj", "projection", "v2.0.0"),
        ("sat", "sat", "v1.0.0"),
        ("sci", "scientific", "v1.0.0"),
        ("view", "view", "v1.0.0"),
    )
}
"""Addresses of the extensions' schemas by the prefix of their fields."""

GEOJSON, JSON = "application/geo+json", "application/json"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_SATELLITE = re.compile(r"S2([A-D])_")


@dataclass(frozen=True)
class _File:
    """An asset of the item: its key, title, media type and roles."""

    key: str
    title: str
    kind: str
    roles: tuple[str, ...]


_FILES = {
    cog.CLASSES: _File("classes", "Classes", _COG, ("data",)),
    f"{cog.CLASSES}.aux.xml": _File("class_names", "Names of the classes, for GDAL", "application/xml", ("metadata",)),
    cog.CONFIDENCE: _File("confidence", "Confidence of the classifier, 0 to 1", _COG, ("data",)),
    cog.SMOOTHED: _File("confidence_smoothed", "Confidence, smoothed by a median", _COG, ("data",)),
    "samples.gpkg": _File("samples", "Samples and corrections", "application/geopackage+sqlite3", ("data",)),
    "contours.fgb": _File("contours", "Outlines of the classes", "application/vnd.flatgeobuf", ("data",)),
    "contours.png": _File("overview", "Outlines of the classes over the image", "image/png", ("overview",)),
    cog.THUMBNAIL: _File("thumbnail", "True colour, small", "image/jpeg", ("thumbnail",)),
    "metrics.json": _File("metrics", "Agreement with the samples, not the accuracy of the map", JSON, ("metadata",)),
    "confusion_matrix.csv": _File("confusion_matrix", "Confusion matrix", "text/csv", ("metadata",)),
    "accuracy_estimate.json": _File("accuracy", "Accuracy, from a random sample", JSON, ("metadata",)),
    "report.html": _File("report", "Report", "text/html", ("metadata",)),
    "provenance.json": _File("provenance", "Products, settings, versions, checksums", JSON, ("metadata",)),
}

CONTENTS = (("`TILE_TIME.json`", "the STAC item, which lists all other files"), *cog.CONTENTS)
"""(file, description) of a scene's folder."""

folder_name = cog.folder_name


def write_scene(scene: MappedScene, folder: Path, publication: Publication, report_share: ReportShare) -> None:
    """Fill the folder of a scene, with its STAC item among the files.

    Parameters
    ----------
    scene
        The scene to export.
    folder
        The folder to fill; it exists and is empty.
    publication
        The publisher's information on the data set.
    report_share
        Receives the fraction of the scene that is written, 0 to 1.

    Raises
    ------
    ConfigurationError
        If the time of acquisition is not known, or a class of cloud is not in the legend.
    ProductError
        If a file of the iteration is damaged.
    ProcessingError
        If a file cannot be written.
    """
    if scene.acquired is None:
        raise ConfigurationError(
            f"{scene.workspace.folder}: the time of its acquisition is not known; give it with --acquired"
        )
    cog.write_scene(scene, folder, publication, report_share)
    write_json(folder / item_name(scene), item(scene, folder, publication))


def item_name(scene: MappedScene) -> str:
    """Return the file name of a scene's item."""
    return f"{scene.identifier}.json"


def item(scene: MappedScene, folder: Path, publication: Publication) -> dict[str, Any]:
    """Make the item of a scene, with no links but the licence.

    Parameters
    ----------
    scene
        The scene to describe.
    folder
        The folder that holds its files.
    publication
        The publisher's information on the data set.

    Raises
    ------
    ConfigurationError
        If a class of cloud is not in the legend.
    """
    shown = footprint(scene.labels)
    properties = _properties(scene, publication)
    assets = _assets(scene, folder)
    used = {key.partition(":")[0] for fields in (properties, *assets.values()) for key in fields if ":" in key}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": sorted(EXTENSIONS[prefix] for prefix in used if prefix in EXTENSIONS),
        "id": scene.identifier,
        "geometry": shown.geometry if shown else None,
        **({"bbox": list(shown.bbox)} if shown else {}),
        "properties": properties,
        "links": licence_links(publication),
        "assets": assets,
    }


def licence_links(publication: Publication) -> list[dict[str, str]]:
    """Make the link to the licence, if it is an address."""
    if not publication.licence_is_link:
        return []
    return [{"rel": "license", "href": str(publication.licence), "title": "Licence"}]


def stated_licence(publication: Publication) -> str:
    """Return the licence as catalogues write it: an SPDX identifier, or ``other``."""
    return "other" if publication.licence is None or publication.licence_is_link else publication.licence


def providers(publication: Publication) -> list[dict[str, Any]]:
    """List the provider as STAC does; empty if there is none."""
    return [{"name": publication.provider, "roles": ["producer"]}] if publication.provider else []


def citation(publication: Publication) -> dict[str, Any]:
    """Make the fields of the scientific extension: the paper of the method, and how to cite the data set."""
    fields: dict[str, Any] = {"sci:publications": [{"doi": PAPER_DOI, "citation": PAPER}]}
    if publication.citation is not None:
        fields["sci:citation"] = publication.citation
    if publication.doi is not None:
        fields["sci:doi"] = publication.doi
    return fields


def _properties(scene: MappedScene, publication: Publication) -> dict[str, Any]:
    product, time = scene.product, scene.acquired
    assert time is not None
    satellite = _SATELLITE.match(str(product.get("name")))
    properties: dict[str, Any] = {
        "title": scene.name,
        "datetime": f"{time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "created": None if scene.made is None else scene.made.replace("+00:00", "Z"),
        "license": stated_licence(publication),
        "gsd": scene.grid.resolution,
        "grid:code": f"MGRS-{scene.tile}" if scene.tile else None,
        "sat:relative_orbit": product.get("relative_orbit"),
        "view:sun_azimuth": product.get("sun_azimuth"),
        "view:sun_elevation": None if "sun_zenith" not in product else round(90 - product["sun_zenith"], 6),
        "eo:cloud_cover": _cloud_cover(scene, publication.cloud),
        "processing:software": _software(scene),
        "processing:lineage": _lineage(scene),
        "alcd_otb:iteration": scene.number,
        "alcd_otb:product": product.get("name"),
        "alcd_otb:clear_products": [product.get("name") for product in scene.clear_products],
    }
    if satellite is not None:
        properties |= {
            "platform": f"sentinel-2{satellite[1].lower()}",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
        }
    properties |= {"providers": providers(publication)} if publication.provider else {}
    known = {key: value for key, value in properties.items() if value is not None}
    return known | citation(publication) | _crs(scene.grid)


def _crs(grid: Grid) -> dict[str, Any]:
    if re.fullmatch(r"[A-Z]+:\d+", grid.crs):
        return {"proj:code": grid.crs}
    return {"proj:code": None, "proj:wkt2": grid.spatial_reference.ExportToWkt(["FORMAT=WKT2_2019"])}


def _cloud_cover(scene: MappedScene, names: Sequence[str]) -> float | None:
    """Compute the percentage of the pixels with data that are cloud; None if the publisher names no class of cloud."""
    if not names:
        return None
    codes = []
    for name in names:
        legend_class = scene.legend.find(name)
        if legend_class is None:
            raise ConfigurationError(
                f"cloud {name!r} is not a class of {scene.name}; there are {', '.join(scene.legend.names)}"
            )
        codes.append(legend_class.code)
    if not scene.data_pixels:
        return None
    return round(100 * sum(scene.counts[code] for code in set(codes)) / scene.data_pixels, 2)


def _software(scene: MappedScene) -> dict[str, str]:
    made = {name: str(version) for name, version in scene.config["versions"].items()}
    return (
        made if made.get("alcd_otb") == software()["alcd_otb"] else made | {"alcd_otb (export)": software()["alcd_otb"]}
    )


def _lineage(scene: MappedScene) -> str:
    points = sum((scene.metrics.get("samples") or {}).values())
    products = (scene.product, *scene.clear_products)
    parts = [part for product in products for part in product.get("parts") or (product,)]
    sources = [part["name"] for part in parts if part.get("name")]
    classifier = scene.config["scene"]["template"]["classifier"]["classifier"]
    polygons = (scene.metrics.get("corrections") or {}).get("polygons")
    made_of = f" of {' and '.join(sources)}" if sources else ""
    corrected = f"; {polygons} polygons of corrections were burnt over the map" if polygons else ""
    return (
        f"Iteration {scene.number} of active learning: classifier {classifier}, trained on {points} samples of an "
        f"operator, {len(scene.config['features'])} features{made_of}{corrected}."
    )


def _files(sides: Positive) -> dict[str, _File]:
    """List the files of an item, with the two-class matrix under the name that the two sides give it."""
    title = f"Confusion matrix, {sides.title}"
    binary = {sides.matrix_file: _File(f"{sides.key}_matrix", title, "text/csv", ("metadata",))}
    listed: dict[str, _File] = {}
    for name, file in _FILES.items():
        listed |= {name: file} | (binary if name == "confusion_matrix.csv" else {})
    return listed


def _assets(scene: MappedScene, folder: Path) -> dict[str, dict[str, Any]]:
    return {
        file.key: {
            "href": f"./{name}",
            "title": file.title,
            "type": file.kind,
            "roles": list(file.roles),
            **_of_raster(name, scene),
            # A multihash: the code of SHA-256, the length of 32 bytes, and the digest.
            "file:checksum": f"1220{checksum(folder / name)}",
            "file:size": (folder / name).stat().st_size,
        }
        for name, file in _files(scene.legend.positive).items()
        if (folder / name).is_file()
    }


def _of_raster(name: str, scene: MappedScene) -> Mapping[str, Any]:
    if name not in (cog.CLASSES, cog.CONFIDENCE, cog.SMOOTHED):
        return {}
    grid = scene.grid
    fields: dict[str, Any] = {
        "data_type": "uint8" if name == cog.CLASSES else "float32",
        "nodata": NO_DATA,
        "proj:shape": [grid.height, grid.width],
        "proj:transform": [grid.resolution, 0, grid.left, 0, -grid.resolution, grid.top],
        "proj:bbox": list(grid.extent),
    }
    return fields | ({"classification:classes": classes(scene)} if name == cog.CLASSES else {})


def classes(scene: MappedScene) -> list[dict[str, Any]]:
    """List the classes as the classification extension does, with the pixels of each; percentages are of all pixels."""
    total = sum(scene.counts)
    entries = class_list(scene.legend)
    for entry in entries:
        count = scene.counts[entry["value"]]
        entry |= {"count": count, "percentage": round(100 * count / total, 4)}
    return entries


def class_list(legend: Legend) -> list[dict[str, Any]]:
    """List the classes of a legend as the classification extension does."""
    no_data: dict[str, Any] = {"value": NO_DATA, "name": "no_data", "description": "no data", "nodata": True}
    return [
        no_data,
        *(
            {
                "value": entry.code,
                "name": re.sub(r"[^0-9A-Za-z_-]+", "_", entry.name),
                "title": entry.name,
                "description": f"{entry.name}, counted as {legend.side_of(entry)}",
                "color_hint": entry.colour.removeprefix("#").upper(),
            }
            for entry in legend.classes
        ),
    ]
