"""Translate the original's parameters into changes of a template, which are the key ``set`` of a scene."""

import colorsys
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.errors import ConfigurationError
from alcd_otb.original_alcd.classifiers import classifier_of
from alcd_otb.original_alcd.features import DTM, feature_of, names_in
from alcd_otb.original_alcd.folder import NO_DATA_LAYER, AlcdFolder, OriginalParameters, read_text
from alcd_otb.original_alcd.translation import Translated
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.template import Template

ORIGINAL = "clouds_alcd2019"
"""The template that has the original's features, resampling and forest."""

_TRAINING = "training_parameters"
_DEFAULT_CONTOUR, _DEFAULT_FOLDS = 2, 10
_USUAL_SAMPLES = {"training_proportion": 0.9, "growth": 100}
"""What the original gives every scene. Other templates keep their own values instead."""

# Known keys of two sections. Other keys, such as those that a fork has added, are reported.
_KNOWN = {
    "features": ("original_bands", "special_indices", "ratios", "DTM", "textures", "time_difference_bands"),
    _TRAINING: (
        "training_proportion", "expansion_distance", "regularization_radius", "dilatation_radius", "Kfold",
        "random_seed",
    ),
}  # fmt: skip


class _Limits(NamedTuple):
    """The values that are allowed for a number, both limits included."""

    least: float
    most: float
    is_whole: bool = False
    allows_zero: bool = True

    def allow(self, number: float) -> bool:
        """Return whether a number is allowed; NaN never is."""
        fits = self.least <= number <= self.most
        return fits and (not self.is_whole or number.is_integer()) and (self.allows_zero or number != 0)

    def __str__(self) -> str:
        """Return the limits as a message names them."""
        return f"{'a whole number' if self.is_whole else 'a number'} from {self.least:g} to {self.most:.10g}"


def feature_names(folder: AlcdFolder) -> Translated[list[str]]:
    """Return the original's names of the features: those in its parameters, else those of its stack."""
    asked = names_in(folder.parameters)
    if not asked:
        return Translated(list(folder.stack_bands), [])
    missing = [name for name in asked if name not in folder.stack_bands] if folder.stack_bands else []
    more = [name for name in folder.stack_bands if name not in asked]
    notes = []
    if missing or more:
        differs = " and ".join(
            f"{verb} {', '.join(names)}" for verb, names in (("lacks", missing), ("also has", more)) if names
        )
        notes.append(f"{folder.parameters.file}: features: the original's stack {differs}; the parameters are used")
    return Translated(asked, notes)


def settings_of(folder: AlcdFolder, template: Template, is_original: bool, has_dem: bool) -> Translated[dict[str, Any]]:
    """Translate the original's parameters into a scene's ``set``, which holds only what differs from the template.

    Parameters
    ----------
    folder
        The work folder.
    template
        The template of the scene.
    is_original
        Whether the template is `ORIGINAL`, so that features, classifier and cleaning are translated as well. Other
        templates keep their own.
    has_dem
        Whether there is an elevation model of the tile.

    Raises
    ------
    ConfigurationError
        If a parameter has a value that the original does not accept. The message names file, key and value.
    """
    notes: list[str] = []
    changes: dict[str, Any] = {}
    classes, class_notes = classes_of(folder, template)
    notes += class_notes
    if classes != [_plain(entry) for entry in template.classes]:
        changes["classes"] = classes
    if is_original:
        features, feature_notes = _features(folder, has_dem)
        notes += feature_notes
        present = [feature if isinstance(feature, str) else feature.model_dump() for feature in template.features]
        if features and features != present:
            changes["features"] = features
        notes += _add_classifier(changes, folder, template)
    notes += _add_training(changes, folder.parameters, template, is_original)
    notes += _not_translated(folder)
    return Translated(changes, notes)


def classes_of(folder: AlcdFolder, template: Template) -> Translated[list[dict[str, Any]]]:
    """Translate ``masks`` of the parameters into the classes of a template, in the order of their codes.

    Without ``masks``, the classes are those of the template. Notes name the classes that the template does not have.
    """
    masks = folder.parameters.section("masks")
    known = {entry.name: _plain(entry) for entry in template.classes}
    if not masks:
        return Translated(list(known.values()), [])
    colours = _colours(folder.parameters)
    classes, notes = [], []
    for name in masks:
        entry = folder.parameters.section("masks", name)
        value = entry.get("class_name", entry.get("class"))
        code = int(_number(folder.parameters, f"masks.{name}.class_name", value, _Limits(1, 255, is_whole=True)))
        if name in known:
            classes.append({**known[name], "code": code})
            continue
        classes.append({"name": name, "code": code, "colour": colours.get(code, _any_colour(code)), "invalid": False})
        notes.append(
            f"{folder.parameters.file}: masks.{name}: is not a class of the template; it becomes a class of valid "
            "pixels: check its colour, 'invalid' and 'contour' in scene.json"
        )
    return Translated(sorted(classes, key=lambda entry: int(entry["code"])), notes)


def shapefiles_by_code(folder: AlcdFolder, masks: dict[str, Path], legend: Legend) -> Translated[dict[int, Path]]:
    """Return the shapefile of each class, by class code.

    Parameters
    ----------
    folder
        The work folder, whose parameters name the shapefiles.
    masks
        Shapefiles by name, of the work folder or of a saved iteration.
    legend
        The classes of the scene.
    """
    files: dict[int, Path] = {}
    notes = []
    for entry in legend.classes:
        stem = Path(str(folder.parameters.section("masks", entry.name).get("shp", entry.name))).stem
        if stem in masks:
            files[entry.code] = masks[stem]
        else:
            notes.append(f"{folder.path}: has no {stem}.shp; class {entry.name!r} has no samples")
    left = [name for name, path in masks.items() if path not in files.values() and name != NO_DATA_LAYER]
    if left:
        notes.append(f"{folder.path}: {', '.join(left)}: no class has a shapefile of this name; left out")
    return Translated(files, notes)


def _features(folder: AlcdFolder, has_dem: bool) -> Translated[list[Any]]:
    """Translate the features."""
    names, notes = feature_names(folder)
    if DTM in names and not has_dem:
        names.remove(DTM)
        notes.append("features.DTM: no elevation model of the tile is found; left out: add it with --dem")
    if "NDCI" in names:
        notes.append('features.special_indices: "NDCI" is what the original computes by this name, the same as NDVI')
    translated = {name: feature_of(name) for name in names}
    unknown = [name for name, feature in translated.items() if feature is None]
    if unknown:
        notes.append(f"features: {', '.join(unknown)}: not among the original's own features; left out")
    return Translated([feature for feature in translated.values() if feature is not None], notes)


def _add_classifier(changes: dict[str, Any], folder: AlcdFolder, template: Template) -> list[str]:
    """Add to the changes what differs from the template's classifier, and return notes."""
    method = folder.parameters.section("classification").get("method")
    if method is None:
        return []
    classifier, notes = classifier_of(str(method), folder.models)
    if classifier is not None:
        differing = {key: value for key, value in classifier.items() if template.classifier.get(key) != value}
        defaults = {"classifier.rf.ra": 0, "classifier.rf.cat": 10, "classifier.rf.var": 0}
        differing = {key: value for key, value in differing.items() if defaults.get(key) != value}
        if differing:
            changes["classifier"] = differing
    return notes


def _add_training(
    changes: dict[str, Any], parameters: OriginalParameters, template: Template, is_original: bool
) -> list[str]:
    """Add to the changes what differs from the template's samples and cleaning, and return notes."""
    training = parameters.section(_TRAINING)

    def number(key: str, limits: _Limits) -> float | None:
        value = training.get(key)
        return None if value is None else _number(parameters, f"{_TRAINING}.{key}", value, limits)

    samples = {
        # A proportion of 0 would train nothing.
        "training_proportion": number("training_proportion", _Limits(0, 1, allows_zero=False)),
        "growth": number("expansion_distance", _Limits(0, 1e6)),
        "seed": number("random_seed", _Limits(0, 2**31 - 1, is_whole=True)),
    }
    present = template.samples.model_dump()
    kept = {} if is_original else _USUAL_SAMPLES
    differing = {
        key: value for key, value in samples.items() if value not in (None, present[key]) and value != kept.get(key)
    }
    if differing:
        changes["samples"] = differing
    radius = number("regularization_radius", _Limits(0, 50, is_whole=True))
    if is_original and radius is not None and radius != template.regularisation.radius:
        changes["regularisation"] = {"radius": radius}
    notes = []
    if number("dilatation_radius", _Limits(0, 1e6)) not in (None, _DEFAULT_CONTOUR):
        notes.append(f"{_TRAINING}.dilatation_radius: outlines have one width here; QGIS draws them as you like")
    folds = number("Kfold", _Limits(2, 1000, is_whole=True))
    if folds not in (None, _DEFAULT_FOLDS):
        notes.append(f"{_TRAINING}.Kfold: the number of folds is given to the command: kfold scene.json -k {folds}")
    return notes


def _not_translated(folder: AlcdFolder) -> list[str]:
    """Return notes about parameters that have no counterpart here."""
    parameters, choices = folder.parameters, folder.parameters.section("user_choices")
    notes = []
    for section, known in _KNOWN.items():
        unknown = [key for key in parameters.section(section) if key not in known]
        if unknown:
            notes.append(f"{parameters.file}: {section}: {', '.join(unknown)}: not known here; left out")
    if choices.get("user_module") or choices.get("user_function"):
        function = f"{choices.get('user_module') or ''}:{choices.get('user_function') or ''}"
        notes.append(f"user_choices: the function {function} is not imported; write its features in 'features'")
    return notes


def _number(parameters: OriginalParameters, key: str, value: Any, limits: _Limits) -> float:
    """Return the number that a parameter holds; the original also writes numbers as text.

    Parameters
    ----------
    parameters
        File of the parameter, for the message.
    key
        Section and key of the parameter, for the message.
    value
        Value of the parameter.
    limits
        Allowed values.

    Raises
    ------
    ConfigurationError
        If the value is not a number, or not an allowed one.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not limits.allow(number):
        raise ConfigurationError(f"{parameters.file}: {key}: {value!r} is not {limits}")
    return int(number) if number.is_integer() else number


def _plain(entry: LegendClass) -> dict[str, Any]:
    """Return a class as it is written in a template, without empty values."""
    return {key: value for key, value in asdict(entry).items() if value is not None}


def _colours(parameters: OriginalParameters) -> dict[int, str]:
    """Read the colours by class code from the table that the parameters name, if it still exists."""
    name = parameters.section("color_tables").get("otb")
    places = (parameters.file.parent, parameters.file.parent.parent, parameters.file.parent.parent / "color_tables")
    tables = [place / name for place in places if isinstance(name, str) and (place / name).is_file()]
    if not tables:
        return {}
    table = read_text(tables[0])
    rows = re.findall(r"^\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s*$", table, re.M)
    return {int(code): "#{:02x}{:02x}{:02x}".format(*(min(int(part), 255) for part in rgb)) for code, *rgb in rows}


def _any_colour(code: int) -> str:
    """Return a colour that differs from those of neighbouring codes: their hues are a golden angle apart."""
    red, green, blue = colorsys.hsv_to_rgb(code * 0.381966 % 1, 0.6, 0.8)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
