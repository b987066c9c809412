"""Propose the places to label next from an iteration, and write them as a layer to visit in QGIS."""

from collections.abc import Sequence
from pathlib import Path

from alcd_otb.active_learning.foreign_labels import keep_foreign
from alcd_otb.active_learning.layer import PlaceRecord, as_records, write_places
from alcd_otb.active_learning.places import propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.errors import ConfigurationError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import MOST_PLACES, Template
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings


def check_gives_places(workspace: Workspace, template: Template) -> None:
    """Check that the last iteration has a confidence, by which places are chosen.

    Parameters
    ----------
    workspace
        The scene's workspace.
    template
        Names the classifier.

    Raises
    ------
    ConfigurationError
        Where no iteration is finished, or its classifier gave no confidence.
    """
    if CertaintyMaps.of(workspace.last_iteration()) is None:
        name = template.classifier["classifier"]
        raise ConfigurationError(
            f"classifier {name!r} gives no confidence to choose places by; choose another one, such as 'rf'"
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

    Without a confidence to choose places by, the file is removed. What people have saved in it is kept in a copy.

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
        Where so many places are not proposed.
    ProcessingError
        Where a raster cannot be read or the file cannot be written.
    SampleError
        Where a polygon is too large.
    """
    if number is not None and not 1 <= number <= MOST_PLACES:
        raise ConfigurationError(f"{number} places are not proposed in a turn; ask for 1 to {MOST_PLACES}")
    maps = CertaintyMaps.of(iteration)
    if maps is None:
        keep_foreign(workspace, template.legend)
        workspace.to_visit.unlink(missing_ok=True)
        return []
    queries = template.queries if number is None else template.queries.model_copy(update={"number": number})
    with gdal_threads(settings.threads):
        places = propose_places(maps, workspace.features, samples, template.legend, queries, template.samples.seed)
    grid = Grid.of(str(maps.labels))
    records = as_records(places, template.legend, grid)
    keep_foreign(workspace, template.legend)
    with workspace.scratch() as scratch:
        write_places(workspace.to_visit, records, grid, scratch)
    return records
