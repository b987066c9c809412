"""Prepare a scene: write the feature stack, the view and the mask of valid pixels, which all iterations use."""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.writing import write_json
from alcd_otb.pictures.looks import LOOKS, ReducedImage, computed_looks, layer_numbers, remarks_on
from alcd_otb.preparation.doubtful_values import doubts_of, product_warnings, stack_warnings
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.kept_levels import KeptLevels
from alcd_otb.preparation.sources import Levels, feature_levels
from alcd_otb.preparation.stacks import write_picture, write_scene_stacks, write_view
from alcd_otb.preparation.stages import Stage, levels_for_later, picture_of, stages_of, view_alone, with_coarse_view
from alcd_otb.preparation.valid_mask import PixelCounts, margin_warnings, write_valid
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.view import View
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads, kept_memory
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

_STAGE = "stage"
"""Key of the last complete stage of the preparation."""
_TEMPLATE_LOOKS = "template_looks"
"""Key of the digest of the looks that the template had when the recorded ones were computed."""


def is_prepared(workspace: Workspace, fingerprint: str) -> bool:
    """Return whether the workspace holds all rasters of exactly these inputs and settings.

    Parameters
    ----------
    workspace
        The workspace of the scene.
    fingerprint
        The digest of the inputs, as `Inputs.fingerprint` gives it. A record that cannot be read does not match it.
    """
    return prepared_stage(workspace, fingerprint) == Stage.VIEW


def prepared_stage(workspace: Workspace, fingerprint: str) -> Stage | None:
    """Return the last complete stage of the preparation of these inputs and settings. None if there is none.

    Parameters
    ----------
    workspace, fingerprint
        As for `is_prepared`.
    """
    try:
        record = _record(workspace)
        stage = Stage(record[_STAGE])
        if record["fingerprint"] != fingerprint or not workspace.view.is_file():
            return None
        if stage != Stage.PICTURE:
            pixel_counts(workspace)
            if not (workspace.features.is_file() and workspace.valid.is_file()):
                return None
    except (UnreadableError, ValueError, KeyError, TypeError):
        return None
    return stage


def pixel_counts(workspace: Workspace) -> PixelCounts:
    """Read the counts of pixels of the last preparation."""
    return PixelCounts(**_record(workspace)["pixels"])


def update_looks(inputs: Inputs, workspace: Workspace) -> bool:
    """Compute the looks of a prepared scene again if its template's looks have changed.

    Parameters
    ----------
    inputs
        The template of the scene.
    workspace
        The workspace of the scene, locked and prepared.

    Returns
    -------
    bool
        Whether there are new looks, so that pictures are out of date.
    """
    record = _record(workspace)
    if record.get(_TEMPLATE_LOOKS) == _template_looks(inputs):
        return False
    image = ReducedImage(workspace.view, workspace.valid)
    _warn_of_looks(image, inputs.template.view)
    write_json(workspace.preparation, {**record, **_looks(inputs, image)})
    return True


def _warn_of_clipped(view: Path) -> None:
    """Warn of layers whose integers did not hold all values, as the writer has counted."""
    dataset = open_raster(view)
    for name, number in layer_numbers(dataset).items():
        band = dataset.GetRasterBand(number)
        clipped = band.GetMetadataItem("CLIPPED")
        if clipped:
            log.warning(
                "%s: %s values of the layer %r do not fit into 16-bit integers in steps of %g, and are clipped; "
                "give the layer a larger step in the template's view",
                view,
                clipped,
                name,
                band.GetScale(),
            )


def _template_looks(inputs: Inputs) -> str:
    looks = [look.model_dump(mode="json") for look in inputs.template.view.looks]
    return hashlib.sha256(json.dumps(looks, sort_keys=True).encode()).hexdigest()


def _looks(inputs: Inputs, image: ReducedImage) -> dict[str, Any]:
    """Compute what the record holds of the looks."""
    looks = computed_looks(image, inputs.template.view)
    return {_TEMPLATE_LOOKS: _template_looks(inputs), LOOKS: [look.as_json() for look in looks]}


def _warn_of_looks(image: ReducedImage, view: View) -> None:
    """Warn of looks that are nearly black or white."""
    for remark in remarks_on(image, computed_looks(image, view)):
        log.warning("%s", remark)


def _record(workspace: Workspace) -> Any:
    return read_json(workspace.preparation)


def remove_pictures(workspace: Workspace) -> None:
    """Remove the pictures of the view, which are out of date."""
    for picture in (workspace.quicklook, workspace.preview):
        picture.unlink(missing_ok=True)


def _nothing(_stage: Stage) -> None:
    pass


def prepare(
    inputs: Inputs,
    workspace: Workspace,
    fingerprint: str,
    settings: Settings,
    when_whole: Callable[[Stage], None] = _nothing,
) -> None:
    """Write ``features.tif``, ``view.tif`` and ``valid.tif``, from the first stage that is not complete.

    The files of a stage replace older ones only when all are complete. A killed run loses the stage that it was at.

    Parameters
    ----------
    inputs
        The images of the scene, and the features.
    workspace
        The workspace of the scene, locked.
    fingerprint
        The digest of the inputs, which is recorded with the rasters.
    settings
        Memory and threads.
    when_whole
        Called when a stage is complete.

    Raises
    ------
    ProductError
        The file of a band is damaged.
    """
    with workspace.scratch() as folder:
        _prepare(inputs, _Place(workspace, fingerprint, settings, KeptLevels(folder)), when_whole)


class _Place(NamedTuple):
    """Where a scene is prepared, and with what."""

    workspace: Workspace
    fingerprint: str
    settings: Settings
    kept: KeptLevels

    def record(self, stage: Stage, *parts: dict[str, Any]) -> None:
        """Record that a stage is complete."""
        content = {"fingerprint": self.fingerprint, _STAGE: stage}
        for part in parts:
            content |= part
        write_json(self.workspace.preparation, content)


def _prepare(inputs: Inputs, place: _Place, when_whole: Callable[[Stage], None]) -> None:
    workspace, threads = place.workspace, place.settings.threads
    stages, done = stages_of(inputs), prepared_stage(workspace, place.fingerprint)
    coarse, view = with_coarse_view(inputs), view_alone(inputs)
    checked: tuple[str, ...] = ()
    if done is None:
        remove_pictures(workspace)
        picture = picture_of(inputs)
        # An existing view shows more than a first picture would.
        if picture is not None and Stage.PICTURE in stages and not workspace.view.is_file():
            picture.check_bytes(threads)
            checked = picture.band_names
            place.record(Stage.PICTURE, _make_picture(picture, place, levels_for_later(picture, coarse)))
            when_whole(Stage.PICTURE)
    if done == Stage.FEATURES:
        record = _record(workspace)
        found = {key: record[key] for key in ("pixels", "warnings")}
    else:
        inputs.check_bytes(threads, checked)
        if Stage.FEATURES in stages:
            found = _make_features(coarse, place, levels_for_later(coarse, view))
            place.record(Stage.FEATURES, found, _looks(inputs, ReducedImage(workspace.view, workspace.valid)))
            when_whole(Stage.FEATURES)
        else:
            found = _make_features(inputs, place, {})
    if Stage.FEATURES in stages:
        _make_view(view, place)
    _warn_of_clipped(workspace.view)
    image = ReducedImage(workspace.view, workspace.valid)
    _warn_of_looks(image, inputs.template.view)
    place.record(Stage.VIEW, found, _looks(inputs, image))
    when_whole(Stage.VIEW)


def _make_picture(picture: Inputs, place: _Place, keep: Levels) -> dict[str, Any]:
    """Write the first picture instead of the view. Returns what the record holds of its looks."""
    workspace, settings = place.workspace, place.settings
    with gdal_threads(settings.threads), kept_memory(), workspace.scratch() as folder:
        made = write_picture(picture, folder, settings, place.kept, keep)
        looks = _looks(picture, ReducedImage(made.view, made.mask))
        os.replace(made.view, workspace.view)
    return looks


def _make_features(inputs: Inputs, place: _Place, keep: Levels) -> dict[str, Any]:
    """Write the features, the mask of valid pixels and the view. Returns the counts of pixels for the record."""
    workspace, settings = place.workspace, place.settings
    with gdal_threads(settings.threads), kept_memory(), workspace.scratch() as folder:
        stacks = write_scene_stacks(inputs, folder, settings, place.kept, keep)
        valid, counts = write_valid(inputs, feature_levels(inputs), stacks.state, folder, settings)
        doubtful = product_warnings(doubts_of(inputs), stacks.doubts, valid) + stack_warnings(inputs)
        warnings = (*doubtful, *margin_warnings(inputs, counts))
        workspace.preparation.unlink(missing_ok=True)
        os.replace(stacks.features, workspace.features)
        os.replace(valid, workspace.valid)
        os.replace(stacks.view, workspace.view)
    for warning in warnings:
        log.warning("%s", warning)
    return {"pixels": asdict(counts), "warnings": warnings}


def _make_view(inputs: Inputs, place: _Place) -> None:
    """Write the view alone. The pictures of the earlier view are removed."""
    workspace, settings = place.workspace, place.settings
    with gdal_threads(settings.threads), kept_memory(), workspace.scratch() as folder:
        view = folder / "view.tif"
        write_view(inputs, view, settings, place.kept)
        # Before the new view exists, so that a killed run leaves no outdated view.
        remove_pictures(workspace)
        os.replace(view, workspace.view)
