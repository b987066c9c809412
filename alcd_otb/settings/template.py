"""Read a template, which holds the classes, features and settings of a use of the loop."""

from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import BANDS, checked_bands, known_names
from alcd_otb.settings.classifier_parameters import check_ranges
from alcd_otb.settings.features import Feature, check_names, feature_name, is_file_name
from alcd_otb.settings.json_schema import Schema, schema_of
from alcd_otb.settings.legend import Legend, LegendClass, Positive
from alcd_otb.settings.steps import Confidence, QuerySettings, Regularisation, SampleSettings
from alcd_otb.settings.strict_model import (
    Metres,
    Resolution,
    SchemaFile,
    StrictModel,
    read_json,
    validated,
)
from alcd_otb.settings.view import View

SKLEARN = "sklearn"
"""The value of ``classifier`` for a classifier of scikit-learn, and the beginning of the keys of such a classifier.

The key ``sklearn`` names the classifier, and keys such as ``sklearn.n_estimators`` give its parameters.
"""


class Template(StrictModel):
    """A use of the loop: its classes, features and settings."""

    schema_file: SchemaFile = None
    classes: tuple[LegendClass, ...] = Field(min_length=1, description="the classes of the map")
    positive: Positive | None = Field(
        default=None,
        description="the classes that the template looks for: [the two groups of the two-class "
        "scores](../how_to/uses.md). Absent: the invalid classes against the valid ones",
    )
    bands: tuple[str, ...] = Field(
        default=BANDS,
        min_length=1,
        description="names of bands that features may use, in addition to the terrain; [others for a "
        "stack](../how_to/stacks.md#templates)",
    )
    resolution: Resolution | None = Field(
        default=None,
        description="pixel size in metres of the features and the map: a multiple of 10 that divides the tile, or a "
        "multiple of a stack's pixels. Absent: 60, or the pixels of the stack",
    )
    margin: Metres = Field(
        default=600,
        description="distance in metres from the edge of the data that is not classified; at least the pixels that "
        "the wavelet levels mix there",
    )
    radiometry: Literal["reflectance", "digital_number"] = Field(
        default="reflectance",
        description="meaning of the bands: reflectance, with offset and quantification applied, or raw DN",
    )
    resampling: Literal["average", "nearest"] = Field(
        default="average",
        description="resampling of bands finer than the grid; with `average`, coarser bands are bilinear",
    )
    decoding: Literal["auto", "full"] = Field(
        default="auto",
        description="`auto` decodes the JPEG 2000 level that is still 1.5 times finer than the grid; `full` decodes "
        "every pixel",
    )
    compression: Literal["auto", "none", "zstd"] = Field(
        default="auto",
        description="compression of `features.tif`: `none` is read faster and needs 1.7 times the space, `zstd` "
        "suits a slow disk; `auto` is `none` up to 1 GB, as at 60 m",
    )
    features: tuple[Feature, ...] = Field(
        min_length=1,
        description="input of the classifier: [names](#names), formulas, textures and [functions in "
        "Python](../how_to/python.md#features)",
    )
    view: View = Field(description="the image for the person who labels")
    samples: SampleSettings = Field(default=SampleSettings(), description="how samples become pixels")
    classifier: dict[str, str | int | float | bool | tuple[str | int, ...]] = Field(
        json_schema_extra={"required": ["classifier"]},
        description="parameters of OTB's TrainVectorClassifier: `classifier`, `classifier.rf.nbtrees`, ...; or [a "
        "logistic regression](#the-logistic-regression), or [a classifier of "
        "scikit-learn](../how_to/python.md#classifiers-of-scikit-learn)",
    )
    regularisation: Regularisation = Field(default=Regularisation(), description="cleaning of the map")
    confidence: Confidence = Field(default=Confidence(), description="cleaning of the confidence")
    queries: QuerySettings = Field(
        default=QuerySettings(),
        description="the places that `next` and `run` [propose to label](../explanation/queries.md)",
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
            check_names(feature, known, f"features.{number}")
        for number, layer in enumerate(self.view.layers):
            check_names(layer, known, f"view.layers.{number}")
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
    def _names_a_classifier(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        if "classifier" not in classifier:
            raise ValueError('has no key "classifier", such as "rf"')
        if classifier["classifier"] == SKLEARN and not isinstance(classifier.get(SKLEARN), str):
            raise ValueError(f'has no key "{SKLEARN}", such as "ExtraTreesClassifier"')
        return classifier

    @field_validator("classifier")
    @classmethod
    def _without_keys_of_the_other_library(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        """Drop the keys of the library, OTB or scikit-learn, whose classifier is not used.

        OTB does not know the keys of the logistic regression either. A scene may change a template from a classifier of
        one library to one of the other. The keys of the template's
        own classifier then remain beside the new ones. They mean nothing to the new classifier, and no message says
        that they are dropped.
        """
        of_otb = (SKLEARN,) if classifier["classifier"] == "logistic" else (SKLEARN, "classifier.logistic.")
        unused = ("classifier.",) if classifier["classifier"] == SKLEARN else of_otb
        return {key: value for key, value in classifier.items() if not key.startswith(unused)}

    @field_validator("classifier")
    @classmethod
    def _of_the_classifier_alone(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        """Refuse keys that are not parameters of a classifier: OTB would take ``io.out`` for a file to write."""
        library = SKLEARN if classifier["classifier"] == SKLEARN else "classifier"
        for key in classifier:
            if key not in ("classifier", library) and not key.startswith(f"{library}."):
                raise ValueError(f"key {key!r} is not known; a classifier's parameters begin with '{library}.'")
        return classifier

    @field_validator("classifier")
    @classmethod
    def _in_its_ranges(cls, classifier: dict[str, Any]) -> dict[str, Any]:
        if classifier["classifier"] != SKLEARN:
            check_ranges(classifier)
        return classifier

    @field_validator("bands")
    @classmethod
    def _band_names(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        return checked_bands(bands)

    @property
    def legend(self) -> Legend:
        """The classes, and the two sides that they form."""
        return Legend.from_classes(list(self.classes), self.positive)

    @property
    def uses_sklearn(self) -> bool:
        """Whether the classifier is one of scikit-learn's."""
        return self.classifier["classifier"] == SKLEARN

    @property
    def growth(self) -> dict[int, float]:
        """Half side in metres of the square around a point, by class code."""
        return {
            legend_class.code: self.samples.growth if legend_class.grow is None else legend_class.grow
            for legend_class in self.classes
        }


def template_names() -> tuple[str, ...]:
    """List the names of the templates that come with the package."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _template_folder().glob("*.json")))


def load_template(template: str) -> Template:
    """Read a template that comes with the package, by its name, or one in a file, by its path.

    Raises
    ------
    ConfigurationError
        There is no such template, or it is not valid.
    """
    file = find_template(template, Path.cwd(), "")
    return validated(Template, with_absolute_files(read_json(file), file), str(file))


def find_template(template: str, folder: Path, origin: str) -> Path:
    """Find the file of a template.

    Parameters
    ----------
    template
        The name of a template that comes with the package, or the path of a file.
    folder
        The folder that the path is relative to.
    origin
        The beginning of the error message, which shows where the template is named.

    Raises
    ------
    ConfigurationError
        There is no such template.
    """
    if template in template_names():
        return _template_folder() / f"{template}.json"
    file = folder / template
    if not file.is_file():
        raise ConfigurationError(
            f"{origin}template {template!r} is neither a file nor one of {', '.join(template_names())}"
        )
    return file


def with_absolute_files(settings: Any, origin: Path) -> Any:
    """Make the paths of Python files in a template absolute.

    Parameters
    ----------
    settings
        The keys of a template, not checked yet.
    origin
        The file that holds them. Paths of Python files are relative to its folder.
    """
    features = settings.get("features")
    if not isinstance(features, list | tuple):
        return settings
    return {**settings, "features": [_with_absolute_file(feature, origin.resolve().parent) for feature in features]}


def _with_absolute_file(feature: Any, folder: Path) -> Any:
    python = feature.get("python") if isinstance(feature, dict) else None
    place, _, function = python.rpartition(":") if isinstance(python, str) else ("", "", "")
    return {**feature, "python": f"{folder / place}:{function}"} if is_file_name(place) else feature


def _template_folder() -> Path:
    return Path(str(resources.files("alcd_otb"))) / "param_templates"


def template_schema() -> Schema:
    """Make the JSON Schema of a template in a separate file."""
    return schema_of(Template, "A template")
