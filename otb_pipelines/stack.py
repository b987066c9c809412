"""Build stacks of image layers, which are bands, formulas of bands and textures, and write them in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Output, Value
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class FormulaLayer:
    """A formula of bands. A value that is not finite becomes NaN.

    Attributes
    ----------
    expression
        The formula in BandMath's language. ``im1b1`` is the first source, ``im2b1`` the second.
    sources
        Names of the sources, in this order.
    """

    expression: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ContourDensity:
    """Mean, over a square window, of the gradient's magnitude in units per metre.

    The gradient is taken by central differences. The image's edge is replicated.

    Attributes
    ----------
    source
        Name of the source.
    radius
        Radius of the window in pixels; its side is 2 radius + 1.
    """

    source: str
    radius: int


@dataclass(frozen=True)
class VariationCoefficient:
    """Standard deviation (n - 1) divided by the mean, in a square window.

    The image's edge is replicated. OTB sums in 32 bits, so that a coefficient below 0.002 may be wrong by as much.
    Where the mean is 0, the coefficient is NaN.

    Attributes
    ----------
    source
        Name of the source.
    radius
        Radius of the window in pixels; its side is 2 radius + 1.
    """

    source: str
    radius: int


Layer = str | FormulaLayer | ContourDensity | VariationCoefficient
"""A layer of a stack. A plain name is the source itself."""


def build_layers(sources: Mapping[str, Path | Output], layers: Sequence[Layer], settings: Settings) -> list[Output]:
    """Build an image of one band for each layer.

    Parameters
    ----------
    sources
        Single-band rasters or images on one grid, by name. Each is opened once and read once for each streamed region,
        however many layers use it.
    layers
        The layers.
    settings
        Memory and threads.

    Returns
    -------
    list of Output
        The images, in the order of the layers.
    """
    readers = {name: _reader(sources[name], settings) for name in sorted(_sources_of(layers))}
    return [_layer(layer, readers, settings) for layer in layers]


@dataclass(frozen=True)
class StackFile:
    """A GeoTIFF to be made of layers.

    Attributes
    ----------
    path
        The file.
    like
        A raster with the size, the bands and the metadata of the file. It may be without pixels.
    layers
        One image for each band.
    options
        GDAL's creation options.
    overviews
        Factors of the overviews, in ascending order. The first divides the rows of a strip, and each of the others is
        a multiple of the one before.
    """

    path: Path
    like: Path
    layers: Sequence[Output]
    options: Mapping[str, str]
    overviews: Sequence[int] = ()


def write_stacks(files: Sequence[StackFile], rows: int, settings: Settings) -> None:
    """Write layers to files, all at the same pace, so that shared sources are read once. Overviews are averages.

    Parameters
    ----------
    files
        The files with their layers.
    rows
        Rows of a strip of the file with the fewest rows. Strips of the others cover the same ground.
    settings
        Memory and threads.

    Raises
    ------
    OtbError
        A file cannot be written.
    """
    parameters: dict[str, Value] = {
        "il": [layer for file in files for layer in file.layers],
        "files": [file.path for file in files],
        "like": [file.like for file in files],
        "options": [" ".join(f"{key}={value}" for key, value in file.options.items()) for file in files],
        "overviews": [" ".join(map(str, file.overviews)) for file in files],
        "counts": [str(len(file.layers)) for file in files],
        "rows": rows,
    }
    Application("StackWriting", parameters, settings).execute()


def _sources_of(layers: Sequence[Layer]) -> set[str]:
    names: set[str] = set()
    for layer in layers:
        if isinstance(layer, str):
            names.add(layer)
        elif isinstance(layer, FormulaLayer):
            names.update(layer.sources)
        else:
            names.add(layer.source)
    return names


def _reader(source: Path | Output, settings: Settings) -> Output:
    if isinstance(source, Output):
        return source
    # In its standard mode, and with no other parameter, ExtractROI passes the whole image on. Layers share it.
    return Application("ExtractROI", {"in": source}, settings)["out"]


def _layer(layer: Layer, readers: Mapping[str, Output], settings: Settings) -> Output:
    if isinstance(layer, str):
        return readers[layer]
    if isinstance(layer, FormulaLayer):
        images = [readers[name] for name in layer.sources]
        return Application("FormulaEvaluation", {"il": images, "exp": layer.expression}, settings)["out"]
    if isinstance(layer, ContourDensity):
        gradient = Application("EdgeExtraction", {"in": readers[layer.source], "filter": "gradient"}, settings)
        statistics = _local_statistics(gradient["out"], layer.radius, settings)
        return Application("FormulaEvaluation", {"il": [statistics], "exp": "im1b1"}, settings)["out"]
    statistics = _local_statistics(readers[layer.source], layer.radius, settings)
    # By rounding, the variance of equal values may be less than 0.
    expression = "sqrt(max(im1b2,0))/im1b1"
    return Application("FormulaEvaluation", {"il": [statistics], "exp": expression}, settings)["out"]


def _local_statistics(image: Output, radius: int, settings: Settings) -> Output:
    """Build local statistics of an image. Band 1 is the mean, band 2 the variance."""
    return Application("LocalStatisticExtraction", {"in": image, "radius": radius}, settings)["out"]
