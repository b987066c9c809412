"""Write a tile in the layout of the open data on Amazon."""

import json
import shutil
from pathlib import Path
from typing import Any

from sentinel2_files import compact_name

TILE_FOLDER = "tiles/31/T/CJ/2024/3/5/0"
PRODUCT_FOLDER = f"products/2024/3/5/{compact_name()}"

OF_PRODUCT = {
    "name": compact_name(),
    "timestamp": "2024-03-05T10:48:19.024Z",
    "datatakeIdentifier": "GS2B_20240305T104819_036541_N05.10",
}


def write_amazon(
    whole: Path, bucket: Path, *, names: bool = True, product: dict[str, Any] | None = None, folder: str = TILE_FOLDER
) -> Path:
    """Write the tile in the layout of the open data on Amazon, without the metadata of the product."""
    tile = bucket / folder
    tile.mkdir(parents=True)
    for file in whole.glob("GRANULE/*/IMG_DATA/*.jp2"):
        shutil.copy2(file, tile / f"{file.stem[-3:]}.jp2")
    shutil.copy2(next(whole.glob("GRANULE/*/MTD_TL.xml")), tile / "metadata.xml")
    info = {"path": TILE_FOLDER, "timestamp": "2024-03-05T10:52:00.000Z"}
    info |= {"productName": compact_name(), "productPath": PRODUCT_FOLDER} if names else {}
    (tile / "tileInfo.json").write_text(json.dumps(info))
    if product is not None:
        (tile / "productInfo.json").write_text(json.dumps(product))
    return tile
