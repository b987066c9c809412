"""The products of a scene, read and checked, and the features that they allow."""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from alcd_otb.config import CLEAR, TERRAIN, Feature, SceneConfig, Template, ViewLayer, feature_name, names_used
from alcd_otb.errors import ConfigurationError
from alcd_otb.grid import Grid
from alcd_otb.products.sentinel2_l1c import L1CBand, L1CProduct, check_bands, check_pair, read_product
from alcd_otb.python_features import source_digests
from alcd_otb.recipe import possible
from alcd_otb.terrain import open_elevation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """features and view: those of the template that can be made; grid and view_grid: theirs."""

    cloudy: L1CProduct
    clear: L1CProduct | None
    dem: Path | None
    template: Template
    features: tuple[Feature, ...]
    view: tuple[ViewLayer, ...]
    grid: Grid
    view_grid: Grid

    @classmethod
    def read(cls, config: SceneConfig) -> Self:
        """Read and check the products that a scene names.

        Raises ProductError where one is missing, damaged or does not fit the other, and ConfigurationError where no
        feature is left or a resolution does not fit.
        """
        template = config.template
        cloudy = read_product(config.cloudy, config.tile)
        clear = read_product(config.clear, config.tile) if config.clear else None
        if clear is not None:
            for warning in check_pair(cloudy, clear):
                log.warning("%s", warning)
        features = possible(template.features, clear is not None, config.dem is not None)
        view = possible(template.view.layers, clear is not None, config.dem is not None)
        if not features:
            raise ConfigurationError("no feature is left without a clear date and a dem; name either, or more features")
        if len(features) < len(template.features):
            lacking = ", ".join(feature_name(feature) for feature in template.features if feature not in features)
            log.info("left out, since the scene names no clear date or no dem: %s", lacking)
        if config.dem is not None:
            open_elevation(config.dem)
            if not any(name in TERRAIN for one in (*features, *view) for name in names_used(one)):
                log.info("%s is not used: the template has no feature of it", config.dem)
        finest = cloudy.grids[min(cloudy.grids)]
        try:
            grid = finest.at_resolution(template.resolution)
            view_grid = finest.at_resolution(template.view.resolution)
        except ValueError as error:
            raise ConfigurationError(f"{config.cloudy}: {error}; set a finer resolution") from error
        inputs = cls(cloudy, clear, config.dem, template, features, view, grid, view_grid)
        for product in (cloudy, clear):
            if product is not None:
                bands = [name for name in inputs.band_names if inputs.product_of(name) is product]
                check_bands(product, [name.removeprefix(CLEAR) for name in bands])
        return inputs

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(feature_name(feature) for feature in self.features)

    @property
    def band_names(self) -> tuple[str, ...]:
        """The bands used in either stack, as the recipe names them."""
        names = {name for feature in (*self.features, *self.view) for name in names_used(feature)}
        return tuple(sorted(names - set(TERRAIN)))

    def product_of(self, name: str) -> L1CProduct:
        product = self.clear if name.startswith(CLEAR) else self.cloudy
        if product is None:
            raise ValueError(f"{name}: the scene has no clear date")
        return product

    def band(self, name: str) -> L1CBand:
        return self.product_of(name).band(name.removeprefix(CLEAR))

    def fingerprint(self) -> str:
        """A digest of all that the prepared rasters depend on: settings, each file used, this package's version.

        Raises ConfigurationError where the source of a feature's function is not there.
        """
        settings = self.template.model_dump(
            mode="json", include={"resolution", "margin", "radiometry", "resampling", "decoding"}
        )
        content = {
            "version": version("alcd-otb"),
            "settings": settings,
            "view_resolution": self.template.view.resolution,
            "features": [_plain(feature) for feature in self.features],
            "view": [_plain(layer) for layer in self.view],
            "products": [_radiometry(product) for product in (self.cloudy, self.clear) if product],
            "files": [_identity(self.product_of(name).path, self.band(name).path) for name in self.band_names],
            "dem": _identity(self.dem, str(self.dem)) if self.dem else None,
        }
        functions = source_digests(self.features)
        if functions:
            content["functions"] = functions
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _radiometry(product: L1CProduct) -> list[object]:
    """What the product's metadata say of its pixels."""
    offsets = {band.name: band.offset for band in product.bands}
    return [product.name, offsets, product.quantification, product.no_data, product.saturated]


def _plain(feature: Feature) -> object:
    return feature if isinstance(feature, str) else feature.model_dump(mode="json")


def _identity(container: Path, file: str) -> list[str | int]:
    """What tells that a file has been replaced: its size and time of change, of the archive for one inside a zip."""
    path = Path(file) if Path(file).is_file() else container
    if not path.is_file():
        return [file]
    status = os.stat(path)
    return [file, status.st_size, status.st_mtime_ns]
