"""The products of a scene, read and checked, and the features that they allow."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from alcd_otb.errors import ConfigurationError
from alcd_otb.preparation.layers import possible
from alcd_otb.preparation.python_features import source_digests
from alcd_otb.preparation.terrain import open_elevation
from alcd_otb.products.dates import check_dates
from alcd_otb.products.sentinel2_l1c import L1CBand, L1CProduct, check_bands, read_product
from alcd_otb.products.stack import Stack, StackBand, check_stacks, read_stack
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.band_names import BANDS, TERRAIN, clear_date, date_and_band
from alcd_otb.settings.features import Feature, feature_name, names_used
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.settings.template import Template
from alcd_otb.settings.view import ViewLayer

log = logging.getLogger(__name__)

# In metres, of features and view, where the template gives none and the product has bands of several.
_RESOLUTION, _VIEW_RESOLUTION = 60.0, 20.0
_TOLERANCE = 1e-9

DatedImage = L1CProduct | Stack


@dataclass(frozen=True)
class Inputs:
    """What a scene is made from.

    cloudy: what is to be classified, a product or a stack. clear: its clear dates, of the same kind.
    template: with its resolutions. features and view: those that can be made; grid and view_grid: theirs.
    """

    cloudy: DatedImage
    clear: tuple[DatedImage, ...]
    dem: Path | None
    template: Template
    features: tuple[Feature, ...]
    view: tuple[ViewLayer, ...]
    grid: Grid
    view_grid: Grid

    @classmethod
    def read(cls, config: SceneConfig) -> Self:
        """Read and check the products that a scene names.

        Raises ProductError where one is missing, damaged or does not fit the others, and ConfigurationError where no
        feature is left or a resolution does not fit.
        """
        cloudy, *clear = _read_dates(config)
        template = _with_resolutions(config.template, cloudy)
        features = possible(template.features, len(clear), config.dem is not None)
        view = possible(template.view.layers, len(clear), config.dem is not None)
        if not features:
            raise ConfigurationError("no feature is left without a clear date and a dem; name either, or more features")
        if len(features) < len(template.features):
            lacking = ", ".join(feature_name(feature) for feature in template.features if feature not in features)
            log.info("left out, since the scene names no %s: %s", _lacking(clear, config.dem), lacking)
        if config.dem is not None:
            open_elevation(config.dem)
            if not any(name in TERRAIN for one in (*features, *view) for name in names_used(one)):
                log.info("%s is not used: the template has no feature of it", config.dem)
        for number, date in enumerate(clear, start=1):
            if not any(date_and_band(name).date == number for one in (*features, *view) for name in names_used(one)):
                log.info("%s is not used: the template has no feature of %s", date.path, clear_date(number))
        grid = _grid(cloudy, template.resolution, "resolution")
        view_grid = _grid(cloudy, template.view.resolution, "view.resolution")
        inputs = cls(cloudy, tuple(clear), config.dem, template, features, view, grid, view_grid)
        inputs._check_bands()
        return inputs

    def _check_bands(self) -> None:
        """Check that every band that is used is there and whole. Raises ProductError or ConfigurationError."""
        used = [date_and_band(name) for name in self.band_names]
        for number, date in enumerate(self.dates):
            bands = [band for of_date, band in used if of_date == number]
            if isinstance(date, Stack):
                for band in bands:
                    date.band(band)
                continue
            foreign = [band for band in bands if band not in BANDS]
            if foreign:
                raise ConfigurationError(
                    f"{date.path}: Sentinel-2 has no band {foreign[0]!r}, which the template uses; "
                    'give a "stack" in place of "cloudy", or another template'
                )
            check_bands(date, bands)

    @property
    def dates(self) -> tuple[DatedImage, ...]:
        """The one to classify, then the clear ones."""
        return (self.cloudy, *self.clear)

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(feature_name(feature) for feature in self.features)

    @property
    def band_names(self) -> tuple[str, ...]:
        """The bands used in either stack, as the recipe names them."""
        names = {name for feature in (*self.features, *self.view) for name in names_used(feature)}
        return tuple(sorted(names - set(TERRAIN)))

    def product_of(self, name: str) -> DatedImage:
        return self.dates[date_and_band(name).date]

    def band(self, name: str) -> L1CBand | StackBand:
        return self.product_of(name).band(date_and_band(name).band)

    def fingerprint(self) -> str:
        """A digest of all that the prepared rasters depend on: settings, each file used, this package's version.

        Raises ConfigurationError where the source of a feature's function is not there.
        """
        settings = self.template.model_dump(
            mode="json", include={"resolution", "margin", "radiometry", "resampling", "decoding"}
        )
        content: dict[str, object] = {
            "version": version("alcd-otb"),
            "settings": settings,
            "view_resolution": self.template.view.resolution,
            "features": [_plain(feature) for feature in self.features],
            "view": [_plain(layer) for layer in self.view],
            "products": [_radiometry(date) for date in self.dates],
            "files": [_identity(date.path, date.band(band).path) for date, band in self._product_bands()],
            "dem": _identity(self.dem, str(self.dem)) if self.dem else None,
        }
        functions = source_digests(self.features)
        if functions:
            content["functions"] = functions
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _product_bands(self) -> list[tuple[L1CProduct, str]]:
        """The bands used that have files of their own."""
        named = [(self.product_of(name), date_and_band(name).band) for name in self.band_names]
        return [(date, band) for date, band in named if isinstance(date, L1CProduct)]


def _read_dates(config: SceneConfig) -> list[DatedImage]:
    """The date to classify, then the clear ones. Raises ProductError where one cannot be read or does not fit."""
    if config.stack is not None:
        stacks = [read_stack(path, config.bands) for path in (config.stack, *config.clear)]
        check_stacks(stacks)
        return list(stacks)
    assert config.cloudy is not None
    products = [read_product(path, config.tile) for path in (config.cloudy, *config.clear)]
    for warning in check_dates(products[0], products[1:]):
        log.warning("%s", warning)
    return list(products)


def _with_resolutions(template: Template, date: DatedImage) -> Template:
    """The template with the resolutions that it leaves to the kind of image."""
    own = date.grid.resolution if isinstance(date, Stack) else None
    view = template.view.model_copy(update={"resolution": template.view.resolution or own or _VIEW_RESOLUTION})
    return template.model_copy(update={"resolution": template.resolution or own or _RESOLUTION, "view": view})


def _grid(date: DatedImage, resolution: float | None, key: str) -> Grid:
    """key: of the template. Raises ConfigurationError where pixels of this size do not fit."""
    assert resolution is not None
    finest = date.grid if isinstance(date, Stack) else date.grids[min(date.grids)]
    ratio = resolution / finest.resolution
    # Bands of a product are of several resolutions, of which a grid is a multiple of one at most.
    if isinstance(date, Stack) and abs(ratio - max(1, round(ratio))) > _TOLERANCE * ratio:
        raise ConfigurationError(
            f"{date.path}: {key} {resolution:g} m is no multiple of its pixels of {finest.resolution:g} m; "
            f"set {finest.resolution * max(1, round(ratio)):g}"
        )
    try:
        return finest.at_resolution(resolution)
    except ValueError as error:
        raise ConfigurationError(f"{date.path}: {error}; set a finer {key}") from error


def _lacking(clear: Sequence[DatedImage], dem: Path | None) -> str:
    """What a scene does not name, and features may need."""
    return " or no ".join(
        what
        for what, absent in (
            ("clear date", not clear),
            (f"clear date beyond {len(clear)}", bool(clear)),
            ("dem", dem is None),
        )
        if absent
    )


def _radiometry(product: DatedImage) -> list[object]:
    """What the product's metadata, or the stack's file, say of its pixels."""
    if isinstance(product, Stack):
        return [list(product.files), [[band.name, band.path, band.scale, band.offset] for band in product.bands]]
    offsets = {band.name: band.offset for band in product.bands}
    return [product.name, offsets, product.quantification, product.no_data, product.saturated]


def _plain(feature: Feature) -> object:
    return feature if isinstance(feature, str) else feature.model_dump(mode="json", exclude_none=True)


def _identity(container: Path, file: str) -> list[str | int]:
    """What tells that a file has been replaced: its size and time of change, of the archive for one inside a zip."""
    path = Path(file) if Path(file).is_file() else container
    if not path.is_file():
        return [file]
    status = os.stat(path)
    return [file, status.st_size, status.st_mtime_ns]
