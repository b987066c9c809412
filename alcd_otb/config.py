"""scene.json and its template, checked whole and completed into one SceneConfig."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alcd_otb.band_names import BANDS, any_clear_date, checked_bands, known_names
from alcd_otb.errors import ConfigurationError
from alcd_otb.expressions import Expression, parse_expression
from alcd_otb.legend import Legend, LegendClass

Metres = Annotated[float, Field(ge=0)]
Resolution = Annotated[float, Field(ge=10)]
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

    name: Text
    texture: Literal["contour_density", "variation_coefficient"]
    band: str
    radius: int = Field(3, ge=1, le=50)


Feature = str | Formula | Texture


BRIGHTEST = 0.25
"""Reflectance shown as white: thin cloud stands out, and land keeps its shades (ALCD's 2500 DN)."""


class ViewLayer(Formula):
    """One layer of the stack that a person looks at, stored as an integer times step.

    minimum, maximum: the values shown as black and as white; both or neither.
    """

    step: float = Field(0.001, gt=0)
    minimum: float | None = None
    maximum: float | None = None

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
    """The stack that a person looks at. resolution in metres; None: 20 m of a product, a stack's own."""

    resolution: Resolution | None = None
    layers: tuple[ViewLayer, ...]

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """The values shown as black and as white, of the layers for which the template gives them."""
        return {layer.name: layer.limits for layer in self.layers if layer.limits is not None}


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
    """Majority vote in a ball of this radius in pixels (0: none)."""

    radius: Radius = 1


class Confidence(_Model):
    """Median of the confidence in a square window of side 2 radius + 1 pixels (0: none)."""

    radius: Radius = 5


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
    """A use of the loop: its classes, features and settings.

    bands: what features may name, besides the terrain. resolution: in metres; None: 60 m of a product, a stack's own.
    """

    classes: tuple[LegendClass, ...]
    bands: tuple[str, ...] = Field(BANDS, min_length=1)
    resolution: Resolution | None = None
    margin: Metres = 600
    radiometry: Literal["reflectance", "digital_number"] = "reflectance"
    resampling: Literal["average", "nearest"] = "average"
    decoding: Literal["auto", "full"] = "auto"
    features: tuple[Feature, ...] = Field(min_length=1)
    view: View
    samples: SampleSettings = SampleSettings()
    classifier: dict[str, str | int | float | bool | tuple[str, ...]]
    regularisation: Regularisation = Regularisation()
    confidence: Confidence = Confidence()
    queries: QuerySettings = QuerySettings()

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
        self._check_names()
        return self

    def _check_names(self) -> None:
        """Check what features and layers are made from. Raises ValueError, which names the key."""
        known = known_names(self.bands)
        for feature in self.features:
            if isinstance(feature, Formula):
                _check_expression(feature.expr, known, "features.expr")
            else:
                key = "features" if isinstance(feature, str) else "features.band"
                (name,) = names_used(feature)
                if any_clear_date(name) not in known:
                    raise ValueError(f"{key}: {name!r} is not known{_nearest(name, known)}")
        for number, layer in enumerate(self.view.layers):
            _check_expression(layer.expr, known, f"view.layers.{number}.expr")

    @field_validator("bands")
    @classmethod
    def _band_names(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        return checked_bands(bands)

    @property
    def legend(self) -> Legend:
        return Legend.from_classes(list(self.classes))


class _SceneFile(_Model):
    name: Text | None = None
    cloudy: Text | None = None
    stack: Text | None = None
    bands: tuple[str, ...] | None = Field(None, min_length=1)
    clear: Text | tuple[Text, ...] | None = None
    dem: Text | None = None
    samples: Text | None = None
    workspace: Text | None = None
    tile: Text | None = None
    template: Text = "clouds"
    set: dict[str, Any] = {}

    @field_validator("clear", mode="before")
    @classmethod
    def _path_or_paths(cls, clear: Any) -> Any:
        # A plain union would report the errors of both.
        given = clear if isinstance(clear, list | tuple) else [clear]
        if clear is not None and not all(isinstance(one, str) and one for one in given):
            raise ValueError(f"is neither a path nor a list of paths (given: {clear!r})")
        return clear

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
    scene = validated(_SceneFile, read_json(path), str(path))
    template_file = _find_template(scene.template, path.resolve().parent, f"{path}: ")
    merged = _override(read_json(template_file), scene.set)
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


def _feature(value: Any) -> Feature:
    if isinstance(value, str | Formula | Texture):
        return value
    if isinstance(value, dict) and "texture" in value:
        return Texture(**value)
    if isinstance(value, dict) and "expr" in value:
        return Formula(**value)
    raise ValueError(f"{value!r} is neither a band, nor has it the key 'expr' or 'texture'")


def _check_expression(text: str, known: frozenset[str], key: str) -> None:
    try:
        parse_expression(text, known)
    except ConfigurationError as error:
        raise ValueError(f"{key}: {error}") from error


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
