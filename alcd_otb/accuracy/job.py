"""Estimate how accurate a map is: draw points for blind labelling, and evaluate their labels."""

import logging
import os
from collections.abc import Mapping

from alcd_otb.accuracy.estimate import AccuracyEstimate, estimate_of, labelled_sample
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.accuracy.points import LAYER, Pixel, read_labels, write_points
from alcd_otb.accuracy.stratified import FEWEST
from alcd_otb.errors import ConfigurationError, SampleError
from alcd_otb.files.writing import write_json, write_text, writing_to
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)

_OTHERS = (
    ", or estimate from the others with --labelled-only (mostly difficult points are then left out, and the map "
    "looks better than it is)"
)


MOST_POINTS = 100_000
"""Most points of a plan."""


def plan_accuracy(workspace: Workspace, legend: Legend, size: int, seed: int, replace: bool) -> AccuracyPlan:
    """Draw points from the latest map, and write ``accuracy.gpkg`` and ``accuracy_plan.json``.

    Parameters
    ----------
    workspace
        The scene's workspace.
    legend
        The classes.
    size
        Number of points.
    seed
        Seed of the draw.
    replace
        Whether to draw new points where labelled points exist; these are kept under another name.

    Raises
    ------
    ConfigurationError
        If there are too few points for the classes of the map, or more than MOST_POINTS.
    SampleError
        If labelled points would be lost, or are open in another program.
    """
    if size > MOST_POINTS:
        raise ConfigurationError(f"{size} points are too many to label; ask for at most {MOST_POINTS} with -n")
    folder = workspace.last_iteration()
    _check_replaceable(workspace, legend, replace)
    try:
        plan = AccuracyPlan.draw(folder / "labels.tif", int(folder.name), size, seed, legend)
    except ValueError as error:
        raise ConfigurationError(f"{error}; ask for more with -n") from error
    with workspace.scratch() as scratch:
        write_points(scratch / "accuracy.gpkg", plan)
        write_json(scratch / "accuracy_plan.json", plan.as_json())
        _put_aside(workspace)
        # The plan first: points without one could be neither evaluated nor replaced.
        os.replace(scratch / "accuracy_plan.json", workspace.accuracy_plan)
        os.replace(scratch / "accuracy.gpkg", workspace.accuracy_points)
    return plan


def estimate_accuracy(
    workspace: Workspace, legend: Legend, iteration: int | None, labelled_only: bool
) -> AccuracyEstimate:
    """Estimate the accuracy of a map, and write ``accuracy_estimate.json`` and its table.

    Parameters
    ----------
    workspace
        The scene's workspace.
    legend
        The classes.
    iteration
        Number of the iteration of the map. None for the latest.
    labelled_only
        Whether to leave out points without a class instead of refusing them.

    Raises
    ------
    SampleError
        If points are not labelled, too few are, or the map has data in other pixels than the map of the plan.
    ConfigurationError
        If the iteration does not exist.
    """
    plan = AccuracyPlan.read(workspace.accuracy_plan)
    folder = workspace.last_iteration() if iteration is None else workspace.iteration(iteration)
    labels = folder / "labels.tif"
    if Grid.of(str(labels)) != plan.grid:
        raise SampleError(f"{labels}: is on another grid than the map of the plan; draw new points")
    classes_by_pixel = read_labels(workspace.accuracy_points, plan, legend)
    _check_complete(workspace, plan, classes_by_pixel, labelled_only)
    sample = labelled_sample(plan, classes_by_pixel, labels, legend)
    result = estimate_of(plan, sample, folder, len(classes_by_pixel), legend)
    with writing_to(workspace.folder):
        write_json(workspace.accuracy_estimate, result.as_json())
        write_text(workspace.accuracy_estimate.with_suffix(".csv"), result.table())
    return result


def _check_replaceable(workspace: Workspace, legend: Legend, replace: bool) -> None:
    points = workspace.accuracy_points
    if not points.exists():
        return
    # SQLite keeps these files beside a database that is open; they would damage the file that replaces it.
    if points.with_name(points.name + "-wal").exists() or points.with_name(points.name + "-shm").exists():
        raise SampleError(f"{points}: is open in another program; save and close it there")
    if replace:
        return
    labelled = len(read_labels(points, AccuracyPlan.read(workspace.accuracy_plan), legend))
    if labelled:
        raise SampleError(f"{points}: {labelled} points are labelled; draw new ones and put these aside with --replace")


def _put_aside(workspace: Workspace) -> None:
    """Rename an earlier plan and its points, so that no label is lost."""
    former = [path for path in (workspace.accuracy_points, workspace.accuracy_plan) if path.exists()]
    number = 1
    while any(path.with_stem(f"{path.stem}_former_{number}").exists() for path in former):
        number += 1
    for path in former:
        path.rename(path.with_stem(f"{path.stem}_former_{number}"))


def _check_complete(
    workspace: Workspace, plan: AccuracyPlan, classes_by_pixel: Mapping[Pixel, int], labelled_only: bool
) -> None:
    planned = len(plan.points)
    labelled_of = {
        stratum: sum(
            (point.row, point.column) in classes_by_pixel for point in plan.points if point.stratum == stratum.code
        )
        for stratum in plan.strata
    }
    few = {stratum: count for stratum, count in labelled_of.items() if count < min(FEWEST, stratum.points)}
    missing = planned - len(classes_by_pixel)
    if missing and not labelled_only:
        raise SampleError(
            f"{workspace.accuracy_points}: {missing} of {planned} points have no class; label them"
            f"{'' if few else _OTHERS}: {_how_to_label(workspace)}"
        )
    if missing:
        log.warning(
            "%d of %d points have no class and are left out, so the map may look better than it is", missing, planned
        )
    if few:
        # The name of the class would show the person the map's class at the points.
        raise SampleError(
            f"{workspace.accuracy_points}: of one class of the map, {min(few.values())} points are labelled; an "
            f"estimate needs {FEWEST} of each; label more: {_how_to_label(workspace)}"
        )


def _how_to_label(workspace: Workspace) -> str:
    return (
        f"open {workspace.accuracy_project} in QGIS, give each point of the layer {LAYER!r} its class in "
        "the form, and save the layer"
    )
