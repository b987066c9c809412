"""Propose the places to label next, and write them as a layer to visit in QGIS.

The places come from the last map, or from the pixels of the scene if there is no map yet.
"""

from collections.abc import Sequence
from pathlib import Path

from alcd_otb.active_learning.answers import Answers, answers_to, are_answered
from alcd_otb.active_learning.foreign_labels import keep_foreign
from alcd_otb.active_learning.layer import Asked, PlaceRecord, as_records, read_asked, write_places
from alcd_otb.active_learning.places import Place, propose_places
from alcd_otb.active_learning.start_places import propose_start_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.errors import ConfigurationError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.steps import MOST_PLACES
from alcd_otb.settings.template import Template
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings


def check_gives_places(workspace: Workspace, template: Template) -> None:
    """Check that the scene is prepared, and that its last iteration, if any, has a confidence.

    Parameters
    ----------
    workspace
        The scene's workspace.
    template
        Names the classifier.

    Raises
    ------
    ConfigurationError
        If the scene is not prepared, or the classifier of its last iteration gave no confidence.
    """
    if not workspace.iterations():
        if not (workspace.preparation.is_file() and workspace.features.is_file()):
            raise ConfigurationError(f"{workspace.folder}: is not prepared; run the scene first")
        return
    if CertaintyMaps.of(workspace.last_iteration()) is None:
        name = template.classifier["classifier"]
        raise ConfigurationError(
            f"classifier {name!r} gives no confidence, which choosing places needs; choose another one, such as 'rf'"
        )


def update_places(
    workspace: Workspace,
    iteration: Path,
    samples: Sequence[Sample],
    template: Template,
    settings: Settings,
    number: int | None = None,
) -> list[PlaceRecord]:
    """Write ``to_visit.gpkg`` from the maps of an iteration.

    Without a confidence, the file is removed. Changes that people saved in it are kept in a copy.

    Parameters
    ----------
    workspace
        The scene's workspace, whose features are compared.
    iteration
        Folder of the iteration.
    samples
        All samples, whether trained on or not.
    template
        The classes, and the settings of the choice.
    settings
        Number of threads.
    number
        Number of places, from 1 to MOST_PLACES. None for that of the template.

    Returns
    -------
    list
        The content of the file, as `as_records` gives it.

    Raises
    ------
    ConfigurationError
        If the number of places is out of range.
    ProcessingError
        If a raster cannot be read or the file cannot be written.
    SampleError
        If a polygon is too large.
    """
    _check_number(number)
    maps = CertaintyMaps.of(iteration)
    if maps is None:
        keep_foreign(workspace, template.legend)
        workspace.to_visit.unlink(missing_ok=True)
        return []
    queries = template.queries if number is None else template.queries.model_copy(update={"number": number})
    grid = Grid.of(str(maps.labels))
    answers = _answers(workspace, samples, grid)
    with gdal_threads(settings.threads):
        places = propose_places(maps, workspace.features, answers, template.legend, queries, template.samples.seed)
    return _written(places, answers, workspace, template, grid)


def update_start_places(
    workspace: Workspace,
    samples: Sequence[Sample],
    template: Template,
    settings: Settings,
    number: int | None = None,
) -> list[PlaceRecord]:
    """Write ``to_visit.gpkg`` for a prepared scene that has no map yet: a place of each kind of pixel without a sample.

    Changes that people saved in the file are kept in a copy.

    Parameters
    ----------
    workspace
        The scene's workspace.
    samples
        All present samples.
    template
        The classes, and the settings of the choice.
    settings
        Number of threads.
    number
        Number of kinds, from 1 to MOST_PLACES. None for that of the template.

    Returns
    -------
    list
        The content of the file, as `as_records` gives it. Empty if every kind has a sample.

    Raises
    ------
    ConfigurationError
        If the number of places is out of range.
    ProcessingError
        If a raster cannot be read or the file cannot be written.
    SampleError
        If a polygon is too large.
    """
    _check_number(number)
    kinds = template.queries.start if number is None else number
    with gdal_threads(settings.threads):
        places = propose_start_places(workspace.features, workspace.valid, samples, kinds, template.samples.seed)
    grid = Grid.of(str(workspace.features))
    return _written(places, _answers(workspace, samples, grid), workspace, template, grid)


def update_latest_places(
    workspace: Workspace,
    samples: Sequence[Sample],
    template: Template,
    settings: Settings,
    number: int | None,
    maps: Path | None = None,
) -> list[PlaceRecord]:
    """Write ``to_visit.gpkg`` from the last iteration, or from the pixels of the scene if there is none.

    Parameters
    ----------
    workspace, samples, template, settings, number
        As for `update_places` and `update_start_places`.
    maps
        Folder of maps to choose by instead of those of the last iteration.
    """
    if maps is not None:
        return update_places(workspace, maps, samples, template, settings, number)
    iterations = workspace.iterations()
    if not iterations:
        return update_start_places(workspace, samples, template, settings, number)
    return update_places(workspace, iterations[-1], samples, template, settings, number)


def nothing_left(workspace: Workspace) -> str:
    """Describe in one sentence why no place is proposed."""
    if workspace.iterations():
        return "no place is left: all pixels of the map are samples, or near one"
    return "no place is left before the first map: each kind of pixel in the scene has a sample; run the scene"


def _check_number(number: int | None) -> None:
    if number is not None and not 1 <= number <= MOST_PLACES:
        raise ConfigurationError(f"{number} places cannot be proposed at a time; ask for 1 to {MOST_PLACES}")


def _answers(workspace: Workspace, samples: Sequence[Sample], grid: Grid) -> Answers:
    """Find what the operator did with the places so far."""
    asked = read_asked(workspace.to_visit)
    return answers_to(asked.proposed, asked.left_out, samples, grid)


def _written(
    places: Sequence[Place], answers: Answers, workspace: Workspace, template: Template, grid: Grid
) -> list[PlaceRecord]:
    records = as_records(places, template.legend, grid)
    locations = [(record["x"], record["y"]) for record in records]
    near = are_answered(locations, answers.samples, grid)
    told = tuple(place for place, is_near in zip(locations, near, strict=True) if not is_near)
    keep_foreign(workspace, template.legend)
    with workspace.scratch() as scratch:
        write_places(workspace.to_visit, records, grid, scratch, Asked(told, tuple(answers.left_out)))
    return records
