"""Write the QGIS projects of a scene: one for labelling, and a blind one for the estimate of accuracy."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from alcd_otb.accuracy import points as accuracy_points
from alcd_otb.active_learning import layer as query_files
from alcd_otb.errors import SampleError
from alcd_otb.qgis import map_folder, styles
from alcd_otb.qgis.forms import Fields
from alcd_otb.qgis.image_layers import CLEAR, VIEW, group_of, image_layers
from alcd_otb.qgis.project_document import Project, ProjectLayer
from alcd_otb.qgis.project_file import UnreadableProjectError, write_project_file
from alcd_otb.raster.grid import Grid, crs_name
from alcd_otb.raster.opening import open_vector
from alcd_otb.samples.layers import CORRECTIONS, LAYER, SampleLayer, sample_layers, unreadable
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import UnfinishedIteration, Workspace
from otb_pipelines.process import ogr

log = logging.getLogger(__name__)

_TO_LABEL, _MAP = "Label", "Map"
"""Names of groups."""
ITERATION = "iteration"
"""Key of the layer that holds the number of the iteration."""


def write_project(
    config: SceneConfig, grid: Grid, workspace: Workspace, made: UnfinishedIteration | None = None
) -> Path:
    """Bring the folder ``map`` to the last iteration, and write or update ``project.qgz``, which shows it.

    The project is left as it is, byte by byte, unless layers come or go. What the operator has saved in it stays (see
    `project_file.write_project_file`). If the project or a file of samples cannot be read, a warning is logged and the
    project is left as it is: the map is complete without it.

    Parameters
    ----------
    config
        Description of the scene.
    grid
        Grid of the scene.
    workspace
        Workspace of the scene.
    made
        An unfinished iteration to show instead of the last one, as far as it is made.

    Returns
    -------
    Path
        The project.

    Raises
    ------
    ProcessingError
        If the folder or the project cannot be written.
    """
    if made is None:
        map_folder.show_last_iteration(workspace, grid)
    else:
        map_folder.show_unfinished_iteration(made, workspace, grid)
    try:
        project = _project(config, grid, workspace)
    except SampleError as error:
        log.warning("%s; %s is left as it is", error, workspace.project)
    else:
        _write(project, workspace.project)
    return workspace.project


def _project(config: SceneConfig, grid: Grid, workspace: Workspace) -> Project:
    """Return the project for labelling."""
    legend = config.template.legend
    samples = tuple(_samples(config.samples, legend, workspace))
    # QGIS makes the first layer the active one, and a click there is to be a sample.
    layers = (
        *(layer for layer in samples if layer.key != CORRECTIONS),
        *_places(workspace),
        *(layer for layer in samples if layer.key == CORRECTIONS),
        *_results(workspace.map_folder, legend, grid),
        *_unclassified(config, grid, workspace),
        *image_layers(config, grid, workspace),
    )
    return Project(
        title=config.name,
        crs=grid.crs,
        extent=grid.extent,
        layers=layers,
        themes=_themes(layers),
        shows_iteration=True,
    )


def _unclassified(config: SceneConfig, grid: Grid, workspace: Workspace) -> Iterator[ProjectLayer]:
    """Yield the layer of what is not classified. It is not known yet while there is only a first picture."""
    if workspace.valid.is_file():
        group, style = group_of(config, 0), styles.invalid_style()
        yield ProjectLayer("invalid", "not classified", group, "./valid.tif", grid.crs, style)


def write_blind_project(config: SceneConfig, grid: Grid, workspace: Workspace) -> Path:
    """Write ``accuracy.qgz``, in which the points of ``accuracy.gpkg`` are labelled from the images, without any map.

    Parameters
    ----------
    config
        Description of the scene.
    grid
        Grid of the scene.
    workspace
        Workspace of the scene.

    Returns
    -------
    Path
        The project.

    Raises
    ------
    SampleError
        If the points cannot be read.
    ProcessingError
        If the project cannot be written.
    """
    legend, points = config.template.legend, workspace.accuracy_points
    squares = _source(SampleLayer(points, accuracy_points.PIXELS_LAYER), workspace.folder)
    layers = (
        *_editable(
            SampleLayer(points, accuracy_points.LAYER), "points", "Points", legend, workspace.folder, numbered=True
        ),
        ProjectLayer("squares", "Pixels", _TO_LABEL, *squares, styles.squares_style(), "Polygon", read_only=True),
        *image_layers(config, grid, workspace),
    )
    _write(
        Project(f"{config.name}: accuracy", grid.crs, grid.extent, layers, _themes(layers)), workspace.accuracy_project
    )
    return workspace.accuracy_project


def _write(project: Project, path: Path) -> None:
    """Write a project, or warn that the existing one cannot be read."""
    try:
        write_project_file(project, path)
    except UnreadableProjectError as error:
        log.warning("%s: it is left as it is; delete it, and the next run makes a new one", error)


def _places(workspace: Workspace) -> Iterator[ProjectLayer]:
    """Yield the layer of the places to visit, if there are any."""
    path = workspace.to_visit
    if path.is_file():
        source = _source(SampleLayer(path, query_files.LAYER), workspace.folder)
        yield ProjectLayer(
            "to_visit", "Places to visit", _TO_LABEL, *source, styles.visits_style(), "Point", read_only=True
        )


def _samples(samples: Path, legend: Legend, workspace: Workspace) -> Iterator[ProjectLayer]:
    """Yield the layers of samples and of corrections."""
    for layer in sample_layers(samples, legend):
        if layer.code is not None:
            entry = legend.with_code(layer.code)
            with _opened(layer) as opened:
                geometry = "Polygon" if _is_of_polygons(opened) else "Point"
            style = styles.single_class_style(entry.colour, geometry)
            yield ProjectLayer(
                f"{LAYER}_{entry.name}", entry.name, _TO_LABEL, *_source(layer, workspace.folder), style, geometry
            )
        elif layer.corrects:
            yield from _editable(layer, CORRECTIONS, "Corrections", legend, workspace.folder)
        else:
            yield from _editable(layer, LAYER, "Samples", legend, workspace.folder)


def _editable(
    layer: SampleLayer, key: str, title: str, legend: Legend, folder: Path, numbered: bool = False
) -> Iterator[ProjectLayer]:
    """Yield a layer with a form for the class, if it has a field for it.

    Parameters
    ----------
    layer
        The layer of the file.
    key, title
        Key and title of the layer of the project.
    legend
        Names and codes of the classes.
    folder
        Folder of the project.
    numbered
        Whether the number of each feature is shown beside it.
    """
    with _opened(layer) as opened:
        name, fid, polygons = opened.GetName(), opened.GetFIDColumn(), _is_of_polygons(opened)
        fields = {field.GetName(): field.GetType() for field in opened.schema}
    # As where samples are read: programs that write shapefiles often put names in capitals.
    class_field = next((field for field in fields if field.lower() == "class"), None)
    if class_field is None:
        log.warning("%s: layer %r has no field 'class', and is left out of the project", layer.path, name)
        return
    described = Fields(
        names=tuple(filter(None, (fid, *fields))),
        class_field=class_field,
        by_code=fields[class_field] != ogr.OFTString,
    )
    style = (styles.polygons_style if polygons else styles.points_style)(legend, described)
    if numbered:
        style = [*style, *styles.labels(fid)]
    geometry = "Polygon" if polygons else "Point"
    yield ProjectLayer(key, title, _TO_LABEL, *_source(layer, folder), style, geometry, snapped=polygons)


class _Source(NamedTuple):
    """The data source of a vector layer, relative to the folder of the project, and its CRS."""

    source: str
    crs: str


def _source(layer: SampleLayer, folder: Path) -> _Source:
    """Return the data source of a vector layer, as seen from the folder of the project."""
    with _opened(layer) as opened:
        name, reference = opened.GetName(), opened.GetSpatialRef()
        # If a layer may hold several types of geometry, QGIS shows only one of them.
        kind = "|geometrytype=Point" if ogr.GT_Flatten(opened.GetGeomType()) == ogr.wkbUnknown else ""
    # QGIS starts from the real folder of the project, even if a link led to it.
    path = os.path.relpath(layer.path.parent.resolve() / layer.path.name, folder.resolve())
    source = f"{path if path.startswith('..') else f'./{path}'}|layername={name}{kind}"
    return _Source(source, crs_name(reference) if reference else "")


@contextmanager
def _opened(layer: SampleLayer) -> Iterator[ogr.Layer]:
    """Open a layer. Raises SampleError if the file cannot be read."""
    try:
        source = open_vector(layer.path)
        opened = source.GetLayerByName(layer.name) if layer.name else source.GetLayer(0)
        if opened is None:
            raise RuntimeError(f"it has no layer {layer.name or 'at all'}")
        yield opened
    except RuntimeError as error:
        raise unreadable(layer.path, error) from error


def _is_of_polygons(layer: ogr.Layer) -> bool:
    return ogr.GT_Flatten(layer.GetGeomType()) in (ogr.wkbPolygon, ogr.wkbMultiPolygon)


def _results(folder: Path, legend: Legend, grid: Grid) -> Iterator[ProjectLayer]:
    """Yield the results that the folder ``map`` holds, and the layer of their iteration's number."""
    name = folder.name
    if (folder / map_folder.CONTOURS).is_file():
        style = styles.contours_style(legend)
        source = f"./{name}/{map_folder.CONTOURS}|layername=contours"
        yield ProjectLayer("contours", "Contours", _MAP, source, grid.crs, style, "Polygon", read_only=True)
    for key, file in (("margin", map_folder.MARGIN), ("confidence", map_folder.CONFIDENCE)):
        if (folder / file).is_file():
            yield ProjectLayer(key, key.capitalize(), _MAP, f"./{name}/{file}", grid.crs, styles.confidence_style())
    if (folder / map_folder.LABELS).is_file():
        style = styles.classes_style(legend)
        yield ProjectLayer("classes", "Classes", _MAP, f"./{name}/{map_folder.LABELS}", grid.crs, style)
    source = f"./{name}/{map_folder.ITERATION_FILE}"
    yield ProjectLayer(ITERATION, "Iteration", _MAP, source, grid.crs, styles.hidden_style(), "Polygon", read_only=True)


def _themes(layers: Sequence[ProjectLayer]) -> dict[str, tuple[str, ...]]:
    """Return the map themes: the points over each image, over the map, and over the confidence.

    QGIS lists them by name, and the number before it is their place in the order of the work: the images from the one
    to label on to the clear date, then the map.
    """
    keys = [layer.key for layer in layers]
    points = [layer.key for layer in layers if layer.group == _TO_LABEL]
    outlines = [key for key in ("contours", "invalid") if key in keys]
    # QGIS reloads what a theme shows, and so the number of the iteration is a part of each.
    number = [key for key in (ITERATION,) if key in keys]
    images = [layer for layer in layers if layer.source == VIEW]
    base = [layer.key for layer in images[:1]]
    themes = {"Label": (*points, *outlines, *base)}
    for layer in images[1:]:
        if layer.group.startswith(CLEAR):
            themes.setdefault(layer.group, (*points, layer.key))
        else:
            themes[layer.title] = (*points, *outlines, layer.key)
    if "classes" in keys:
        themes["Map"] = (*points, "classes")
    for key in ("confidence", "margin"):
        if key in keys:
            themes[key.capitalize()] = (*points, key, *outlines, *base)
    return {f"{place:02} {name}": (*shown, *number) for place, (name, shown) in enumerate(themes.items(), start=1)}
