"""How good a map is: points drawn for blind labelling, and what they estimate once they are labelled."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alcd_otb.accuracy.estimate import AccuracyEstimate, ClassFigures
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.accuracy.points import read_labels, write_points
from alcd_otb.accuracy.stratified import FEWEST, LabelledSample
from alcd_otb.errors import ConfigurationError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram, values_at
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import Workspace, checksum, write_json, write_text

log = logging.getLogger(__name__)


def plan_accuracy(workspace: Workspace, legend: Legend, size: int, seed: int, replace: bool) -> AccuracyPlan:
    """Draw the points from the latest map and write accuracy.gpkg and accuracy_plan.json.

    replace: put points that are labelled aside, under another name, and draw new ones.

    Raises ConfigurationError where there are too few points for the map's classes; SampleError where points that
    are labelled would be lost, or are open in another program.
    """
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
        os.replace(scratch / "accuracy.gpkg", workspace.accuracy_points)
        os.replace(scratch / "accuracy_plan.json", workspace.accuracy_plan)
    return plan


def estimate_accuracy(
    workspace: Workspace, legend: Legend, iteration: int | None, labelled_only: bool
) -> AccuracyEstimate:
    """Estimate a map's accuracy, by default the latest one's, and write accuracy_estimate.json and its table.

    labelled_only: leave out the points without a class, instead of refusing.

    Raises SampleError where points are not labelled, too few are, or the map does not cover what the plan's did;
    ConfigurationError where there is no such iteration.
    """
    plan = AccuracyPlan.read(workspace.accuracy_plan)
    folder = workspace.last_iteration() if iteration is None else workspace.iteration(iteration)
    labels = folder / "labels.tif"
    if Grid.of(str(labels)) != plan.grid:
        raise SampleError(f"{labels}: is on another grid than the map of the plan; draw new points")
    found = read_labels(workspace.accuracy_points, plan, legend)
    _check_complete(workspace, plan, found, labelled_only)
    sample = _sample(plan, found, labels, legend)
    result = _figures(plan, sample, folder, len(found), legend)
    write_json(workspace.accuracy_estimate, result.as_json())
    write_text(workspace.accuracy_estimate.with_suffix(".csv"), result.table())
    return result


def _check_replaceable(workspace: Workspace, legend: Legend, replace: bool) -> None:
    points = workspace.accuracy_points
    if not points.exists():
        return
    # SQLite keeps these beside a file that is open; they would spoil the one that takes its place.
    if points.with_name(points.name + "-wal").exists() or points.with_name(points.name + "-shm").exists():
        raise SampleError(f"{points}: is open in another program; save and close it there")
    if replace:
        return
    labelled = len(read_labels(points, AccuracyPlan.read(workspace.accuracy_plan), legend))
    if labelled:
        raise SampleError(f"{points}: {labelled} points are labelled; draw new ones and put these aside with --replace")


def _put_aside(workspace: Workspace) -> None:
    """Rename a former plan and its points, so that no label is lost."""
    former = [path for path in (workspace.accuracy_points, workspace.accuracy_plan) if path.exists()]
    number = 1
    while any(path.with_stem(f"{path.stem}_former_{number}").exists() for path in former):
        number += 1
    for path in former:
        path.rename(path.with_stem(f"{path.stem}_former_{number}"))


def _check_complete(
    workspace: Workspace, plan: AccuracyPlan, found: dict[tuple[int, int], int], labelled_only: bool
) -> None:
    planned = len(plan.points)
    missing = planned - len(found)
    if missing and not labelled_only:
        raise SampleError(
            f"{workspace.accuracy_points}: {missing} of {planned} points have no class; label them, or "
            "estimate from the others with --labelled-only (mostly those hard to tell are left out, and the map looks "
            "too good)"
        )
    if missing:
        log.warning("%d of %d points have no class and are left out: the map may look too good", missing, planned)
    for stratum in plan.strata:
        labelled = sum((one.row, one.column) in found for one in plan.points if one.stratum == stratum.code)
        if labelled < min(FEWEST, stratum.points):
            raise SampleError(
                f"{workspace.accuracy_points}: of one class of the map, {labelled} points are labelled; an estimate "
                f"needs {FEWEST} of each: label more"
            )


def _sample(plan: AccuracyPlan, found: dict[tuple[int, int], int], labels: Path, legend: Legend) -> LabelledSample:
    mapped = values_at(labels, plan.rows, plan.columns)[:, 0].tolist()
    pixels = histogram(labels)
    if sum(pixels[code] for code in legend.codes) != plan.sizes.sum() or not set(mapped) <= set(legend.codes):
        raise SampleError(f"{labels}: has other pixels without data than the map of the plan; draw new points")
    strata = {one.code: index for index, one in enumerate(plan.strata)}
    classes = {code: index for index, code in enumerate(legend.codes)}
    counts = np.zeros((len(strata), len(classes), len(classes)), dtype=np.int64)
    for point, code in zip(plan.points, mapped, strict=True):
        reference = found.get((point.row, point.column))
        if reference is not None:
            counts[strata[point.stratum], classes[code], classes[reference]] += 1
    return LabelledSample(plan.sizes, counts)


def _figures(
    plan: AccuracyPlan, sample: LabelledSample, folder: Path, labelled: int, legend: Legend
) -> AccuracyEstimate:
    labels = folder / "labels.tif"
    hectares = plan.grid.pixel_hectares
    pixels = histogram(labels)
    mapped = [pixels[code] * hectares for code in legend.codes]
    counts = sample.counts.sum(axis=0)
    occurring = [
        index for index in range(len(mapped)) if mapped[index] or counts[index].any() or counts[:, index].any()
    ]
    groups = [0 if code in legend.positive_codes else 1 for code in legend.codes]
    binary = sample.merged(groups, 2)
    sides = [sum(area for area, side in zip(mapped, groups, strict=True) if side == wanted) for wanted in (0, 1)]
    both = set(groups) == {0, 1}
    chosen = np.ix_(occurring, occurring)
    return AccuracyEstimate(
        iteration=int(folder.name),
        labels=labels,
        planned_iteration=plan.iteration,
        is_planned_map=checksum(labels) == plan.checksum,
        points=len(plan.points),
        labelled=labelled,
        overall_accuracy=sample.overall_accuracy(),
        classes=tuple(_of_class(sample, index, legend.names[index], mapped) for index in occurring),
        matrix=counts.T[chosen],
        area_matrix=sample.area_matrix[chosen],
        sides=legend.positive,
        two_class_accuracy=binary.overall_accuracy() if both else None,
        positive=_of_class(binary, 0, legend.positive.name, sides) if both else None,
        negative=_of_class(binary, 1, legend.positive.others, sides) if both else None,
    )


def _of_class(sample: LabelledSample, index: int, name: str, mapped: Sequence[float]) -> ClassFigures:
    counts = sample.counts.sum(axis=0)
    share = sample.area_share(index)
    area = sum(mapped)
    return ClassFigures(
        name=name,
        points_mapped=int(counts[index].sum()),
        points_true=int(counts[:, index].sum()),
        mapped_hectares=mapped[index],
        users_accuracy=sample.users_accuracy(index),
        producers_accuracy=sample.producers_accuracy(index),
        f1=sample.f1(index),
        share=share,
        hectares=None if share is None else share.times(area),
    )
