"""The QGIS projects of a scene: one to label in, and one to label blindly in for an estimate of accuracy."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from alcd_otb.accuracy import points as accuracy_points
from alcd_otb.active_learning import layer as query_files
from alcd_otb.errors import SampleError
from alcd_otb.pictures.figures import TRUE_COLOUR, smoothed_confidence
from alcd_otb.qgis import styles
from alcd_otb.qgis.project_file import Project, ProjectLayer, UnreadableProjectError, write
from alcd_otb.raster.grid import Grid, crs_name
from alcd_otb.samples.layers import CORRECTIONS, LAYER, SampleLayer, sample_layers, unreadable
from alcd_otb.settings.band_names import date_and_band
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.settings.view import BRIGHTEST
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal, ogr

log = logging.getLogger(__name__)

_TO_LABEL, _MAP, _CLOUDY, _STACK, _CLEAR = "Label", "Map", "Cloudy date", "Image", "Clear date"
# What red, green and blue show where the colours are true.
_VISIBLE = (("B04", "red"), ("B03", "green"), ("B02", "blue"))
# Shades of grey leave out this many percent of the darkest and of the brightest pixels.
_CUT = 2
_MOST_PIXELS = 512


def write_project(config: SceneConfig, grid: Grid, workspace: Workspace) -> Path:
    """Write or bring up to date ``project.qgz`` of a prepared scene, and of its last iteration if there is one.

    What the operator has saved in it stays (`qgis_project.write`). A project, or a file of samples, that cannot be read
    is warned of, and the project left as it is: the map is finished without it. Raises ProcessingError where the
    project cannot be written.
    """
    try:
        project = _project(config, grid, workspace)
    except SampleError as error:
        log.warning("%s; %s is left as it is", error, workspace.project)
    else:
        _write(project, workspace.project)
    return workspace.project


def _project(config: SceneConfig, grid: Grid, workspace: Workspace) -> Project:
    legend = config.template.legend
    images = _images(config, grid, workspace)
    finished = workspace.iterations()
    layers = (
        *_places(workspace),
        *_samples(config.samples, legend, workspace),
        *(_results(finished[-1], legend, grid) if finished else ()),
        ProjectLayer("invalid", "not classified", _group(config, 0), "./valid.tif", grid.crs, styles.invalid_style()),
        *images,
    )
    return Project(
        title=config.name,
        crs=grid.crs,
        extent=grid.extent,
        layers=layers,
        themes=_themes(layers),
        variables={styles.ITERATION: int(finished[-1].name) + 1 if finished else 1},
    )


def write_blind_project(config: SceneConfig, grid: Grid, workspace: Workspace) -> Path:
    """Write ``accuracy.qgz``, in which the points of accuracy.gpkg are labelled from the images, without any map.

    Raises SampleError where the points cannot be read, ProcessingError where the project cannot be written.
    """
    legend, points = config.template.legend, workspace.accuracy_points
    squares = _place(SampleLayer(points, accuracy_points.PIXELS_LAYER), workspace.folder)
    layers = (
        *_editable(
            SampleLayer(points, accuracy_points.LAYER), "points", "Points", legend, workspace.folder, numbered=True
        ),
        ProjectLayer("squares", "Pixels", _TO_LABEL, *squares, styles.squares_style(), "Polygon"),
        *_images(config, grid, workspace),
    )
    _write(
        Project(f"{config.name}: accuracy", grid.crs, grid.extent, layers, _themes(layers), {}),
        workspace.accuracy_project,
    )
    return workspace.accuracy_project


def _write(project: Project, path: Path) -> None:
    try:
        write(project, path)
    except UnreadableProjectError as error:
        log.warning("%s: it is left as it is; delete it, and the next run makes a new one", error)


def _places(workspace: Workspace) -> Iterator[ProjectLayer]:
    path = workspace.to_visit
    if path.is_file():
        place = _place(SampleLayer(path, query_files.LAYER), workspace.folder)
        yield ProjectLayer("to_visit", "Places to visit", _TO_LABEL, *place, styles.visits_style(), "Point")


def _samples(samples: Path, legend: Legend, workspace: Workspace) -> Iterator[ProjectLayer]:
    for layer in sample_layers(samples, legend):
        if layer.code is not None:
            one = legend.with_code(layer.code)
            with _opened(layer) as opened:
                geometry = "Polygon" if _is_of_polygons(opened) else "Point"
            style = styles.one_class_style(one.colour, geometry)
            yield ProjectLayer(
                f"{LAYER}_{one.name}", one.name, _TO_LABEL, *_place(layer, workspace.folder), style, geometry
            )
        elif layer.corrects:
            yield from _editable(layer, CORRECTIONS, "Corrections", legend, workspace.folder)
        else:
            yield from _editable(layer, LAYER, "Samples", legend, workspace.folder)


def _editable(
    layer: SampleLayer, key: str, title: str, legend: Legend, folder: Path, numbered: bool = False
) -> Iterator[ProjectLayer]:
    """A layer with a form for the class. numbered: with each feature's number beside it."""
    with _opened(layer) as opened:
        name, fid, polygons = opened.GetName(), opened.GetFIDColumn(), _is_of_polygons(opened)
        fields = {field.GetName(): field.GetType() for field in opened.schema}
    # As in `sample_files`: shapefile writers often put names in capitals.
    found = next((one for one in fields if one.lower() == "class"), None)
    if found is None:
        log.warning("%s: layer %r has no field 'class', and is left out of the project", layer.path, name)
        return
    described = styles.Fields(
        names=tuple(filter(None, (fid, *fields))),
        class_field=found,
        by_code=fields[found] != ogr.OFTString,
    )
    style = (styles.polygons_style if polygons else styles.points_style)(legend, described)
    if numbered:
        style = [*style, *styles.labelled(fid)]
    geometry = "Polygon" if polygons else "Point"
    yield ProjectLayer(key, title, _TO_LABEL, *_place(layer, folder), style, geometry, snapped=polygons)


def _place(layer: SampleLayer, folder: Path) -> tuple[str, str]:
    """(source as seen from the project's folder, CRS) of a vector layer."""
    with _opened(layer) as opened:
        name, reference = opened.GetName(), opened.GetSpatialRef()
        # Of a layer that may hold both, QGIS shows one kind.
        kind = "|geometrytype=Point" if ogr.GT_Flatten(opened.GetGeomType()) == ogr.wkbUnknown else ""
    # The project's folder is what QGIS starts from, whatever link led to it.
    path = os.path.relpath(layer.path.parent.resolve() / layer.path.name, folder.resolve())
    source = f"{path if path.startswith('..') else f'./{path}'}|layername={name}{kind}"
    return source, crs_name(reference) if reference else ""


@contextmanager
def _opened(layer: SampleLayer) -> Iterator[ogr.Layer]:
    """Raises SampleError where the file cannot be read."""
    try:
        source = gdal.OpenEx(str(layer.path), gdal.OF_VECTOR)
        opened = source.GetLayerByName(layer.name) if layer.name else source.GetLayer(0)
        if opened is None:
            raise RuntimeError(f"it has no layer {layer.name or 'at all'}")
        yield opened
    except RuntimeError as error:
        raise unreadable(layer.path, error) from error


def _is_of_polygons(layer: ogr.Layer) -> bool:
    return ogr.GT_Flatten(layer.GetGeomType()) in (ogr.wkbPolygon, ogr.wkbMultiPolygon)


def _results(iteration: Path, legend: Legend, grid: Grid) -> Iterator[ProjectLayer]:
    """What the last iteration says, by way of the link ``latest``, so that the next one comes in its place."""
    contours, labels, margin = "contours.fgb", "labels.tif", "margin.tif"
    if (iteration / contours).is_file():
        style = styles.contours_style(legend)
        source = f"./latest/{contours}|layername=contours"
        yield ProjectLayer("contours", "Contours", _MAP, source, grid.crs, style, "Polygon")
    if (iteration / margin).is_file():
        yield ProjectLayer("margin", "Margin", _MAP, f"./latest/{margin}", grid.crs, styles.doubt_style())
    confidence = smoothed_confidence(iteration)
    if confidence is not None:
        yield ProjectLayer(
            "confidence", "Confidence", _MAP, f"./latest/{confidence.name}", grid.crs, styles.doubt_style()
        )
    yield ProjectLayer("classes", "Classes", _MAP, f"./latest/{labels}", grid.crs, styles.classes_style(legend))


def _images(config: SceneConfig, grid: Grid, workspace: Workspace) -> tuple[ProjectLayer, ...]:
    """The layers of the view stack: three that end in red, green and blue as one in colour, each other one in grey.

    The clear date's lie below.
    """
    try:
        dataset = gdal.Open(str(workspace.view))
    except RuntimeError as error:
        log.warning("%s: cannot be read (%s): the project has no images; run the scene anew", workspace.view, error)
        return ()
    bands = {dataset.GetRasterBand(number).GetDescription(): number for number in range(1, dataset.RasterCount + 1)}
    limits = config.template.view.limits
    sources = {layer.name: layer.expression.names for layer in config.template.view.layers}
    layers: list[ProjectLayer] = []
    for date in range(len(config.clear) + 1):
        group = _group(config, date)
        names = [name for name in bands if _date_shown(config, name) == date]
        for prefix in [name.removesuffix(TRUE_COLOUR[0]) for name in names if name.endswith(TRUE_COLOUR[0])]:
            coloured = [f"{prefix}{name}" for name in TRUE_COLOUR]
            if all(name in names for name in coloured):
                red, green, blue = (bands[name] for name in coloured)
                style = styles.colour_style((red, green, blue), [limits.get(name, (0, BRIGHTEST)) for name in coloured])
                kind = "true" if _are_true([sources[name] for name in coloured]) else "false"
                layers.append(
                    ProjectLayer(f"{prefix}{kind}_colour", f"{kind} colour", group, "./view.tif", grid.crs, style)
                )
                names = [name for name in names if name not in coloured]
        for name in names:
            shades = limits.get(name) or _cut(dataset.GetRasterBand(bands[name]))
            style = styles.grey_style(bands[name], *shades)
            layers.append(ProjectLayer(f"view_{name}", name, group, "./view.tif", grid.crs, style))
    return tuple(layers)


def _are_true(shown: Sequence[tuple[str, ...]]) -> bool:
    """Whether red, green and blue are made from the bands of these colours, and nothing else."""
    return all(
        len(names) == 1 and date_and_band(names[0]).band in bands for names, bands in zip(shown, _VISIBLE, strict=True)
    )


def _group(config: SceneConfig, date: int) -> str:
    """What the layers of a date stand below; date 0 is the one that is classified."""
    if date:
        return _CLEAR if date == 1 else f"{_CLEAR} {date}"
    return _CLOUDY if config.stack is None else _STACK


def _date_shown(config: SceneConfig, name: str) -> int:
    """The date that a layer of the view is of: that of all its bands, or the one that is classified."""
    dates = {
        date_and_band(one).date
        for layer in config.template.view.layers
        if layer.name == name
        for one in layer.expression.names
    }
    return dates.pop() if len(dates) == 1 else 0


def _cut(band: gdal.Band) -> tuple[float, float]:
    """The values between which a band is shown, so that neither its noise nor its outliers take all the shades."""
    width, height = min(band.XSize, _MOST_PIXELS), min(band.YSize, _MOST_PIXELS)
    stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height).astype(np.float64)
    # What has no data is stored as 0, unless the raster says otherwise.
    seen = stored[stored != (band.GetNoDataValue() or 0)] * (band.GetScale() or 1)
    if not seen.size:
        return 0.0, 1.0
    low, high = np.percentile(seen, (_CUT, 100 - _CUT))
    return float(low), float(high) if high > low else float(low) + 1


def _themes(layers: Sequence[ProjectLayer]) -> dict[str, tuple[str, ...]]:
    """What is worth seeing together, by name: the points over each image, over the map, and over what is unsure."""
    there = [layer.key for layer in layers]
    points = [layer.key for layer in layers if layer.group == _TO_LABEL]
    outlines = [key for key in ("contours", "invalid") if key in there]
    images = [layer for layer in layers if layer.source == "./view.tif"]
    base = [layer.key for layer in images[:1]]
    themes = {"Label": (*points, *outlines, *base)}
    if "classes" in there:
        themes["Map"] = (*points, "classes")
    for key in ("confidence", "margin"):
        if key in there:
            themes[key.capitalize()] = (*points, key, *outlines, *base)
    for layer in images:
        if layer.group.startswith(_CLEAR):
            themes.setdefault(layer.group, (*points, layer.key))
        elif layer.key not in base:
            themes[layer.title] = (*points, *outlines, layer.key)
    return themes
