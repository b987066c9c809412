"""Prepare a scene: write the feature stack, the view and the mask of valid pixels, which all iterations use."""

import logging
import os
from dataclasses import asdict
from typing import Any

from alcd_otb.files.json_file import read_json
from alcd_otb.files.writing import write_json
from alcd_otb.preparation.doubtful_values import doubts_of, product_warnings, stack_warnings
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.sources import wavelet_levels
from alcd_otb.preparation.stacks import write_scene_stacks
from alcd_otb.preparation.valid_mask import PixelCounts, margin_warnings, write_valid
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads, kept_memory
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)


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
        write_json(workspace.preparation, {"fingerprint": fingerprint, "pixels": asdict(counts), "warnings": warnings})
    for warning in warnings:
        log.warning("%s", warning)
