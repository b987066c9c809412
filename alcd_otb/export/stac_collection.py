"""Write the STAC collection of a data set of several scenes, and the links between it and its items."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alcd_otb.export.footprint import united
from alcd_otb.export.mapped import MappedScene, plain_name, read_object
from alcd_otb.export.publication import Publication
from alcd_otb.export.stac import (
    EXTENSIONS,
    GEOJSON,
    JSON,
    VERSION,
    citation,
    class_list,
    item_name,
    licence_links,
    providers,
    stated_licence,
)
from alcd_otb.files.writing import checksum, write_json

COLLECTION = "collection.json"


def write_index(scenes: Sequence[MappedScene], folders: Sequence[str], root: Path, publication: Publication) -> None:
    """Write collection.json and link the items to it; a single item stays without collection.

    Parameters
    ----------
    scenes
        The scenes of the data set.
    folders
        Names of the scenes' folders, in the same order.
    root
        The folder of the data set. README.md and overview.png are already in it.
    publication
        The publisher's information on the data set.

    Raises
    ------
    ProductError
        If an item cannot be read.
    """
    if len(scenes) < 2:
        return
    files = [root / folder / item_name(scene) for scene, folder in zip(scenes, folders, strict=True)]
    items = [dict(read_object(file)) for file in files]
    collection = _collection(scenes, folders, items, root, publication)
    for file, item in zip(files, items, strict=True):
        up = {"href": f"../{COLLECTION}", "type": JSON, "title": collection["title"]}
        item["links"] += [{"rel": rel, **up} for rel in ("root", "parent", "collection")]
        item["collection"] = collection["id"]
        write_json(file, item)
    write_json(root / COLLECTION, collection)


def _collection(
    scenes: Sequence[MappedScene],
    folders: Sequence[str],
    items: Sequence[dict[str, Any]],
    root: Path,
    publication: Publication,
) -> dict[str, Any]:
    title = publication.title_of(scenes)
    times = sorted(item["properties"]["datetime"] for item in items)
    boxes = [tuple(item["bbox"]) for item in items if "bbox" in item]
    whole = united(boxes) if boxes else (-180, -90, 180, 90)
    links = [{"rel": "root", "href": f"./{COLLECTION}", "type": JSON, "title": title}]
    for scene, folder in zip(scenes, folders, strict=True):
        href = f"./{folder}/{item_name(scene)}"
        links.append({"rel": "item", "href": href, "type": GEOJSON, "title": scene.name})
    used = {"file", "sci"}
    legends = {scene.legend for scene in scenes}
    item_assets = {}
    if len(legends) == 1:
        used.add("classification")
        asset = items[0]["assets"]["classes"]
        kept = {key: asset[key] for key in ("title", "type", "roles", "data_type", "nodata")}
        item_assets["classes"] = kept | {"classification:classes": class_list(legends.pop())}
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": sorted(EXTENSIONS[prefix] for prefix in used),
        "id": plain_name(title),
        "title": title,
        "description": publication.description or f"{title}. README.md has a table of the scenes.",
        "license": stated_licence(publication),
        **({"providers": providers(publication)} if publication.provider else {}),
        "extent": {
            "spatial": {"bbox": [list(whole)]},
            "temporal": {"interval": [[times[0], times[-1]]]},
        },
        "summaries": _summaries(items),
        **citation(publication),
        **({"item_assets": item_assets} if item_assets else {}),
        "links": [*links, *licence_links(publication)],
        "assets": {
            "readme": _asset(root / "README.md", "Table of the scenes", "text/markdown", "metadata"),
            "overview": _asset(root / "overview.png", "Every scene beside its map", "image/png", "overview"),
        },
    }


def _summaries(items: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """List the values that occur in the items."""
    summaries = {}
    for key in ("platform", "constellation", "gsd", "grid:code", "proj:code"):
        values = {item["properties"][key] for item in items if item["properties"].get(key) is not None}
        if values:
            summaries[key] = sorted(values)
    return summaries


def _asset(file: Path, title: str, kind: str, role: str) -> dict[str, Any]:
    return {
        "href": f"./{file.name}",
        "title": title,
        "type": kind,
        "roles": [role],
        "file:checksum": f"1220{checksum(file)}",
        "file:size": file.stat().st_size,
    }
