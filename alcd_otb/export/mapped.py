"""Read a scene that has a map: one iteration of a workspace, without its products."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.products.times import utc_time
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram
from alcd_otb.settings.legend import NO_DATA, Legend, LegendClass, Positive
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.workspace import Workspace

Content = Mapping[str, Any]
"""A JSON object."""


_TILE = r"\d{2}[A-Z]{3}"


@dataclass(frozen=True)
class MappedScene:
    """One iteration of a workspace.

    Attributes
    ----------
    workspace
        The workspace of the scene.
    folder
        The folder of the iteration.
    config, metrics
        The iteration's ``config.json`` and ``metrics.json``.
    legend, grid
        Classes and grid of its map.
    counts
        Pixels of the map by code, 256 numbers.
    stated
        Time of the acquisition in UTC according to the user, for a product that does not have it.
    """

    workspace: Workspace
    folder: Path
    config: Content = field(hash=False)
    metrics: Content = field(hash=False)
    legend: Legend
    grid: Grid
    counts: tuple[int, ...]
    stated: datetime | None = None

    @property
    def name(self) -> str:
        """Name of the scene."""
        return str(self.config["scene"]["name"])

    @property
    def number(self) -> int:
        """Number of the iteration."""
        return int(self.folder.name)

    @property
    def labels(self) -> Path:
        """The raster of the map."""
        return self.folder / "labels.tif"

    @property
    def product(self) -> Content:
        """Identity of the product that the map is of; empty if the scene was made from another raster."""
        return self.config["products"].get("cloudy") or {}

    @property
    def clear_products(self) -> tuple[Content, ...]:
        """Identities of the products of the clear dates, in their order."""
        return tuple(product for date, product in self.config["products"].items() if date != "cloudy" and product)

    @property
    def tile(self) -> str | None:
        """Tile such as ``31TFJ``, or None."""
        return self.product.get("tile")

    @property
    def acquired(self) -> datetime | None:
        """Time of the acquisition in UTC, or None if it is unknown."""
        return acquired(self.product) or self.stated

    @property
    def identifier(self) -> str:
        """Tile, or else the scene's name, and the time, if known; of letters, digits, ``_``, ``.`` and ``-``."""
        place = self.tile or plain_name(self.name)
        return place if self.acquired is None else f"{place}_{self.acquired:%Y%m%dT%H%M%S}"

    @property
    def made(self) -> str | None:
        """Time when the map was complete, ISO 8601 in UTC."""
        return self.metrics.get("time")

    @property
    def data_pixels(self) -> int:
        """Number of pixels with data."""
        return sum(self.counts) - self.counts[NO_DATA]

    def share(self, legend_class: LegendClass) -> float | None:
        """Return the fraction of the pixels with data that have a class; None if no pixel has data."""
        return self.counts[legend_class.code] / self.data_pixels if self.data_pixels else None

    @property
    def estimate(self) -> Content | None:
        """Result of ``accuracy estimate`` for this map; None if there is none, or it is of another iteration."""
        file = self.workspace.accuracy_estimate
        if not file.is_file():
            return None
        content = read_object(file)
        return content if content.get("iteration") == self.number else None


def open_mapped(source: Path, number: int | None = None) -> MappedScene:
    """Read an iteration of a workspace.

    Parameters
    ----------
    source
        A scene.json, whose workspace is read; a workspace; or one of its iterations.
    number
        Number of the iteration; by default the latest, or the one that source names.

    Raises
    ------
    ConfigurationError
        If there is no such iteration.
    ProductError
        If files of the iteration are damaged.
    """
    workspace, named = _workspace_of(source)
    if number is not None and named is not None:
        raise ConfigurationError(f"{source}: is an iteration itself; leave out --iteration")
    if named is None:
        named = workspace.last_iteration() if number is None else workspace.iteration(number)
    file = named / "config.json"
    config = read_object(file)
    try:
        legend = _legend_of(config["scene"]["template"])
        metrics = read_object(named / "metrics.json")
        grid = Grid.of(str(named / "labels.tif"))
        scene = MappedScene(workspace, named, config, metrics, legend, grid, tuple(histogram(named / "labels.tif")))
        # These are read here, where an error can name the file.
        _ = (scene.name, scene.acquired, scene.clear_products, config["versions"], config["features"])
        tile = scene.tile
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProductError(f"{file}: does not describe an iteration; run the scene again") from error
    except RuntimeError as error:
        raise ProductError(f"{named / 'labels.tif'}: cannot be read ({error}); run the scene again") from error
    if tile is not None and not (isinstance(tile, str) and re.fullmatch(_TILE, tile)):
        raise ProductError(f"{file}: {tile!r} is not a tile such as 31TFJ; run the scene again")
    return scene


def _legend_of(template: Content) -> Legend:
    """Read the classes and their two sides from the template of an iteration."""
    sides = template.get("positive")
    positive = Positive(**{**sides, "classes": tuple(sides["classes"])}) if sides else None
    return Legend.from_classes([LegendClass(**entry) for entry in template["classes"]], positive)


def acquired(product: Content) -> datetime | None:
    """Read the time of acquisition from the identity of a product, in UTC; None if it has none.

    Raises
    ------
    ValueError
        If the identity is damaged.
    """
    text = product.get("acquired")
    if text is None:
        return None
    return utc_time(text)


def plain_name(text: str) -> str:
    """Turn a text into a name for files and addresses: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "unnamed"


def read_object(file: Path) -> Content:
    """Read the JSON object in a file.

    Raises
    ------
    ProductError
        If the file cannot be read, or holds no JSON object.
    """
    try:
        content = read_json(file)
    except UnreadableError as error:
        raise ProductError(f"{file}: {error.reason}; run the scene again") from error
    if not isinstance(content, dict):
        raise ProductError(f"{file}: is not a JSON object; run the scene again")
    return content


class _Source(NamedTuple):
    """A workspace, and the folder of the iteration that the user named."""

    workspace: Workspace
    iteration: Path | None


def _workspace_of(source: Path) -> _Source:
    if source.is_file():
        return _Source(Workspace(load_scene(source).workspace), None)
    folder = source.resolve()
    if (folder / "labels.tif").is_file() and folder.parent.name == "iterations" and folder.name.isdigit():
        return _Source(Workspace(folder.parent.parent), folder)
    workspace = Workspace(source)
    if workspace.config.is_file() or workspace.iterations():
        return _Source(workspace, None)
    raise ConfigurationError(f"{source}: is neither a scene.json nor a workspace nor an iteration of one")
