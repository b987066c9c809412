"""scene.json and its template, checked whole and completed into one SceneConfig."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.expressions import Expression, parse_expression
from alcd_otb.legend import Legend, LegendClass

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands of Sentinel-2's MSI in the order of the product specification."""

CLEAR = "clear."
"""Prefix of a band of the clear date in features and expressions."""

TERRAIN = ("dem", "slope")
"""Features made from the elevation model: metres, and degrees from the horizontal."""

SKLEARN = "sklearn"
"""The classifier that scikit-learn brings, its key in a template, and with a dot the prefix of its parameters."""

KNOWN_NAMES = frozenset((*BANDS, *(CLEAR + band for band in BANDS), *TERRAIN))
"""Every name that a feature or an expression may use."""

Metres = Annotated[float, Field(ge=0)]
Radius = Annotated[int, Field(ge=0, le=50)]
Text = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


ModelT = TypeVar("ModelT", bound=BaseModel)


class Formula(_Model):
    """A feature computed pixel by pixel from bands, such as an index or a difference of dates."""

    name: Text
    expr: str

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

    name: Text
    texture: Literal["contour_density", "variation_coefficient"]
    band: str
    radius: int = Field(3, ge=1, le=50)

    @field_validator("band")
    @classmethod
    def _known(cls, band: str) -> str:
        return _known_name(band)


class PythonFeature(_Model):
    """A feature that a function in Python computes block by block; `blocks.Block` is what it gets.

    python: "features.py:function", the file relative to the file that names it, or "package.module:function".
    bands: the names it reads. halo: pixels around a block that it sees as well. options: its keyword arguments.
    """

    name: Text
    python: str
    bands: tuple[str, ...] = Field(min_length=1)
    halo: int = Field(0, ge=0, le=256)
    options: dict[str, Any] = {}

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
    def _known(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(bands)) < len(bands):
            raise ValueError("a band occurs more than once")
        return tuple(map(_known_name, bands))

    @property
    def place(self) -> str:
        """The file or the module that holds the function."""
        return self.python.rpartition(":")[0]

    @property
    def function(self) -> str:
        return self.python.rpartition(":")[2]


Feature = str | Formula | Texture | PythonFeature


BRIGHTEST = 0.25
"""Reflectance shown as white: thin cloud stands out, and land keeps its shades (ALCD's 2500 DN)."""


class ViewLayer(Formula):
    """One layer of the stack that a person looks at, stored as an integer times step."""

    step: float = Field(0.001, gt=0, le=1)


class View(_Model):
    """The stack that a person looks at. resolution in metres."""

    resolution: float = Field(20, ge=10)
    layers: tuple[ViewLayer, ...]


class SampleSettings(_Model):
    """How the operator's samples become training and validation pixels.

    growth: half side in metres of the square around a point (0: the one pixel that holds it).
    training_proportion: share of each class's points that train; the others validate.
    most_pixels_per_class: training takes at most this many pixels of a class.
    jitter: noise of a copy of each training pixel, as a share of each feature's standard deviation in the class
    (0: no copies). The pixels of one square are nearly alike, and a forest draws its limits too close around them.
    seed: of the split, the sampling, the jitter and the training.
    block: side in metres of the squares that k-fold cross-validation keeps whole.
    """

    growth: Metres = 100
    training_proportion: Annotated[float, Field(gt=0, le=1)] = 0.9
    most_pixels_per_class: Annotated[int, Field(ge=1)] = 8000
    jitter: Annotated[float, Field(ge=0, le=2)] = 0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    block: Annotated[float, Field(gt=0)] = 5000


class Regularisation(_Model):
    """How single pixels are brought in line with those around them.

    smoothing: standard deviation in pixels of the Gaussian by which a random forest's votes are averaged before the
    class is chosen (0: they are not). Thin clouds and edges survive it, which a majority vote wears off.
    radius: of the ball of a majority vote, in pixels (0: none); for the other classifiers, and without smoothing.
    """

    smoothing: Annotated[float, Field(ge=0, le=10)] = 0
    radius: Radius = 1


class Confidence(_Model):
    """Median of the confidence in a square window of side 2 radius + 1 pixels (0: none).

    shares: whether the share of every class is written as well.
    """

    radius: Radius = 5
    shares: bool = False


class QuerySettings(_Model):
    """Which places are proposed to be labelled next.

    number: places a turn.
    spacing: metres between them, and between them and samples.
    candidates: pixels of least margin from which they are chosen, as a multiple of number; more of them give more
    weight to what is new, fewer to what is unsure.
    """

    number: Annotated[int, Field(ge=1, le=1000)] = 12
    spacing: Metres = 480
    candidates: Annotated[int, Field(ge=1, le=100)] = 16


class Template(_Model):
    """A use of the loop: its classes, features and settings."""

    classes: tuple[LegendClass, ...]
    resolution: float = Field(60, ge=10)
    margin: Metres = 600
    radiometry: Literal["reflectance", "digital_number"] = "reflectance"
    resampling: Literal["average", "nearest"] = "average"
    decoding: Literal["auto", "full"] = "auto"
    features: tuple[Feature, ...] = Field(min_length=1)
    view: View
    samples: SampleSettings = SampleSettings()
    classifier: dict[str, str | int | float | bool | tuple[str | int, ...]]
    regularisation: Regularisation = Regularisation()
    confidence: Confidence = Confidence()
    queries: QuerySettings = QuerySettings()

    @field_validator("classifier")
    @classmethod
    def _of_one_library(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        """Without the parameters of the library that is not used, which a scene's changes leave of its template's."""
        unused = "classifier." if classifier.get("classifier") == SKLEARN else SKLEARN
        return {key: value for key, value in classifier.items() if not key.startswith(unused)}

    @field_validator("features", mode="before")
    @classmethod
    def _feature_kinds(cls, features: Any) -> Any:
        # A plain union would report every kind's errors; the key that is there tells which kind is meant.
        if not isinstance(features, list | tuple):
            raise ValueError("is not a list")
        return [_feature(one) for one in features]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Legend.from_classes(list(self.classes))
        names = [feature_name(feature) for feature in self.features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"features: {', '.join(twice)} occurs more than once")
        if "classifier" not in self.classifier:
            raise ValueError('classifier: has no key "classifier", such as "rf"')
        if self.uses_sklearn and not isinstance(self.classifier.get(SKLEARN), str):
            raise ValueError(f'classifier: has no key "{SKLEARN}", such as "ExtraTreesClassifier"')
        return self

    @property
    def uses_sklearn(self) -> bool:
        return self.classifier["classifier"] == SKLEARN

    @property
    def legend(self) -> Legend:
        return Legend.from_classes(list(self.classes))


class _SceneFile(_Model):
    name: Text | None = None
    cloudy: Text
    clear: Text | None = None
    dem: Text | None = None
    samples: Text | None = None
    workspace: Text | None = None
    tile: Text | None = None
    template: Text = "clouds"
    set: dict[str, Any] = {}


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
    scene = validated(_SceneFile, read_json(path), str(path))
    template_file = _find_template(scene.template, path.resolve().parent, f"{path}: ")
    merged = _override(_anchored(read_json(template_file), template_file), _anchored(scene.set, path))
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


def _feature(value: Any) -> Feature:
    if isinstance(value, str):
        return _known_name(value)
    if isinstance(value, Formula | Texture | PythonFeature):
        return value
    if isinstance(value, dict) and "python" in value:
        return PythonFeature(**value)
    if isinstance(value, dict) and "texture" in value:
        return Texture(**value)
    if isinstance(value, dict) and "expr" in value:
        return Formula(**value)
    raise ValueError(f"{value!r} is neither a band, nor has it the key 'expr', 'texture' or 'python'")


def _known_name(name: str) -> str:
    if name not in KNOWN_NAMES:
        raise ValueError(f"{name!r} is not known{_nearest(name, KNOWN_NAMES)}")
    return name


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


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in which no key occurs twice. Raises ConfigurationError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must hold a JSON object, in braces")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {key!r} occurs twice")
    return dict(pairs)


def _anchored(settings: dict[str, Any], origin: Path) -> dict[str, Any]:
    """A template's keys, in which files of Python are absolute: they lie relative to the file that names them."""
    features = settings.get("features")
    if not isinstance(features, list):
        return settings
    return {**settings, "features": [_with_absolute_file(one, origin.resolve().parent) for one in features]}


def _with_absolute_file(feature: Any, folder: Path) -> Any:
    python = feature.get("python") if isinstance(feature, dict) else None
    place, _, function = python.rpartition(":") if isinstance(python, str) else ("", "", "")
    return {**feature, "python": f"{folder / place}:{function}"} if is_file_name(place) else feature


def _override(template: Any, changes: Any) -> dict[str, Any]:
    merged = dict(template)
    for key, value in changes.items():
        whole, part = template.get(key), value
        both_objects = isinstance(whole, dict) and isinstance(part, dict)
        merged[key] = _override(whole, part) if both_objects else value
    return merged


def validated(model: type[ModelT], content: dict[str, Any], origin: str) -> ModelT:
    """The model that a JSON object describes. Raises ConfigurationError naming origin, key, value and remedy."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {_first_problem(model, error)}") from error


def _first_problem(model: type[BaseModel], error: ValidationError) -> str:
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    # A mistyped key is both unknown and missing: the unknown one carries the hint.
    problem = min(error.errors(include_url=False), key=lambda one: one["type"] not in unknown)
    location = problem["loc"]
    key = ".".join(str(part) for part in location)
    if problem["type"] in unknown:
        return f"key {key!r} is not known{_nearest(str(location[-1]), _keys_at(model, location[:-1]))}"
    if problem["type"] == "missing":
        return f"key {key!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = "" if problem["type"] == "value_error" else f" (given: {problem['input']!r})"
    return f"{key}: {message}{given}" if key else f"{message}{given}"


def _keys_at(model: type[BaseModel], location: Iterable[int | str]) -> tuple[str, ...]:
    """The keys allowed where a key was refused; empty where the place is not a model of ours."""
    place: Any = model
    for part in location:
        if isinstance(part, str):
            annotation = _fields_of(place).get(part)
            place = next((one for one in (annotation, *get_args(annotation)) if _fields_of(one)), None)
    return tuple(_fields_of(place))


def _fields_of(place: Any) -> dict[str, Any]:
    """The types of a model's or a dataclass's fields by name; none of anything else."""
    if isinstance(place, type) and issubclass(place, BaseModel):
        return {name: field.annotation for name, field in place.model_fields.items()}
    return {field.name: field.type for field in fields(place)} if is_dataclass(place) else {}


def _nearest(name: str, known: Iterable[str]) -> str:
    known = tuple(known)
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; there are {', '.join(sorted(known))}" if known else ""
