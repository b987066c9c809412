"""The places to label next, proposed from an iteration and written where the operator finds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alcd_otb.active_learning.places import as_records, write_places
from alcd_otb.active_learning.selection import Maps, propose_places
from alcd_otb.errors import ConfigurationError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import gdal_threads
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings

Records = list[dict[str, Any]]


def check_proposes(workspace: Workspace, template: Template) -> None:
    """Raises ConfigurationError where no iteration is finished, or its classifier gave nothing to choose places by."""
    if Maps.of(workspace.last_iteration()) is None:
        name = template.classifier["classifier"]
        raise ConfigurationError(
            f"classifier {name!r} gives no confidence to choose places by; choose another one, such as 'rf'"
        )


def update_visits(
    workspace: Workspace,
    iteration: Path,
    samples: Sequence[Sample],
    template: Template,
    settings: Settings,
    number: int | None = None,
) -> Records:
    """Write to_visit.gpkg from an iteration's folder, and return what it holds, as `query_files.as_records` does.

    number: places wanted, else as many as the template says. Without a confidence to choose by there is no such file.
    Raises ProcessingError where a raster cannot be read or the file cannot be written.
    """
    maps = Maps.of(iteration)
    if maps is None:
        workspace.to_visit.unlink(missing_ok=True)
        return []
    queries = template.queries if number is None else template.queries.model_copy(update={"number": number})
    with gdal_threads(settings.threads):
        places = propose_places(maps, workspace.features, samples, template.legend, queries, template.samples.seed)
    grid = Grid.of(str(maps.labels))
    records = as_records(places, template.legend, grid)
    with workspace.scratch() as scratch:
        write_places(workspace.to_visit, records, grid, scratch)
    return records
