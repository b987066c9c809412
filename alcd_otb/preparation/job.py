"""Prepare a scene: write the feature stack, the view and the mask of valid pixels, which all iterations use."""

import hashlib
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alcd_otb.files.json_file import read_json
from alcd_otb.files.writing import write_json
from alcd_otb.pictures.looks import LOOKS, ReducedImage, computed_looks, layer_numbers, remarks_on
from alcd_otb.preparation.doubtful_values import doubts_of, product_warnings, stack_warnings
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.sources import wavelet_levels
from alcd_otb.preparation.stacks import write_scene_stacks
from alcd_otb.preparation.valid_mask import PixelCounts, margin_warnings, write_valid
from alcd_otb.raster.opening import open_raster
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads, kept_memory
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

_TEMPLATE_LOOKS = "template_looks"
"""Key of the digest of the looks that the template had when the recorded ones were computed."""


def is_prepared(workspace: Workspace, fingerprint: str) -> bool:
    """Say whether the workspace holds the rasters of exactly these inputs and settings.

    Parameters
    ----------
    workspace
        The workspace of the scene.
    fingerprint
        The digest of the inputs, as `Inputs.fingerprint` gives it. A record that cannot be read does not match it.
    """
    rasters = (workspace.features, workspace.view, workspace.valid)
    if not all(path.is_file() for path in (workspace.preparation, *rasters)):
        return False
    try:
        return bool(_record(workspace)["fingerprint"] == fingerprint) and bool(pixel_counts(workspace))
    except (ValueError, KeyError, TypeError):
        return False


def pixel_counts(workspace: Workspace) -> PixelCounts:
    """Read the counts of pixels of the last preparation."""
    return PixelCounts(**_record(workspace)["pixels"])


def update_looks(inputs: Inputs, workspace: Workspace) -> bool:
    """Compute the looks of a prepared scene anew if its template's looks are others than when they were computed.

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
    write_json(workspace.preparation, {**record, **_looks(inputs, workspace.view, workspace.valid)})
    return True


def _warn_of_clipped(view: Path) -> None:
    """Warn of layers whose integers did not hold all values, as the writer has counted."""
    dataset = open_raster(view)
    for name, number in layer_numbers(dataset).items():
        band = dataset.GetRasterBand(number)
        clipped = band.GetMetadataItem("CLIPPED")
        if clipped:
            log.warning(
                "%s: %s values of the layer %r are beyond what 16-bit integers in steps of %g hold, and are clipped; "
                "give the layer a larger step in the template's view",
                view,
                clipped,
                name,
                band.GetScale(),
            )


def _template_looks(inputs: Inputs) -> str:
    looks = [look.model_dump(mode="json") for look in inputs.template.view.looks]
    return hashlib.sha256(json.dumps(looks, sort_keys=True).encode()).hexdigest()


def _looks(inputs: Inputs, view: Path, valid: Path) -> dict[str, Any]:
    """Compute what the record holds of the looks, and warn of those in which nothing can be seen."""
    image = ReducedImage(view, valid)
    looks = computed_looks(image, inputs.template.view)
    for remark in remarks_on(image, looks):
        log.warning("%s", remark)
    return {_TEMPLATE_LOOKS: _template_looks(inputs), LOOKS: [look.as_json() for look in looks]}


def _record(workspace: Workspace) -> Any:
    return read_json(workspace.preparation)


def prepare(inputs: Inputs, workspace: Workspace, fingerprint: str, settings: Settings) -> None:
    """Write ``features.tif``, ``view.tif`` and ``valid.tif``. They replace older ones only when all are complete.

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

    Raises
    ------
    ProductError
        The file of a band is damaged.
    """
    inputs.check_bytes(settings.threads)
    with gdal_threads(settings.threads), kept_memory(), workspace.scratch() as folder:
        levels = wavelet_levels(inputs)
        stacks = write_scene_stacks(inputs, levels, folder, settings)
        valid, counts = write_valid(inputs, levels, stacks.state, folder, settings)
        doubtful = product_warnings(doubts_of(inputs), stacks.doubts, valid) + stack_warnings(inputs)
        warnings = (*doubtful, *margin_warnings(inputs, counts))
        workspace.preparation.unlink(missing_ok=True)
        os.replace(stacks.features, workspace.features)
        os.replace(valid, workspace.valid)
        os.replace(stacks.view, workspace.view)
    # Once the memory that was kept for decoding is given back.
    _warn_of_clipped(workspace.view)
    looks = _looks(inputs, workspace.view, workspace.valid)
    record = {"fingerprint": fingerprint, "pixels": asdict(counts), "warnings": warnings}
    write_json(workspace.preparation, {**record, **looks})
    for warning in warnings:
        log.warning("%s", warning)
