"""Record the inputs, settings and versions that a map was made with, for ``config.json``."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alcd_otb.preparation.inputs import DatedImage, Inputs
from alcd_otb.products.stack import Stack
from alcd_otb.settings.band_names import clear_date
from alcd_otb.settings.scene_file import SceneConfig
from otb_pipelines.process import gdal


def provenance(config: SceneConfig, inputs: Inputs, pixels: Mapping[str, int]) -> dict[str, Any]:
    """Collect all settings, the names of the features, the identities of the products, and versions.

    Parameters
    ----------
    config
        The scene.
    inputs
        The images of the scene, and the features.
    pixels
        The preparation's counts of pixels of the feature grid, by their names.

    Returns
    -------
    dict
        The content of ``config.json``.
    """
    return {
        "scene_file": _scene_file(config),
        "scene": config.model_copy(update={"template": inputs.template}).model_dump(mode="json"),
        "features": list(inputs.feature_names),
        "products": {
            "cloudy": _identity(inputs.cloudy),
            "clear": None,
            **{clear_date(number): _identity(date) for number, date in enumerate(inputs.clear, start=1)},
        },
        "grid": {
            "crs": inputs.grid.crs,
            "transform": list(inputs.grid.transform),
            "width": inputs.grid.width,
            "height": inputs.grid.height,
        },
        "pixels": dict(pixels),
        "versions": {
            "alcd_otb": version("alcd-otb"),
            "gdal": gdal.__version__,
            "python": platform.python_version(),
            # Only the same version of scikit-learn reliably opens a model that it has written.
            **({"scikit_learn": version("scikit-learn")} if config.template.uses_sklearn else {}),
        },
    }


def _scene_file(config: SceneConfig) -> str | None:
    """Return the path of the scene's scene.json, relative to the workspace, so that both may be moved together."""
    if config.file is None:
        return None
    # The real folder, whatever links lead to it: from there ".." leads up.
    return Path(os.path.relpath(config.file.resolve(), config.workspace.resolve())).as_posix()


def _identity(product: DatedImage) -> dict[str, Any]:
    """Describe a product or a stack by the same keys. Keys that only products have are null for a stack, or absent."""
    if isinstance(product, Stack):
        return {
            "name": product.name,
            "path": str(product.path),
            "tile": None,
            "acquired": None,
            "bands": {band.name: {"scale": band.scale, "offset": band.offset} for band in product.bands},
            "files": [{"path": file.path, "bytes": file.size} for file in product.files],
        }
    parts = {"parts": [_identity(part) for part in product.parts]} if product.parts else {}
    return {
        "name": product.name,
        "path": str(product.path),
        "tile": product.tile,
        "acquired": product.acquired.isoformat(),
        "baseline": product.baseline,
        "relative_orbit": product.relative_orbit,
        "offsets": {band.name: band.offset for band in product.bands},
        "quantification": product.quantification,
        "sun_zenith": product.sun_zenith,
        "sun_azimuth": product.sun_azimuth,
        **parts,
    }
