"""A scene that has a map: what its workspace tells of one iteration, without its products."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram
from alcd_otb.settings.legend import NO_DATA, Legend, LegendClass
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.workspace import Workspace

Content = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True)
class MappedScene:
    """One iteration of a workspace.

    folder: the iteration's. config and metrics: its config.json and metrics.json. legend and grid: of its map.
    counts: pixels of the map by code, 256 of them. stated: when it was acquired, UTC, where the product does not tell.
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
        return str(self.config["scene"]["name"])

    @property
    def number(self) -> int:
        return int(self.folder.name)

    @property
    def labels(self) -> Path:
        return self.folder / "labels.tif"

    @property
    def product(self) -> Content:
        """The identity of the product that the map is of; empty where the scene was made from another raster."""
        return self.config["products"].get("cloudy") or {}

    @property
    def clear_products(self) -> tuple[Content, ...]:
        """In their order."""
        return tuple(one for date, one in self.config["products"].items() if date != "cloudy" and one)

    @property
    def tile(self) -> str | None:
        return self.product.get("tile")

    @property
    def acquired(self) -> datetime | None:
        """UTC."""
        return acquired(self.product) or self.stated

    @property
    def identifier(self) -> str:
        """Tile, or else the scene's name, and time, if known; of letters, digits, ``_``, ``.`` and ``-``."""
        place = self.tile or plain_name(self.name)
        return place if self.acquired is None else f"{place}_{self.acquired:%Y%m%dT%H%M%S}"

    @property
    def made(self) -> str | None:
        """When the map was whole: ISO 8601, UTC."""
        return self.metrics.get("time")

    @property
    def data_pixels(self) -> int:
        return sum(self.counts) - self.counts[NO_DATA]

    def share(self, one: LegendClass) -> float | None:
        """Of the pixels with data; None where there are none."""
        return self.counts[one.code] / self.data_pixels if self.data_pixels else None

    @property
    def estimate(self) -> Content | None:
        """What `accuracy estimate` found of this very map; None where it was not asked, or was of another one."""
        file = self.workspace.accuracy_estimate
        if not file.is_file():
            return None
        content = read_object(file)
        return content if content.get("iteration") == self.number else None


def open_mapped(source: Path, number: int | None = None) -> MappedScene:
    """Read a scene.json's workspace, a workspace, or one of its iterations.

    number: of the iteration; by default the latest, or the one that source names.

    Raises ConfigurationError where there is no such iteration, ProductError where its files are damaged.
    """
    workspace, named = _workspace_of(source)
    if number is not None and named is not None:
        raise ConfigurationError(f"{source}: is an iteration itself; leave out --iteration")
    if named is None:
        named = workspace.last_iteration() if number is None else workspace.iteration(number)
    file = named / "config.json"
    config = read_object(file)
    try:
        legend = Legend.from_classes([LegendClass(**one) for one in config["scene"]["template"]["classes"]])
        metrics = read_object(named / "metrics.json")
        grid = Grid.of(str(named / "labels.tif"))
        scene = MappedScene(workspace, named, config, metrics, legend, grid, tuple(histogram(named / "labels.tif")))
        # Read here, where the file can be named.
        _ = (scene.name, scene.acquired, scene.clear_products, config["versions"], config["features"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProductError(f"{file}: does not describe an iteration ({error!r}); run the scene again") from error
    except RuntimeError as error:
        raise ProductError(f"{named / 'labels.tif'}: cannot be read ({error}); run the scene again") from error
    return scene


def acquired(product: Content) -> datetime | None:
    """When a product was acquired, in UTC. Raises ValueError where its identity is damaged."""
    text = product.get("acquired")
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def plain_name(text: str) -> str:
    """A text as a name that files and addresses may have: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "unnamed"


def read_object(file: Path) -> Content:
    """The JSON object in a file. Raises ProductError where there is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProductError(f"{file}: cannot be read ({error}); run the scene again") from error
    if not isinstance(content, dict):
        raise ProductError(f"{file}: is no JSON object; run the scene again")
    return content


def _workspace_of(source: Path) -> tuple[Workspace, Path | None]:
    """(workspace, iteration that the source names)."""
    if source.is_file():
        return Workspace(load_scene(source).workspace), None
    there = source.resolve()
    if (there / "labels.tif").is_file() and there.parent.name == "iterations" and there.name.isdigit():
        return Workspace(there.parent.parent), there
    workspace = Workspace(source)
    if workspace.config.is_file() or workspace.iterations():
        return workspace, None
    raise ConfigurationError(f"{source}: is neither a scene.json nor a workspace nor an iteration of one")
