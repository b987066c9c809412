"""Read and check the products of a scene, and choose the features that can be made from them."""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from alcd_otb.errors import ConfigurationError
from alcd_otb.preparation.layers import possible
from alcd_otb.preparation.python_features import source_digests
from alcd_otb.preparation.terrain import open_elevation
from alcd_otb.products.acquisitions import join_clear_parts, join_parts, lacking_bands, unlisted_neighbours
from alcd_otb.products.damage import check_files
from alcd_otb.products.dates import check_dates
from alcd_otb.products.sentinel2_l1c import L1CBand, L1CProduct, check_bands, read_product
from alcd_otb.products.stack import Stack, StackBand, check_stacks, read_stack
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.band_names import BANDS, TERRAIN, clear_date, date_and_band
from alcd_otb.settings.classifier_parameters import check_drawn_features
from alcd_otb.settings.features import Feature, feature_name, names_used
from alcd_otb.settings.scene_file import SceneConfig, files_of
from alcd_otb.settings.template import Template
from alcd_otb.settings.view import ViewLayer

log = logging.getLogger(__name__)

# Resolutions of the features and of the view in metres, for L1C products if the template gives none.
_RESOLUTION, _VIEW_RESOLUTION = 60.0, 20.0
# Number of the layout of the view. A view of another layout is made again.
_VIEW_LAYOUT = 3
# What pixels of a multiple of a resolution may be off by rounding, as a share of a pixel over the whole image.
_ROUNDING = 0.01

DatedImage = L1CProduct | Stack
"""The image of one date."""


@dataclass(frozen=True)
class Inputs:
    """The images of a scene, the elevation model, and the features and layers that can be made from them.

    Attributes
    ----------
    cloudy
        The product or the stack to classify.
    clear
        The clear dates, of the same kind.
    dem
        The elevation model, or None.
    template
        The template, with its resolutions completed.
    features
        The features of the template that can be made.
    view
        The layers of the view that can be made.
    grid
        The grid of the features and of the map.
    view_grid
        The grid of the view.
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

        Raises
        ------
        ProductError
            A product is missing or damaged, or does not fit the others.
        ConfigurationError
            No feature can be made, a resolution does not fit, or a band is unknown.
        """
        cloudy, *clear = _read_dates(config)
        template = _with_resolutions(config.template, cloudy)
        features = possible(template.features, len(clear), config.dem is not None)
        view = possible(template.view.layers, len(clear), config.dem is not None)
        if not features:
            raise ConfigurationError(
                "without a clear date and a dem, no feature is left; name one of them, or add features"
            )
        try:
            check_drawn_features(template.classifier, len(features))
        except ValueError as error:
            raise ConfigurationError(f"classifier: {error}") from error
        _log_left_out(template.features, len(clear), config.dem is not None)
        used = {name for feature in (*features, *view) for name in names_used(feature)}
        if config.dem is not None:
            open_elevation(config.dem)
            if not used & set(TERRAIN):
                log.info("%s is not used: the template has no feature of it", config.dem)
        for number, date in enumerate(clear, start=1):
            if not any(date_and_band(name).date == number for name in used):
                log.info("%s is not used: the template has no feature of %s", date.path, clear_date(number))
        grid = _grid(cloudy, template.resolution, "resolution")
        view_grid = _grid(cloudy, template.view.resolution, "view.resolution")
        inputs = cls(cloudy, tuple(clear), config.dem, template, features, view, grid, view_grid)
        inputs._check_bands()
        return inputs

    def _check_bands(self) -> None:
        """Check that the file of every band that is used exists and is complete."""
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
            for warning in lacking_bands(date, bands):
                log.warning("%s", warning)

    def check_bytes(self, threads: int, but: Collection[str] = ()) -> None:
        """Check all bytes of the files of bands that are used, and the checksums that the products carry of them.

        Parameters
        ----------
        threads
            Threads that read.
        but
            Names of bands that have been checked.

        Raises
        ------
        ProductError
            A file is damaged.
        """
        files = (file for date, band in self._product_bands(but) for file in date.band(band).files)
        check_files(dict.fromkeys(file.path for file in files), threads)

    @property
    def dates(self) -> tuple[DatedImage, ...]:
        """The image to classify, then the clear dates."""
        return (self.cloudy, *self.clear)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the bands of the feature stack."""
        return tuple(feature_name(feature) for feature in self.features)

    @property
    def band_names(self) -> tuple[str, ...]:
        """The bands that the features or the view use, as the template names them, sorted."""
        names = {name for feature in (*self.features, *self.view) for name in names_used(feature)}
        return tuple(sorted(names - set(TERRAIN)))

    @property
    def is_view_whole(self) -> bool:
        """Whether the view holds integers in steps, and not floats.

        The range of a product's values is known, and so are the steps that hold them. The values of a stack may be
        anything: they are stored unchanged, unless the template gives the steps of all layers.
        """
        return not isinstance(self.cloudy, Stack) or all(layer.has_step for layer in self.view)

    def product_of(self, name: str) -> DatedImage:
        """Return the image that a band is of, such as the first clear date for ``clear.B02``."""
        return self.dates[date_and_band(name).date]

    def band(self, name: str) -> L1CBand | StackBand:
        """Return a band by its name in the template, such as ``clear.B02``.

        Raises
        ------
        ProductError
            The image of this date does not have the band.
        """
        return self.product_of(name).band(date_and_band(name).band)

    def fingerprint(self) -> str:
        """Compute a digest of everything that the prepared rasters depend on.

        These are the settings, the files of the bands and the elevation model, the sources of functions in Python,
        and the version of this package.

        Raises
        ------
        ConfigurationError
            The source of a feature's function does not exist.
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
            "view_layout": [_VIEW_LAYOUT, self.is_view_whole],
            "products": [_radiometry(date) for date in self.dates],
            "files": [identity for date, band in self._product_bands() for identity in _identities(date, band)],
            "dem": _identity(self.dem, str(self.dem)) if self.dem else None,
        }
        if self.template.compression != "auto":
            content["compression"] = self.template.compression
        functions = source_digests(self.features)
        if functions:
            content["functions"] = functions
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _product_bands(self, but: Collection[str] = ()) -> list[tuple[L1CProduct, str]]:
        """List the bands used that have files of their own, each with its product."""
        named = [(self.product_of(name), date_and_band(name).band) for name in self.band_names if name not in but]
        return [(date, band) for date, band in named if isinstance(date, L1CProduct)]


def _read_dates(config: SceneConfig) -> list[DatedImage]:
    """Read the image to classify and the clear dates, and check that they can be used together."""
    if config.stack is not None:
        first = read_stack(config.stack, config.bands)
        clear_stacks = [path for date in config.clear for path in files_of(date)]
        stacks = [first, *(read_stack(path, config.bands, like=first.grid) for path in clear_stacks)]
        check_stacks(stacks)
        return list(stacks)
    assert config.cloudy is not None
    cloudy, *clear = (
        join_parts([read_product(path, config.tile) for path in files_of(date)])
        for date in (config.cloudy, *config.clear)
    )
    products = [cloudy, *join_clear_parts(clear)]
    for date in products:
        for path in unlisted_neighbours(date):
            log.info("%s: its name is of the same acquisition as %s; if it holds the rest, list both", path, date.name)
    for warning in check_dates(products[0], products[1:]):
        log.warning("%s", warning)
    return list(products)


def _with_resolutions(template: Template, date: DatedImage) -> Template:
    """Complete a template with the resolutions that it leaves to the kind of image."""
    own = date.grid.resolution if isinstance(date, Stack) else None
    view = template.view.model_copy(update={"resolution": template.view.resolution or own or _VIEW_RESOLUTION})
    return template.model_copy(update={"resolution": template.resolution or own or _RESOLUTION, "view": view})


def _grid(date: DatedImage, resolution: float | None, key: str) -> Grid:
    """Make the grid of a resolution, which the template gives under a key.

    If pixels of this size do not fit, the message of the ConfigurationError names the key.
    """
    assert resolution is not None
    finest = date.grid if isinstance(date, Stack) else date.grids[min(date.grids)]
    ratio = resolution / finest.resolution
    # The bands of a product have several resolutions, and a grid cannot be a multiple of each.
    off = abs(ratio - max(1, round(ratio))) / ratio * max(finest.width, finest.height)
    if isinstance(date, Stack) and off > _ROUNDING:
        raise ConfigurationError(
            f"{date.path}: {key} {resolution:g} m is not a multiple of its pixels of {finest.resolution:g} m; "
            f"set {finest.resolution * max(1, round(ratio)):g}"
        )
    try:
        return finest.at_resolution(resolution)
    except ValueError as error:
        raise ConfigurationError(f"{date.path}: {error}; set a finer {key}") from error


def _log_left_out(features: Sequence[Feature], clear: int, dem: bool) -> None:
    """Log which features are left out, and what they need.

    Parameters
    ----------
    features
        All features of the template.
    clear
        Number of clear dates that the scene names.
    dem
        Whether the scene names an elevation model.
    """
    with_these_dates = possible(features, clear, dem=True)
    with_this_dem = possible(features, sys.maxsize, dem)
    need_dates = [feature_name(feature) for feature in features if feature not in with_these_dates]
    need_dem = [feature_name(feature) for feature in features if feature not in with_this_dem]
    if need_dates:
        log.info(
            "these features are left out, since they need more clear dates than the scene names (%d): %s",
            clear,
            ", ".join(need_dates),
        )
    if need_dem:
        log.info(
            "these features are left out, since they need a dem, and the scene names none: %s", ", ".join(need_dem)
        )


def _radiometry(product: DatedImage) -> list[object]:
    """List the statements of the product's metadata, or of the stack's file, about its pixels."""
    if isinstance(product, Stack):
        return [list(product.files), [[band.name, band.path, band.scale, band.offset] for band in product.bands]]
    offsets = {band.name: band.offset for band in product.bands}
    own = [product.name, offsets, product.quantification, product.no_data, product.saturated]
    # The order of the parts and their own offsets count, too.
    return [own, *(_radiometry(part) for part in product.parts)] if product.parts else own


def _plain(feature: Feature) -> object:
    return feature if isinstance(feature, str) else feature.model_dump(mode="json", exclude_none=True)


def _identities(product: L1CProduct, band: str) -> list[list[str | int]]:
    """List the identities of the files of a band, of each part of a product."""
    return [
        _identity(part.path, file.path)
        for part in product.parts or (product,)
        for own in part.bands
        if own.name == band
        for file in own.files
    ]


def _identity(container: Path, file: str) -> list[str | int]:
    """List the size and the time of change of a file, or of the archive that holds it, which show a replacement."""
    path = Path(file) if Path(file).is_file() else container
    if not path.is_file():
        return [file]
    status = os.stat(path)
    return [file, status.st_size, status.st_mtime_ns]
