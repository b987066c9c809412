"""scene.json and its template, checked whole and completed into one SceneConfig."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from alcd_otb.errors import ConfigurationError
from alcd_otb.expressions import Expression, parse_expression
from alcd_otb.legend import Legend, LegendClass
from alcd_otb.validation import nearest, read_json, validated

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands of Sentinel-2's MSI in the order of the product specification."""

CLEAR = "clear."
"""Prefix of a band of the clear date in features and expressions."""

TERRAIN = ("dem", "slope")
"""Features made from the elevation model: metres, and degrees from the horizontal."""

KNOWN_NAMES = frozenset((*BANDS, *(CLEAR + band for band in BANDS), *TERRAIN))
"""Every name that a feature or an expression may use."""


def _known_name(name: str) -> str:
    if name not in KNOWN_NAMES:
        raise ValueError(f"{name!r} is not known{nearest(name, KNOWN_NAMES)}")
    return name


Metres = Annotated[float, Field(ge=0)]
Radius = Annotated[int, Field(ge=0, le=50)]
Text = Annotated[str, Field(min_length=1)]
File = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]
Name = Annotated[str, AfterValidator(_known_name), WithJsonSchema({"type": "string", "enum": sorted(KNOWN_NAMES)})]
SchemaFile = Annotated[
    str | None,
    Field(alias="$schema", exclude=True, description="for editors: where the [JSON Schema](#in-an-editor) lies"),
]
FeatureName = Annotated[Text, Field(description="of a formula or texture: the name of its band in `features.tif`")]


def _with_tuples(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(_with_tuples(one) for one in content)
    if isinstance(content, dict):
        return {key: _with_tuples(value) for key, value in content.items()}
    return content


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, content: Any) -> Any:
        # Strict models take no list for a tuple; JSON has but lists.
        return _with_tuples(content)


class Formula(_Model):
    """A feature computed pixel by pixel from bands, such as an index or a difference of dates."""

    name: FeatureName
    expr: str = Field(description="of a formula: an [expression](#expressions)")

    @field_validator("expr")
    @classmethod
    def _checked(cls, text: str) -> str:
        try:
            parse_expression(text, KNOWN_NAMES)
        except ConfigurationError as error:
            # pydantic adds the key only to a ValueError.
            raise ValueError(str(error)) from error
        return text

    @property
    def expression(self) -> Expression:
        return parse_expression(self.expr, KNOWN_NAMES)


class Texture(_Model):
    """A feature computed from one band in a square window of side 2 radius + 1 pixels.

    contour_density: mean over the window of the gradient's magnitude, in the band's unit per metre.
    variation_coefficient: standard deviation (n - 1) over mean. Both are those of Baetens et al. (2019).
    """

    name: FeatureName
    texture: Literal["contour_density", "variation_coefficient"] = Field(
        description="of a texture: mean of the gradient's magnitude, or standard deviation over mean"
    )
    band: Name = Field(description="of a texture: [the name](#names) that it is made from")
    radius: int = Field(
        default=3, ge=1, le=50, description="of a texture, in pixels: its window has a side of 2 radius + 1"
    )


def _feature(value: Any) -> Any:
    """A feature of the kind that its keys tell: a plain union would report every kind's errors."""
    if isinstance(value, str):
        return _known_name(value)
    if isinstance(value, Formula | Texture):
        return value
    if isinstance(value, dict) and "texture" in value:
        return Texture(**value)
    if isinstance(value, dict) and "expr" in value:
        return Formula(**value)
    raise ValueError(f"{value!r} is neither a band, nor has it the key 'expr' or 'texture'")


Feature = Annotated[Name | Formula | Texture, BeforeValidator(_feature)]


BRIGHTEST = 0.25
"""Reflectance shown as white: thin cloud stands out, and land keeps its shades (ALCD's 2500 DN)."""


class ViewLayer(Formula):
    """One layer of the stack that a person looks at, stored as an integer times step."""

    name: Text = Field(description="`red`, `green` and `blue` make the pictures")
    expr: str = Field(description="an [expression](#expressions)")
    step: float = Field(default=0.001, gt=0, le=1, description="one unit of the stored 16-bit integer")


class View(_Model):
    """The stack that a person looks at."""

    resolution: float = Field(default=20, ge=10, description="in metres")
    layers: tuple[ViewLayer, ...] = Field(description="formulas")


class SampleSettings(_Model):
    """How the operator's samples become training and validation pixels.

    The pixels of one square are nearly alike, and a forest draws its limits too close around them: hence jitter.
    """

    growth: Metres = Field(
        default=100, description="half side in metres of the square around a point; 0: the one pixel that holds it"
    )
    training_proportion: float = Field(
        default=0.9, gt=0, le=1, description="share of each class's points that train; the others validate"
    )
    most_pixels_per_class: int = Field(default=8000, ge=1, description="training takes no more pixels of a class")
    jitter: float = Field(
        default=0,
        ge=0,
        le=2,
        description="noise of a copy of each training pixel, as a share of each feature's standard deviation in the "
        "class; 0: no copies",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**31 - 1,
        description="of split, sampling, jitter and training: the same seed, the same map",
    )
    block: float = Field(
        default=5000,
        gt=0,
        description="side in metres of the squares that [k-fold cross-validation]"
        "(accuracy.md#k-fold-cross-validation) keeps whole",
    )


class Regularisation(_Model):
    """How single pixels are brought in line with those around them.

    Thin clouds and edges survive smoothing, which a majority vote wears off.
    """

    smoothing: float = Field(
        default=0,
        ge=0,
        le=10,
        description="in pixels, standard deviation of the Gaussian by which a random forest's votes are averaged "
        "before the class is chosen; 0: they are not",
    )
    radius: Radius = Field(
        default=1,
        description="in pixels, of the ball of a majority vote, 0: none; for other classifiers, and without "
        "`smoothing`",
    )


class Confidence(_Model):
    """Cleaning of the confidence."""

    radius: Radius = Field(default=5, description="in pixels, of the median in `confidence_smoothed.tif`; 0: none")


class QuerySettings(_Model):
    """Which places are proposed to be labelled next."""

    number: int = Field(default=12, ge=1, le=1000, description="places proposed in a turn")
    spacing: Metres = Field(default=480, description="metres between the places, and between them and samples")
    candidates: int = Field(
        default=16,
        ge=1,
        le=100,
        description="pixels of least margin from which they are chosen, as a multiple of `number`: more give more "
        "weight to what is new, fewer to what is unsure",
    )


class Template(_Model):
    """A use of the loop: its classes, features and settings."""

    schema_file: SchemaFile = None
    classes: tuple[LegendClass, ...] = Field(min_length=1, description="the classes of the map")
    resolution: float = Field(
        default=60, ge=10, description="in metres, of the features and the map; a multiple of 10 that divides the tile"
    )
    margin: Metres = Field(
        default=600, description="metres kept off the edge of the data; at least what the wavelet levels mix there"
    )
    radiometry: Literal["reflectance", "digital_number"] = Field(
        default="reflectance",
        description="what the names of bands stand for: reflectance, offset and quantification applied, or raw DN",
    )
    resampling: Literal["average", "nearest"] = Field(
        default="average", description="of bands finer than the grid; with `average`, coarser ones are bilinear"
    )
    decoding: Literal["auto", "full"] = Field(
        default="auto",
        description="`auto` decodes the JPEG 2000 level that still is 1.5 times finer than the grid; `full` every "
        "pixel",
    )
    features: tuple[Feature, ...] = Field(
        min_length=1, description="what the classifier sees: [names](#names), formulas and textures"
    )
    view: View = Field(description="the stack that a person looks at")
    samples: SampleSettings = Field(default=SampleSettings(), description="from points to pixels")
    classifier: dict[str, str | int | float | bool | tuple[str, ...]] = Field(
        json_schema_extra={"required": ["classifier"]},
        description="TrainVectorClassifier's own parameters: `classifier`, `classifier.rf.nbtrees`, ...",
    )
    regularisation: Regularisation = Field(default=Regularisation(), description="cleaning of the map")
    confidence: Confidence = Field(default=Confidence(), description="cleaning of the confidence")
    queries: QuerySettings = Field(
        default=QuerySettings(), description="which places `next` and `run` [propose to label](queries.md)"
    )

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[LegendClass, ...]) -> tuple[LegendClass, ...]:
        Legend.from_classes(list(classes))
        return classes

    @field_validator("features")
    @classmethod
    def _named_once(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [feature_name(feature) for feature in features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} occurs more than once; each feature needs a name of its own")
        return features

    @field_validator("classifier")
    @classmethod
    def _has_a_method(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        if "classifier" not in classifier:
            raise ValueError('has no key "classifier", such as "rf"')
        return classifier

    @property
    def legend(self) -> Legend:
        return Legend.from_classes(list(self.classes))


class SceneFile(_Model):
    """A scene: its products, its samples, its template. Paths are relative to this file."""

    schema_file: SchemaFile = None
    name: Text | None = Field(default=None, description="what the scene is called; absent: as the file")
    cloudy: File = Field(
        description="the L1C product to classify: a `.SAFE` folder, or a `.zip` of one, which is read in place"
    )
    clear: File | None = Field(
        default=None,
        description="an L1C product of the same tile with few clouds, best a later one; absent: single-date mode, "
        "without the features that need it",
    )
    dem: File | None = Field(
        default=None,
        description="elevation model in metres: any raster and CRS that GDAL reads; only for templates that use "
        "`dem` or `slope`",
    )
    samples: File | None = Field(
        default=None,
        description="the labelled points: one vector file with a field `class`, or a folder with a file a class "
        "(`water.shp`); any format and CRS that OGR reads. Polygons in its layer `corrections`, or in the folder's "
        "file of that name, are burnt over the map. Absent: `samples.gpkg` in the workspace",
    )
    workspace: File | None = Field(default=None, description="the folder of the results; absent: the scene's name")
    tile: Text | None = Field(
        default=None, description="the tile to take, such as `31TFJ`, from a product of several (before December 2016)"
    )
    template: File = Field(
        default="clouds",
        description="a template that comes with the package, such as `clouds`, or the path of one",
    )
    set: dict[str, Any] = Field(default={}, description="changes to the template, key by key; a list is replaced whole")


class SceneConfig(_Model):
    """A scene, complete: every path absolute, every setting present."""

    name: str
    cloudy: Path
    clear: Path | None
    dem: Path | None
    samples: Path
    workspace: Path
    tile: str | None
    template: Template


def feature_name(feature: Feature) -> str:
    """The name of a feature's band in features.tif."""
    return feature if isinstance(feature, str) else feature.name


def names_used(feature: Feature) -> tuple[str, ...]:
    """The bands and terrain layers that a feature is made from."""
    if isinstance(feature, str):
        return (feature,)
    if isinstance(feature, Texture):
        return (feature.band,)
    return feature.expression.names


def template_names() -> tuple[str, ...]:
    """Names of the templates that come with the package."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _template_folder().glob("*.json")))


def load_template(template: str) -> Template:
    """Read a template that comes with the package, by its name, or one in a file. Raises ConfigurationError."""
    file = _find_template(template, Path.cwd(), "")
    return validated(Template, read_json(file), str(file))


def load_scene(path: Path) -> SceneConfig:
    """Read scene.json, its template and its `set`. Raises ConfigurationError naming file, key, value and remedy."""
    scene = validated(SceneFile, read_json(path), str(path))
    template_file = _find_template(scene.template, path.resolve().parent, f"{path}: ")
    merged = _override(read_json(template_file), scene.set)
    origin = f"{path}: set" if scene.set else str(template_file)
    template = validated(Template, merged, origin)
    folder = path.resolve().parent
    name = scene.name or path.stem
    workspace = folder / (scene.workspace or name)
    return SceneConfig(
        name=name,
        cloudy=folder / scene.cloudy,
        clear=folder / scene.clear if scene.clear else None,
        dem=folder / scene.dem if scene.dem else None,
        samples=folder / scene.samples if scene.samples else workspace / "samples.gpkg",
        workspace=workspace,
        tile=scene.tile,
        template=template,
    )


def _template_folder() -> Path:
    return Path(str(resources.files("param_templates")))


def _find_template(template: str, folder: Path, origin: str) -> Path:
    if template in template_names():
        return _template_folder() / f"{template}.json"
    file = folder / template
    if not file.is_file():
        raise ConfigurationError(
            f"{origin}template {template!r} is neither a file nor one of {', '.join(template_names())}"
        )
    return file


def _override(template: Any, changes: Any) -> dict[str, Any]:
    merged = dict(template)
    for key, value in changes.items():
        whole, part = template.get(key), value
        both_objects = isinstance(whole, dict) and isinstance(part, dict)
        merged[key] = _override(whole, part) if both_objects else value
    return merged
