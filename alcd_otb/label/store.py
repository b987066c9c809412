"""Keep the operator's labels: the one writer of the page, with a handle of the GeoPackage that stays open.

An action is acknowledged once SQLite has committed it. Other programs, such as QGIS, may change the file at any time:
what they change is noticed before each action, and whenever `LabelStore.refresh` is called.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from alcd_otb.errors import AlcdError, SampleError
from alcd_otb.label.actions import (
    CORRECTIONS,
    SAMPLES,
    AddPoint,
    AnyAction,
    ChangeClass,
    Delete,
    DrawPolygon,
    Redo,
    Target,
    Undo,
)
from alcd_otb.label.features import feature_at, restore_feature, samples_at, stored_feature
from alcd_otb.label.history import Change
from alcd_otb.label.sample_file import OpenFile, SampleFile, spatial_reference_of
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.adding import as_samples
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import present_samples, read_corrections
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.vector_features import FeatureSource
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import ogr, osr

log = logging.getLogger(__name__)


class ActionRefusedError(SampleError):
    """An action can never be applied."""


class LabelStore:
    """The samples and corrections of a scene, kept in step with their GeoPackage. Use it in one thread at a time.

    Parameters
    ----------
    path
        The GeoPackage. An absent one is made, with empty layers.
    legend
        The classes.
    grid
        The scene's grid.
    next_iteration
        Returns the number of the first iteration that can use a label.

    Raises
    ------
    SampleError
        The file is not a GeoPackage, or cannot be used.
    ProcessingError
        The file cannot be written.
    """

    def __init__(self, path: Path, legend: Legend, grid: Grid, next_iteration: Callable[[], int]) -> None:
        self.path, self._legend, self._grid, self._next_iteration = path, legend, grid, next_iteration
        self._file = SampleFile(path, legend, grid)
        self._samples: tuple[Sample, ...] = ()
        self._corrections: tuple[Sample, ...] = ()
        self._revision, self._problem = 0, ""
        self.refresh()

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The samples as they are in the file."""
        return self._samples

    @property
    def corrections(self) -> tuple[Sample, ...]:
        """The corrections as they are in the file."""
        return self._corrections

    @property
    def revision(self) -> int:
        """A number that grows with every change, by this page or another program."""
        return self._revision

    @property
    def problem(self) -> str:
        """Why the file could not be read after the last change of another program. Empty if it could."""
        return self._problem

    def refresh(self) -> bool:
        """Read the file again if another program has changed it.

        Returns
        -------
        bool
            Whether it was read again.

        Raises
        ------
        SampleError, ProcessingError
            The file cannot be opened.
        """
        with self._file.opened() as handle:
            if not handle.is_changed():
                return False
        self._read()
        return True

    def apply(self, action: AnyAction) -> bool:
        """Apply an action, unless it was applied before.

        Parameters
        ----------
        action
            What is to be done.

        Returns
        -------
        bool
            Whether anything was changed now.

        Raises
        ------
        ActionRefusedError
            The class is unknown, the place is outside the scene, or the feature was deleted.
        FileBusyError
            Another program is writing to the file.
        ProcessingError
            The file cannot be written.
        """
        self._check(action)
        self.refresh()
        with self._file.opened() as handle:
            if handle.history.holds(action.id):
                return False
            handle.dataset.StartTransaction()
            try:
                changed = self._applied(handle, action)
                handle.dataset.CommitTransaction()
            except BaseException:
                handle.dataset.RollbackTransaction()
                raise
            if changed is None:
                return False
            self._take(handle, *changed)
        return True

    def close(self) -> None:
        """Close the file. The store opens it again when it is used."""
        self._file.close()

    def _check(self, action: AnyAction) -> None:
        """Refuse labels that the file could hold, but that no run could read."""
        try:
            if isinstance(action, AddPoint | DrawPolygon | ChangeClass):
                self._legend.with_code(action.code)
            if isinstance(action, AddPoint):
                as_samples([(action.code, action.x, action.y)], None, self._legend, self._grid)
        except KeyError as error:
            names = ", ".join(f"{each.name} ({each.code})" for each in self._legend.classes)
            raise ActionRefusedError(f"there is no class {error}; the classes are {names}") from error
        except SampleError as error:
            raise ActionRefusedError(str(error)) from error
        if isinstance(action, DrawPolygon):
            xs, ys = zip(*action.ring, strict=True)
            left, bottom, right, top = self._grid.extent
            if len(set(action.ring)) < 3 or max(xs) <= left or min(xs) >= right or max(ys) <= bottom or min(ys) >= top:
                raise ActionRefusedError("the polygon has no area within the scene; draw it again")

    def _applied(self, handle: OpenFile, action: AnyAction) -> tuple[str, int] | None:
        """Apply an action within a transaction. Returns the layer and the number of what changed, or None."""
        if isinstance(action, AddPoint | DrawPolygon):
            change = self._added(handle, action)
        elif isinstance(action, ChangeClass | Delete):
            name, number = self._found(handle, action.target)
            layer = handle.layers[name]
            before = stored_feature(layer, number)
            if isinstance(action, Delete):
                layer.DeleteFeature(number)
            else:
                feature = feature_at(layer, number)
                self._write_class(feature, handle.sources[name], action.code)
                layer.SetFeature(feature)
            change = Change(name, number, before, stored_feature(layer, number))
        else:
            return _step(handle, action)
        handle.history.record(action.id, change)
        return (change.layer, change.feature) if change.before != change.after else None

    def _added(self, handle: OpenFile, action: AddPoint | DrawPolygon) -> Change:
        is_point = isinstance(action, AddPoint)
        name = SAMPLES if isinstance(action, AddPoint) else CORRECTIONS
        layer = handle.layers[name]
        definition = layer.GetLayerDefn()
        feature = ogr.Feature(definition)
        ring = [(action.x, action.y)] if isinstance(action, AddPoint) else [*action.ring, action.ring[0]]
        shape = {"type": "Point" if is_point else "Polygon", "coordinates": ring[0] if is_point else [ring]}
        geometry = ogr.CreateGeometryFromJson(json.dumps(shape))
        geometry.Transform(
            osr.CoordinateTransformation(self._grid.spatial_reference, spatial_reference_of(layer, self.path))
        )
        feature.SetGeometry(geometry)
        values = {
            "author": action.author,
            "iteration": self._next_iteration(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        for key, value in values.items():
            if definition.GetFieldIndex(key) >= 0 and value != "":
                feature.SetField(key, value)
        self._write_class(feature, handle.sources[name], action.code)
        layer.CreateFeature(feature)
        number = feature.GetFID()
        return Change(name, number, None, stored_feature(layer, number))

    def _found(self, handle: OpenFile, target: Target) -> tuple[str, int]:
        """Return the layer and the number of the feature that an action means."""
        place = (target.layer, target.feature) if target.action is None else handle.history.made_by(target.action)
        if place is None or place[1] is None or feature_at(handle.layers[place[0]], place[1]) is None:
            raise ActionRefusedError("this label no longer exists: another program or another page deleted it")
        return place[0], place[1]

    def _write_class(self, feature: ogr.Feature, source: FeatureSource, code: int) -> None:
        index = feature.GetFieldIndex(source.class_field)
        by_name = feature.GetFieldDefnRef(index).GetType() == ogr.OFTString
        feature.SetField(index, self._legend.with_code(code).name if by_name else code)

    def _read(self) -> None:
        """Read the samples and corrections as a run does."""
        try:
            has_samples = holds_samples(self.path)
            samples = present_samples(self.path, self._legend, self._grid) if has_samples else ()
            corrections = read_corrections(self.path, self._legend, self._grid)
        except AlcdError as error:
            log.warning("%s", error)
            self._problem = str(error)
        else:
            self._samples, self._corrections, self._problem = samples, corrections, ""
        self._revision += 1

    def _take(self, handle: OpenFile, name: str, number: int) -> None:
        """Take over one feature that the store has changed."""
        source = handle.sources[name]
        # As in samples.gpkg:12 and, for parts, samples.gpkg:12/3.
        own = f"{source.name}:{number}"
        listed = self._corrections if name == CORRECTIONS else self._samples
        kept = [sample for sample in listed if sample.feature.partition("/")[0] != own]
        kept += samples_at(handle.layers[name], number, source)
        ordered = tuple(sorted(kept, key=_number_of))
        if name == CORRECTIONS:
            self._corrections = ordered
        else:
            self._samples = ordered
        self._revision += 1


def _step(handle: OpenFile, action: Undo | Redo) -> tuple[str, int] | None:
    """Undo the last change, or do it again. Returns the layer and the number of what changed, or None."""
    redo = isinstance(action, Redo)
    found = handle.history.last_undone() if redo else handle.history.last_done()
    handle.history.record_step(action.id, None if found is None else found.number, undone=not redo)
    if found is None:
        return None
    name, number, before, after = found.change
    expected, wanted = (before, after) if redo else (after, before)
    layer = handle.layers[name]
    if stored_feature(layer, number) != expected:
        # The change of the other program stays, and the step counts as done, so that the one before can be undone.
        log.warning("a label was changed by another program since, and stays as it is")
        return None
    restore_feature(layer, number, wanted)
    return name, number


def _number_of(sample: Sample) -> tuple[int, int]:
    """Return the number of a sample's feature, and of its part: the order in which the file is read."""
    feature, _, part = sample.feature.rpartition(":")[2].partition("/")
    return int(feature), int(part or 0)
