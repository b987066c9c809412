"""Read ``scene.json`` and complete it with its template into one SceneConfig."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import checked_bands
from alcd_otb.settings.json_schema import Schema, changes_of, notes_of, schema_of
from alcd_otb.settings.strict_model import File, SchemaFile, StrictModel, Text, one_line, read_json, short, validated
from alcd_otb.settings.template import Template, find_template, template_names, with_absolute_files

Parts = Annotated[tuple[File, ...], Field(min_length=1)]
"""Products that each hold a part of one acquisition of a tile."""

DatePaths = Path | tuple[Path, ...]
"""One file or folder, or the products that each hold a part of the image of a date."""


class SceneFile(StrictModel):
    """A scene: its products, its samples, its template. Paths are relative to this file."""

    schema_file: SchemaFile = None
    name: Annotated[Text, AfterValidator(short)] | None = Field(
        default=None, description="name of the scene; absent: the name of the file"
    )
    cloudy: File | Parts | None = Field(
        default=None,
        description="the L1C product to classify, in one of [these layouts](#products), read in place; or a list of "
        "products that each hold [a part of it](#an-acquisition-in-two-products). Either `cloudy` or "
        "`stack`",
    )
    stack: File | None = Field(
        default=None, description="[a raster file of any sensor](../how_to/stacks.md) to classify instead of a product"
    )
    bands: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="names of the stack's bands, in their order; absent: the descriptions of the bands",
    )
    clear: File | tuple[File | Parts, ...] | None = Field(
        default=None,
        description="L1C products of the same tile with few clouds, preferably later ones; with a stack: stacks. An "
        "entry may be a list, as in `cloudy`. Absent: single-date mode, without the features that need a "
        "clear date",
    )
    dem: File | None = Field(
        default=None,
        description="elevation model in metres, a [raster](#formats) of any CRS; only for templates that use "
        "`dem` or `slope`",
    )
    samples: File | None = Field(
        default=None,
        description="the labelled points: one vector file with a field `class`, or a folder with one file per class "
        "(`water.shp`); any CRS, in one of these [formats](#formats). Polygons in its layer "
        "`corrections`, or in the folder's file of that name, are burnt into the map. Absent: "
        "`samples.gpkg` in the workspace",
    )
    workspace: File | None = Field(default=None, description="the folder of the results; absent: the scene's name")
    tile: Text | None = Field(
        default=None,
        description="the tile to use, such as `31TFJ`, from a product with several tiles (before December 2016)",
    )
    template: File = Field(
        default="clouds",
        description="a template that comes with the package, such as `clouds`, or the path of one",
    )
    set: dict[str, Any] = Field(
        default={}, description="changes to the template, key by key; a list is replaced completely"
    )

    @field_validator("bands")
    @classmethod
    def _band_names(cls, bands: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return bands if bands is None else checked_bands(bands)

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        if self.cloudy is None and self.stack is None:
            raise ValueError("key 'cloudy' is missing: give an L1C product, or a \"stack\" in its place")
        if self.cloudy is not None and self.stack is not None:
            raise ValueError('"cloudy" and "stack" are both given; give the one that is to be classified')
        if self.bands is not None and self.stack is None:
            raise ValueError('"bands" needs a "stack", and there is none; leave it out')
        if self.stack is not None and any(isinstance(date, tuple) for date in self.clear_dates):
            raise ValueError('"clear" contains a list, and a stack has no parts; give one file for each date')
        if self.tile is not None and self.stack is not None:
            raise ValueError('"tile" selects a tile of an L1C product, and a "stack" has none; leave it out')
        return self

    @property
    def clear_dates(self) -> tuple[str | tuple[str, ...], ...]:
        """The products or stacks of the clear dates, as they are written in the file."""
        if isinstance(self.clear, str):
            return (self.clear,)
        return self.clear or ()


class SceneConfig(StrictModel):
    """A complete scene: every path is absolute, and every setting is present.

    Attributes
    ----------
    name
        What the scene is called.
    cloudy
        The L1C product to classify, or the products that each hold a part of it. None if there is a stack.
    stack
        The stack to classify. None if there is an L1C product.
    bands
        Names of the stack's bands. None means the bands' own descriptions.
    clear
        The clear dates: products, or stacks beside a stack. A date of several products is a tuple of them.
    dem
        The elevation model, or None.
    samples
        The file or folder of the operator's samples.
    workspace
        The folder of the results.
    tile
        The tile to take from a product of several, or None.
    template
        The template, with the scene's changes.
    file
        The scene.json that it was read from. It is left out where the settings are written.
    """

    name: str
    cloudy: DatePaths | None
    stack: Path | None
    bands: tuple[str, ...] | None
    clear: tuple[DatePaths, ...]
    dem: Path | None
    samples: Path
    workspace: Path
    tile: str | None
    template: Template
    file: Path | None = Field(default=None, exclude=True)


def load_scene(path: Path, template_name: str | None = None) -> SceneConfig:
    """Read a scene file and its template, and apply the changes of ``set`` to the template.

    Parameters
    ----------
    path
        The scene file.
    template_name
        A template to take instead of the scene's: a name, or a path relative to the current folder.

    Raises
    ------
    ConfigurationError
        A file cannot be read, or a value is not allowed. The message names file, key, value and remedy.
    """
    scene = validated(SceneFile, read_json(path), str(path))
    if template_name is None:
        template_file = find_template(scene.template, path.resolve().parent, f"{path}: ")
    else:
        template_file = find_template(template_name, Path.cwd(), "")
    settings = with_absolute_files(read_json(template_file), template_file)
    changed = _without_the_other_unit(_without_foreign_looks(settings, scene.set), scene.set)
    merged = _override(changed, with_absolute_files(scene.set, path))
    origin = f"{path}: set" if scene.set else str(template_file)
    template = validated(Template, merged, origin)
    folder = path.resolve().parent
    try:
        name = scene.name or short(one_line(path.stem))
    except ValueError as error:
        raise ConfigurationError(
            f"{path}: key 'name' is missing, and the file's name cannot replace it: {error}"
        ) from error
    workspace = folder / (scene.workspace or name)
    return SceneConfig(
        name=name,
        cloudy=_in_folder(folder, scene.cloudy) if scene.cloudy else None,
        stack=folder / scene.stack if scene.stack else None,
        bands=scene.bands,
        clear=tuple(_in_folder(folder, date) for date in scene.clear_dates),
        dem=folder / scene.dem if scene.dem else None,
        samples=folder / scene.samples if scene.samples else workspace / "samples.gpkg",
        workspace=workspace,
        tile=scene.tile,
        template=template,
        file=path.absolute(),
    )


def _without_foreign_looks(template: Any, changes: dict[str, Any]) -> Any:
    """Leave a template's looks out if the scene has its own layers and no looks."""
    view, changed = template.get("view"), changes.get("view")
    if not isinstance(view, dict) or not isinstance(changed, dict) or "layers" not in changed or "looks" in changed:
        return template
    return {**template, "view": {key: value for key, value in view.items() if key != "looks"}}


def _without_the_other_unit(template: Any, changes: dict[str, Any]) -> Any:
    """Leave a template's smoothing out where the scene gives one in the other unit."""
    cleaning, changed = template.get("regularisation"), changes.get("regularisation")
    if not isinstance(cleaning, dict) or not isinstance(changed, dict):
        return template
    units = {"smoothing", "smoothing_metres"}
    if not units & changed.keys():
        return template
    return {**template, "regularisation": {key: value for key, value in cleaning.items() if key not in units}}


def files_of(date: DatePaths) -> tuple[Path, ...]:
    """List the files or folders of a date."""
    return date if isinstance(date, tuple) else (date,)


def _in_folder(folder: Path, date: str | tuple[str, ...]) -> DatePaths:
    if isinstance(date, str):
        return folder / date
    return tuple(folder / part for part in date) if len(date) > 1 else folder / date[0]


def _override(template: Any, changes: Any) -> dict[str, Any]:
    merged = dict(template)
    for key, value in changes.items():
        whole, part = template.get(key), value
        both_objects = isinstance(whole, dict) and isinstance(part, dict)
        merged[key] = _override(whole, part) if both_objects else value
    return merged


def scene_schema() -> Schema:
    """Make the JSON Schema of ``scene.json``.

    It checks ``set`` as a part of a template in which every key may be left out.
    """
    schema = schema_of(SceneFile, "A scene (scene.json)")
    template = schema_of(Template, "")
    schema["$defs"] = template.pop("$defs")
    whole = {**template, "$defs": schema["$defs"]}
    schema["properties"]["set"] = {**changes_of(template, whole), **notes_of(schema["properties"]["set"])}
    # Editors propose the names of templates, and any path is allowed, too.
    named = {"enum": list(template_names()), "type": "string"}
    path = schema["properties"]["template"]
    schema["properties"]["template"] = {**notes_of(path), "anyOf": [named, {"type": "string", "minLength": 1}]}
    return schema
