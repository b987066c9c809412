"""scene.json and its template, checked whole and completed into one SceneConfig."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from alcd_otb.band_names import BANDS, KNOWN_NAMES, any_clear_date, checked_bands, known_names
from alcd_otb.errors import ConfigurationError
from alcd_otb.expressions import Expression, parse_expression
from alcd_otb.legend import Legend, LegendClass, Positive
from alcd_otb.validation import nearest, read_json, validated

SKLEARN = "sklearn"
"""The classifier that scikit-learn brings, its key in a template, and with a dot the prefix of its parameters."""

Metres = Annotated[float, Field(ge=0)]
Resolution = Annotated[float, Field(ge=10)]
Radius = Annotated[int, Field(ge=0, le=50)]
Text = Annotated[str, Field(min_length=1)]
File = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]
# The template checks the names, of which it declares the bands; editors propose those of Sentinel-2.
Name = Annotated[str, WithJsonSchema({"anyOf": [{"type": "string", "enum": sorted(KNOWN_NAMES)}, {"type": "string"}]})]
SchemaFile = Annotated[
    str | None,
    Field(alias="$schema", exclude=True, description="for editors: where the [JSON Schema](#in-an-editor) lies"),
]
FeatureName = Annotated[Text, Field(description="of all but a mere name: the name of its band in `features.tif`")]


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
        # The template checks the names, of which it declares the bands.
        try:
            parse_expression(text)
        except ConfigurationError as error:
            # pydantic adds the key only to a ValueError.
            raise ValueError(str(error)) from error
        return text

    @property
    def expression(self) -> Expression:
        return parse_expression(self.expr)


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


class PythonFeature(_Model):
    """A feature that a function in Python computes block by block; `blocks.Block` is what it gets."""

    name: FeatureName
    python: str = Field(
        description="of a function: `FILE.py:FUNCTION`, the file relative to the file that names it, or "
        "`PACKAGE.MODULE:FUNCTION`"
    )
    bands: tuple[Name, ...] = Field(min_length=1, description="of a function: [the names](#names) that it reads")
    halo: int = Field(default=0, ge=0, le=256, description="of a function: how many pixels beyond a pixel it looks")
    options: dict[str, Any] = Field(default={}, description="of a function: its further arguments")

    @field_validator("python")
    @classmethod
    def _names_a_function(cls, python: str) -> str:
        place, _, function = python.rpartition(":")
        module = all(part.isidentifier() for part in place.split("."))
        if not function.isidentifier() or not (module or is_file_name(place)):
            raise ValueError(f"{python!r} is neither 'FILE.py:FUNCTION' nor 'PACKAGE.MODULE:FUNCTION'")
        return python

    @field_validator("bands")
    @classmethod
    def _once_each(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(bands)) < len(bands):
            raise ValueError("a band occurs more than once")
        return bands

    @property
    def place(self) -> str:
        """The file or the module that holds the function."""
        return self.python.rpartition(":")[0]

    @property
    def function(self) -> str:
        return self.python.rpartition(":")[2]


def _feature(value: Any) -> Any:
    """A feature of the kind that its keys tell: a plain union would report every kind's errors."""
    if isinstance(value, str | Formula | Texture | PythonFeature):
        return value
    if isinstance(value, dict) and "texture" in value:
        return Texture(**value)
    if isinstance(value, dict) and "python" in value:
        return PythonFeature(**value)
    if isinstance(value, dict) and "expr" in value:
        return Formula(**value)
    raise ValueError(f"{value!r} is neither a band, nor has it the key 'expr', 'texture' or 'python'")


Feature = Annotated[Name | Formula | Texture | PythonFeature, BeforeValidator(_feature)]


BRIGHTEST = 0.25
"""Reflectance shown as white: thin cloud stands out, and land keeps its shades (ALCD's 2500 DN)."""


class ViewLayer(Formula):
    """One layer of the stack that a person looks at, stored as an integer times step."""

    name: Text = Field(
        description="`red`, `green` and `blue` make the pictures; any three that end so are one image in QGIS"
    )
    expr: str = Field(description="an [expression](#expressions)")
    step: float = Field(default=0.001, gt=0, description="one unit of the stored 16-bit integer")
    minimum: float | None = Field(
        default=None,
        description="shown as black in pictures and in QGIS; with `maximum`. Absent: 0 in colour; in grey, what leaves "
        "out 2 %",
    )
    maximum: float | None = Field(
        default=None, description="shown as white, or as the full colour; absent: 0.25 in colour"
    )

    @model_validator(mode="after")
    def _stretch(self) -> Self:
        if (self.minimum is None) != (self.maximum is None):
            raise ValueError("minimum and maximum: give both, or neither")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is not below maximum {self.maximum:g}")
        return self

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values shown as black and as white, where the template gives them."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)


class View(_Model):
    """The stack that a person looks at."""

    resolution: Resolution | None = Field(
        default=None, description="in metres, as the template's `resolution`; absent: 20, or a stack's own"
    )
    layers: tuple[ViewLayer, ...] = Field(description="formulas")

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """The values shown as black and as white, of the layers for which the template gives them."""
        return {layer.name: layer.limits for layer in self.layers if layer.limits is not None}


class SampleSettings(_Model):
    """How the operator's samples become training and validation pixels.

    The pixels of one square are nearly alike, and a forest draws its limits too close around them: hence jitter.
    """

    growth: Metres = Field(
        default=100,
        description="half side in metres of the square around a point, of the classes without `grow`; 0: the one "
        "pixel that holds it",
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

    shares: bool = Field(
        default=False,
        description="whether to write [the share of every class](python.md#the-shares-of-all-classes), too",
    )

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
    positive: Positive | None = Field(
        default=None,
        description="what the use looks for: [the two sides of the two-class scores](uses.md); absent: the invalid "
        "classes, against the valid ones",
    )
    bands: tuple[str, ...] = Field(
        default=BANDS,
        min_length=1,
        description="what features may name, besides the terrain; [others for a stack](stacks.md#templates)",
    )
    resolution: Resolution | None = Field(
        default=None,
        description="in metres, of the features and the map: a multiple of 10 that divides the tile, or of a stack's "
        "pixels; absent: 60, or a stack's own",
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
        min_length=1,
        description="what the classifier sees: [names](#names), formulas, textures and "
        "[functions in Python](python.md#features)",
    )
    view: View = Field(description="the stack that a person looks at")
    samples: SampleSettings = Field(default=SampleSettings(), description="from points to pixels")
    classifier: dict[str, str | int | float | bool | tuple[str | int, ...]] = Field(
        json_schema_extra={"required": ["classifier"]},
        description="TrainVectorClassifier's own parameters: `classifier`, `classifier.rf.nbtrees`, ...; or "
        "[one of scikit-learn's](python.md#classifiers-of-scikit-learn)",
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Legend.from_classes(list(self.classes), self.positive)
        known = known_names(self.bands)
        for number, feature in enumerate(self.features):
            _check_names(feature, known, f"features.{number}")
        for number, layer in enumerate(self.view.layers):
            _check_names(layer, known, f"view.layers.{number}")
        return self

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
        if classifier["classifier"] == SKLEARN and not isinstance(classifier.get(SKLEARN), str):
            raise ValueError(f'has no key "{SKLEARN}", such as "ExtraTreesClassifier"')
        # A scene's changes leave the parameters of the template's own library.
        unused = "classifier." if classifier["classifier"] == SKLEARN else SKLEARN
        return {key: value for key, value in classifier.items() if not key.startswith(unused)}

    @field_validator("bands")
    @classmethod
    def _band_names(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        return checked_bands(bands)

    @property
    def legend(self) -> Legend:
        return Legend.from_classes(list(self.classes), self.positive)

    @property
    def uses_sklearn(self) -> bool:
        return self.classifier["classifier"] == SKLEARN

    @property
    def growth(self) -> dict[int, float]:
        """Half side in metres of the square around a point, by class code."""
        return {one.code: self.samples.growth if one.grow is None else one.grow for one in self.classes}


class SceneFile(_Model):
    """A scene: its products, its samples, its template. Paths are relative to this file."""

    schema_file: SchemaFile = None
    name: Text | None = Field(default=None, description="what the scene is called; absent: as the file")
    cloudy: File | None = Field(
        default=None,
        description="the L1C product to classify: a `.SAFE` folder, or a `.zip` of one, which is read in place; either "
        "it or `stack`",
    )
    stack: File | None = Field(
        default=None, description="[a raster file of any sensor](stacks.md) to classify in its place"
    )
    bands: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="names of the stack's bands, in their order; absent: the bands' own descriptions",
    )
    clear: File | tuple[File, ...] | None = Field(
        default=None,
        description="L1C products of the same tile with few clouds, best later ones (beside a stack: stacks); absent: "
        "single-date mode, without the features that need them",
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
            raise ValueError('"bands" are those of a "stack", and there is none; leave them out')
        if self.tile is not None and self.stack is not None:
            raise ValueError('"tile" chooses from an L1C product, and a "stack" is none; leave it out')
        return self

    @property
    def clear_dates(self) -> tuple[str, ...]:
        if isinstance(self.clear, str):
            return (self.clear,)
        return self.clear or ()


class SceneConfig(_Model):
    """A scene, complete: every path absolute, every setting present.

    cloudy: an L1C product; None where there is a stack. bands: names of the stack's bands; None: its own.
    clear: products, or stacks beside a stack.
    """

    name: str
    cloudy: Path | None
    stack: Path | None
    bands: tuple[str, ...] | None
    clear: tuple[Path, ...]
    dem: Path | None
    samples: Path
    workspace: Path
    tile: str | None
    template: Template


def feature_name(feature: Feature) -> str:
    return feature if isinstance(feature, str) else feature.name


def names_used(feature: Feature) -> tuple[str, ...]:
    """The bands and terrain layers that a feature is made from."""
    if isinstance(feature, str):
        return (feature,)
    if isinstance(feature, Texture):
        return (feature.band,)
    if isinstance(feature, PythonFeature):
        return feature.bands
    return feature.expression.names


def is_file_name(place: str) -> bool:
    """Whether a Python function's place is a file, and not a module."""
    return place.endswith(".py")


def template_names() -> tuple[str, ...]:
    """Names of the templates that come with the package."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _template_folder().glob("*.json")))


def load_template(template: str) -> Template:
    """Read a template that comes with the package, by its name, or one in a file. Raises ConfigurationError."""
    file = _find_template(template, Path.cwd(), "")
    return validated(Template, _anchored(read_json(file), file), str(file))


def load_scene(path: Path) -> SceneConfig:
    """Read scene.json, its template and its `set`. Raises ConfigurationError naming file, key, value and remedy."""
    scene = validated(SceneFile, read_json(path), str(path))
    template_file = _find_template(scene.template, path.resolve().parent, f"{path}: ")
    merged = _override(_anchored(read_json(template_file), template_file), _anchored(scene.set, path))
    origin = f"{path}: set" if scene.set else str(template_file)
    template = validated(Template, merged, origin)
    folder = path.resolve().parent
    name = scene.name or path.stem
    workspace = folder / (scene.workspace or name)
    return SceneConfig(
        name=name,
        cloudy=folder / scene.cloudy if scene.cloudy else None,
        stack=folder / scene.stack if scene.stack else None,
        bands=scene.bands,
        clear=tuple(folder / one for one in scene.clear_dates),
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


def _check_names(feature: Feature, known: frozenset[str], key: str) -> None:
    """Check what a feature or a layer is made from. Raises ValueError, which names the key."""
    if isinstance(feature, Formula):
        try:
            parse_expression(feature.expr, known)
        except ConfigurationError as error:
            raise ValueError(f"{key}.expr: {error}") from error
        return
    for name in names_used(feature):
        if any_clear_date(name) not in known:
            within = ".band" if isinstance(feature, Texture) else ".bands" if isinstance(feature, PythonFeature) else ""
            raise ValueError(f"{key}{within}: {name!r} is not known{nearest(name, known)}")


def _anchored(settings: Any, origin: Path) -> Any:
    """A template's keys, in which files of Python are absolute: they lie relative to the file that names them."""
    features = settings.get("features")
    if not isinstance(features, list | tuple):
        return settings
    return {**settings, "features": [_with_absolute_file(one, origin.resolve().parent) for one in features]}


def _with_absolute_file(feature: Any, folder: Path) -> Any:
    python = feature.get("python") if isinstance(feature, dict) else None
    place, _, function = python.rpartition(":") if isinstance(python, str) else ("", "", "")
    return {**feature, "python": f"{folder / place}:{function}"} if is_file_name(place) else feature
