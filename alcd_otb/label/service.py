"""Answer the requests of the page: labels, the map after the last click, places, iterations.

It does not depend on HTTP. The methods that use the store are called in one thread, the other methods in any.
"""

import getpass
import logging
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alcd_otb.active_learning.foreign_labels import read_places
from alcd_otb.errors import AlcdError
from alcd_otb.iterations.history import Iteration, read_history
from alcd_otb.label.actions import ACTION, AnyAction
from alcd_otb.label.frames import SentMaps, planes_of
from alcd_otb.label.keys import key_table
from alcd_otb.label.requests import ViewRequest
from alcd_otb.label.sample_file import FileBusyError
from alcd_otb.label.store import ActionRefusedError, LabelStore
from alcd_otb.label.tiles import CONTRASTS, TileDrawer
from alcd_otb.live.maps import Cancellation, Maps
from alcd_otb.live.session import LiveSession
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene

log = logging.getLogger(__name__)

MOST_PIXELS = 5_000_000
"""Most pixels of a part of the map in one answer."""
_KEPT_MAPS = 3
"""Final parts of the map that are kept: ten bytes for each pixel."""
_REMEMBERED = 30
"""Number of revisions of the labels for which only changes are sent."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class _Prepared:
    """The parts of a prepared scene."""

    grid: Grid
    store: LabelStore
    live: LiveSession
    tiles: TileDrawer


class LabelService:
    """A scene that is labelled in the page.

    Parameters
    ----------
    scene
        The scene.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._epoch = secrets.token_hex(6)
        self._prepared: _Prepared | None = None
        self._sent = SentMaps()
        self._final: OrderedDict[Window, Maps] = OrderedDict()
        self._computing = threading.Lock()
        self._known: OrderedDict[str, dict[str, Entry]] = OrderedDict()

    @property
    def is_open(self) -> bool:
        """Whether the scene is prepared, and open to be labelled."""
        return self._prepared is not None

    @property
    def _ready(self) -> _Prepared:
        if self._prepared is None:
            raise ActionRefusedError("the scene is being prepared; wait until the first picture is shown")
        return self._prepared

    def open(self) -> bool:
        """Open the scene if it is prepared. Returns whether it is open."""
        workspace, template = self.scene.workspace, self.scene.config.template
        if not (workspace.preparation.is_file() and workspace.features.is_file() and workspace.view.is_file()):
            return False
        self.close()
        # Revisions of another session mean something else.
        self._final.clear()
        grid = self.scene.grid
        store = LabelStore(self.scene.config.samples, template.legend, grid, lambda: workspace.next_number)
        self._prepared = _Prepared(grid, store, self.scene.live(), TileDrawer(self.scene.config))
        self._update()
        return True

    def close(self) -> None:
        """Close the files and end the computations."""
        if self._prepared is not None:
            self._prepared.store.close()
            self._prepared.live.close()
            self._prepared = None

    def describe(self) -> Entry:
        """Describe the scene, the classes, the tiles and the keys to the page."""
        config = self.scene.config
        common: Entry = {
            "name": config.name,
            "author": _user(),
            "keys": key_table(),
            "contrasts": [CONTRASTS.start, CONTRASTS.stop - 1],
            "samples": str(config.samples),
            "most_pixels": MOST_PIXELS,
            "growth": config.template.samples.growth,
            "open": self.is_open,
            "classes": [
                {"code": each.code, "name": each.name, "colour": each.colour, "contour": each.contour}
                for each in config.template.legend.classes
            ],
        }
        if self._prepared is None:
            return common
        grid = self._prepared.grid
        placed = {
            "crs": grid.crs,
            "extent": list(grid.extent),
            "resolution": grid.resolution,
            "width": grid.width,
            "height": grid.height,
        }
        return {**common, "grid": placed, "tiles": self._prepared.tiles.as_json()}

    def act(self, actions: Sequence[Any]) -> list[Entry]:
        """Apply actions in their order, until one must wait.

        Parameters
        ----------
        actions
            JSON objects; see `alcd_otb.label.actions`.

        Returns
        -------
        list of dict
            Of each action that was dealt with ``id`` and ``refused``, which is None or a reason; of one that must be
            sent again ``id`` and ``wait``, the reason.
        """
        store, results = self._ready.store, list[Entry]()
        for content in actions:
            name = content.get("id") if isinstance(content, dict) else None
            try:
                action: AnyAction = ACTION.validate_python(content)
                store.apply(action)
                results.append({"id": name, "refused": None})
            except FileBusyError as error:
                results.append({"id": name, "wait": str(error)})
                break
            except (ActionRefusedError, ValidationError) as error:
                reason = str(error) if isinstance(error, AlcdError) else "this is not an action that the page can send"
                results.append({"id": name, "refused": reason})
            except AlcdError as error:
                results.append({"id": name, "wait": str(error)})
                break
        self._update()
        return results

    def refresh(self) -> bool:
        """Read changes of other programs in the samples. Returns whether there are any."""
        try:
            changed = self._ready.store.refresh()
        except AlcdError as error:
            log.debug("%s", error)
            return False
        if changed:
            self._update()
        return changed

    def labels(self, since: str | None) -> Entry:
        """Return the samples and corrections: what has changed since a revision, or all.

        Parameters
        ----------
        since
            The revision that the page has, or None.
        """
        store = self._ready.store
        revision = f"{self._epoch}.{store.revision}"
        entries = {sample.feature: _entry(sample) for sample in (*store.samples, *store.corrections)}
        self._known[revision] = entries
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        before = self._known.get(since) if since is not None else None
        common = {"revision": revision, "problem": store.problem or None}
        if before is None:
            return {**common, "all": list(entries.values())}
        changed = [entry for key, entry in entries.items() if before.get(key) != entry]
        return {**common, "changed": changed, "gone": [key for key in before if key not in entries]}

    def view(self, asked: ViewRequest, draft: bool, cancelled: Cancellation | None = None) -> tuple[Entry, bytes]:
        """Compute a part of the map on the present samples.

        Parameters
        ----------
        asked
            The part, and what the page has of it.
        draft
            Whether the first trees are enough, where all of them take long.
        cancelled
            Ends the computation from another thread.

        Returns
        -------
        tuple
            Its description for the page, and the packed bytes. Without a map, the reason is in ``problem``.

        Raises
        ------
        ActionRefusedError
            The part is not within the scene, or too large.
        """
        ready = self._ready
        window = _checked_window(asked.window, ready.grid)
        if ready.live.problem is not None:
            return {"problem": ready.live.problem}, b""
        maps = self._maps(window, draft, cancelled)
        if maps is None:
            return {"cancelled": True}, b""
        planes = planes_of(asked.planes, maps)
        described, body = self._sent.packed(window, planes, asked.have)
        return {**described, "revision": maps.revision, "draft": maps.is_draft, "problem": None}, body

    def _maps(self, window: Window, draft: bool, cancelled: Cancellation | None) -> Maps | None:
        """Compute maps, or return those that were computed of the same samples."""
        live = self._ready.live
        with self._computing:
            kept = self._final.get(window)
        if kept is not None and kept.revision == live.revision:
            return kept
        maps = live.maps(window, draft=draft, cancelled=cancelled)
        if maps is not None and not maps.is_draft:
            with self._computing:
                self._final[window] = maps
                while len(self._final) > _KEPT_MAPS:
                    self._final.popitem(last=False)
        return maps

    def survey(self, cancelled: Cancellation) -> bool:
        """Count the whole map for the summary. Returns whether it was counted."""
        return self._prepared is not None and self._prepared.live.survey(cancelled)

    def validate(self) -> bool:
        """Cross-validate the samples for the summary. Returns whether that could be done."""
        return self._prepared is not None and self._prepared.live.validate()

    def summary(self) -> Entry:
        """Summarise for the operator: points, shares of the map, warnings, iterations."""
        ready, iterations = self._ready, read_history(self.scene.workspace)
        content: Entry = ready.live.summary().as_json()
        warnings = [*ready.live.warnings, *self.scene.workspace.preparation_warnings]
        return {
            **content,
            "warnings": warnings,
            "problem": ready.live.problem,
            "iterations": [_iteration(each) for each in iterations],
        }

    def places(self) -> list[Entry]:
        """Return the places to label next, as they are in to_visit.gpkg."""
        workspace = self.scene.workspace
        if not workspace.to_visit.is_file():
            return []
        labels = workspace.iterations()[-1] / "labels.tif" if workspace.iterations() else None
        try:
            return [dict(place) for place in read_places(workspace.to_visit, labels, self._legend).proposed]
        except AlcdError as error:
            log.warning("%s", error)
            return []

    def propose(self) -> None:
        """Propose places again, by the map of the present samples. Raises what `Scene.next_places` does."""
        with tempfile.TemporaryDirectory(prefix="alcd-otb-label-") as name:
            folder = Path(name)
            is_written = self._ready.live.write_maps(folder)
            self.scene.next_places(maps=folder if is_written else None)

    def tile(self, look: int, level: int, column: int, row: int, contrast: int) -> bytes:
        """Draw a tile as `alcd_otb.label.tiles.TileDrawer` does."""
        if min(look, level, column, row) < 0 or contrast not in CONTRASTS:
            raise IndexError("there is no such tile")
        return self._ready.tiles.tile(look, level, column, row, contrast)

    @property
    def _legend(self) -> Any:
        return self.scene.config.template.legend

    def _update(self) -> None:
        store = self._ready.store
        self._ready.live.update(store.samples, store.corrections)


def _iteration(iteration: Iteration) -> Entry:
    return {
        "number": iteration.number,
        "points": iteration.point_count,
        "time": iteration.time.isoformat() if iteration.time else None,
        "started_from": iteration.started_from,
        "accuracy": iteration.overall_accuracy,
        "two_class_accuracy": iteration.two_class_accuracy,
        "confidence": iteration.mean_confidence,
        "report": (iteration.folder / "report.html").is_file(),
    }


def _checked_window(window: Sequence[int], grid: Grid) -> Window:
    row, column, rows, columns = window
    inside = row >= 0 and column >= 0 and row + rows <= grid.height and column + columns <= grid.width
    if not inside or rows < 1 or columns < 1 or rows * columns > MOST_PIXELS:
        raise ActionRefusedError(f"there is no part of {rows} rows and {columns} columns at row {row}, column {column}")
    return Window(row, column, rows, columns)


def _entry(sample: Sample) -> Entry:
    """Describe a sample or a correction to the page."""
    name, _, number = sample.feature.rpartition(":")
    layer = "corrections" if name.endswith(":corrections") else "samples"
    entry: Entry = {"key": sample.feature, "layer": layer, "code": sample.code}
    entry["feature"] = int(number.partition("/")[0])
    if sample.is_point:
        x, y = sample.location
        return {**entry, "x": x, "y": y}
    return {**entry, "rings": sample.geometry["coordinates"]}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
