"""Stacks of image layers: bands, formulas of bands and textures, concatenated in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Output
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class Formula:
    """A BandMath expression over im1b1, im2b1, ...: the sources in this order."""

    expression: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ContourDensity:
    """Mean, over a square window, of the gradient's magnitude in units per metre.

    The gradient is taken by central differences; the image's edge is replicated.
    """

    source: str
    radius: int


@dataclass(frozen=True)
class VariationCoefficient:
    """Standard deviation (n - 1) over mean in a square window; the image's edge is replicated.

    OTB sums in 32 bits: a coefficient below 0.002 may be off by as much. No value where the mean is 0.
    """

    source: str
    radius: int


Layer = str | Formula | ContourDensity | VariationCoefficient
"""A layer of a stack; a plain name is the source itself."""


def build_stack(sources: Mapping[str, Path], layers: Sequence[Layer], settings: Settings) -> Application:
    """One image with a band for each layer, in order; the output is `out`.

    sources: single-band rasters on one grid, by name. Each is opened once and read once a streamed region, however
    many layers use it.
    """
    readers = {name: _reader(sources[name], settings) for name in sorted(_sources_of(layers))}
    images = [_layer(layer, readers, settings) for layer in layers]
    return Application("ConcatenateImages", {"il": images}, settings)


def _sources_of(layers: Sequence[Layer]) -> set[str]:
    names: set[str] = set()
    for layer in layers:
        if isinstance(layer, str):
            names.add(layer)
        elif isinstance(layer, Formula):
            names.update(layer.sources)
        else:
            names.add(layer.source)
    return names


def _reader(path: Path, settings: Settings) -> Output:
    # In its standard mode with nothing else set, ExtractROI hands the whole image on: a reader to share.
    return Application("ExtractROI", {"in": path}, settings)["out"]


def _layer(layer: Layer, readers: Mapping[str, Output], settings: Settings) -> Output:
    if isinstance(layer, str):
        return readers[layer]
    if isinstance(layer, Formula):
        images = [readers[name] for name in layer.sources]
        return Application("BandMath", {"il": images, "exp": layer.expression}, settings)["out"]
    if isinstance(layer, ContourDensity):
        gradient = Application("EdgeExtraction", {"in": readers[layer.source], "filter": "gradient"}, settings)
        statistics = _local_statistics(gradient["out"], layer.radius, settings)
        return Application("BandMath", {"il": [statistics], "exp": "im1b1"}, settings)["out"]
    statistics = _local_statistics(readers[layer.source], layer.radius, settings)
    # By rounding, the variance of equal values may be less than 0; BandMath would make a quotient by 0 the largest
    # number there is.
    expression = "im1b1==0 ? 0/0 : sqrt(max(im1b2,0))/im1b1"
    return Application("BandMath", {"il": [statistics], "exp": expression}, settings)["out"]


def _local_statistics(image: Output, radius: int, settings: Settings) -> Output:
    """Bands 1 and 2 are mean and variance."""
    return Application("LocalStatisticExtraction", {"in": image, "radius": radius}, settings)["out"]
