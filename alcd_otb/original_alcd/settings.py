"""What the original's parameters change of a template: a scene's ``set``; and what they cannot."""

import colorsys
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.original_alcd.classifiers import classifier_of
from alcd_otb.original_alcd.features import DTM, feature_of, names_in
from alcd_otb.original_alcd.folder import NO_DATA_LAYER, AlcdFolder, OriginalParameters
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.template import Template

ORIGINAL = "clouds_alcd2019"
"""The template that has the original's features, resampling and forest."""

_TRAINING = "training_parameters"
_DEFAULT_CONTOUR, _DEFAULT_FOLDS = 2, 10

# Of features and training_parameters; what else stands there, such as what a fork has added, is told.
_KNOWN = {
    "features": ("original_bands", "special_indices", "ratios", "DTM", "textures", "time_difference_bands"),
    _TRAINING: (
        "training_proportion", "expansion_distance", "regularization_radius", "dilatation_radius", "Kfold",
        "random_seed",
    ),
}  # fmt: skip


def feature_names(folder: AlcdFolder) -> tuple[list[str], list[str]]:
    """(the original's names of the features, doubts): those its parameters ask for, else those of its stack."""
    asked = names_in(folder.parameters)
    if not asked:
        return list(folder.stack_bands), []
    lacking = [name for name in asked if name not in folder.stack_bands] if folder.stack_bands else []
    more = [name for name in folder.stack_bands if name not in asked]
    notes = []
    if lacking or more:
        differs = " and ".join(
            f"{verb} {', '.join(names)}" for verb, names in (("lacks", lacking), ("has besides", more)) if names
        )
        notes.append(f"{folder.parameters.file}: features: the original's stack {differs}; the parameters are followed")
    return asked, notes


def settings_of(
    folder: AlcdFolder, template: Template, is_original: bool, has_dem: bool
) -> tuple[dict[str, Any], list[str]]:
    """(a scene's ``set``, what is not translated), with what differs from the template alone.

    is_original: whether to translate features, classifier and cleaning as well; any other template brings its own.

    Raises ConfigurationError naming file, key and value where a parameter is not what the original takes.
    """
    notes: list[str] = []
    changes: dict[str, Any] = {}
    classes, class_notes = classes_of(folder, template)
    notes += class_notes
    if classes != [_plain(one) for one in template.classes]:
        changes["classes"] = classes
    if is_original:
        features, feature_notes = _features(folder, has_dem)
        notes += feature_notes
        if features and features != [one if isinstance(one, str) else one.model_dump() for one in template.features]:
            changes["features"] = features
        notes += _add_classifier(changes, folder, template)
    notes += _add_training(changes, folder.parameters, template, is_original)
    notes += _not_translated(folder)
    return changes, notes


def classes_of(folder: AlcdFolder, template: Template) -> tuple[list[dict[str, Any]], list[str]]:
    """(classes of a template, what is not known of them), in the order of their codes.

    By ``masks`` of the parameters; without them the template's.
    """
    masks = folder.parameters.section("masks")
    known = {one.name: _plain(one) for one in template.classes}
    if not masks:
        return list(known.values()), []
    colours = _colours(folder.parameters)
    classes, notes = [], []
    for name in masks:
        entry = folder.parameters.section("masks", name)
        given = entry.get("class_name", entry.get("class"))
        code = int(_number(folder.parameters, f"masks.{name}", "class_name", given, 1, 255, whole=True))
        if name in known:
            classes.append({**known[name], "code": code})
            continue
        classes.append({"name": name, "code": code, "colour": colours.get(code, _any_colour(code)), "invalid": False})
        notes.append(
            f"{folder.parameters.file}: masks.{name}: is no class of the template; taken as one of valid pixels: see "
            "its colour, 'invalid' and 'contour' in scene.json"
        )
    return sorted(classes, key=lambda one: int(one["code"])), notes


def shapefiles_by_code(folder: AlcdFolder, masks: dict[str, Path], legend: Legend) -> tuple[dict[int, Path], list[str]]:
    """(shapefile by class code, what does not fit), of the work folder or of an iteration saved."""
    files: dict[int, Path] = {}
    notes = []
    for one in legend.classes:
        stem = Path(str(folder.parameters.section("masks", one.name).get("shp", one.name))).stem
        if stem in masks:
            files[one.code] = masks[stem]
        else:
            notes.append(f"{folder.path}: has no {stem}.shp; class {one.name!r} has no samples")
    left = [name for name, path in masks.items() if path not in files.values() and name != NO_DATA_LAYER]
    if left:
        notes.append(f"{folder.path}: {', '.join(left)}: no class has a shapefile of this name; left out")
    return files, notes


def _features(folder: AlcdFolder, has_dem: bool) -> tuple[list[Any], list[str]]:
    names, notes = feature_names(folder)
    if DTM in names and not has_dem:
        names.remove(DTM)
        notes.append("features.DTM: no elevation model of the tile is found; left out: give one by --dem to have it")
    if "NDCI" in names:
        notes.append('features.special_indices: "NDCI" is what the original computes by this name, the same as NDVI')
    translated = {name: feature_of(name) for name in names}
    unknown = [name for name, feature in translated.items() if feature is None]
    if unknown:
        notes.append(f"features: {', '.join(unknown)}: not among the original's own features; left out")
    return [feature for feature in translated.values() if feature is not None], notes


def _add_classifier(changes: dict[str, Any], folder: AlcdFolder, template: Template) -> list[str]:
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
    given = parameters.section(_TRAINING)

    def number(key: str, least: float, most: float, whole: bool = False) -> float | None:
        value = given.get(key)
        return None if value is None else _number(parameters, _TRAINING, key, value, least, most, whole)

    samples = {
        "training_proportion": number("training_proportion", 0, 1),
        "growth": number("expansion_distance", 0, 1e6),
        "seed": number("random_seed", 0, 2**31 - 1, whole=True),
    }
    present = template.samples.model_dump()
    differing = {key: value for key, value in samples.items() if value is not None and value != present[key]}
    if differing:
        changes["samples"] = differing
    radius = number("regularization_radius", 0, 50, whole=True)
    if is_original and radius is not None and radius != template.regularisation.radius:
        changes["regularisation"] = {"radius": radius}
    notes = []
    if number("dilatation_radius", 0, 1e6) not in (None, _DEFAULT_CONTOUR):
        notes.append(f"{_TRAINING}.dilatation_radius: outlines have one width here; QGIS draws them as you like")
    folds = number("Kfold", 2, 1000, whole=True)
    if folds not in (None, _DEFAULT_FOLDS):
        notes.append(f"{_TRAINING}.Kfold: the number of folds is given to the command: kfold scene.json -k {folds}")
    return notes


def _not_translated(folder: AlcdFolder) -> list[str]:
    parameters, choices = folder.parameters, folder.parameters.section("user_choices")
    notes = []
    for section, known in _KNOWN.items():
        unknown = [key for key in parameters.section(section) if key not in known]
        if unknown:
            notes.append(f"{parameters.file}: {section}: {', '.join(unknown)}: not known here; left out")
    if choices.get("user_module") or choices.get("user_function"):
        function = f"{choices.get('user_module') or ''}:{choices.get('user_function') or ''}"
        notes.append(f"user_choices: the function {function} is not taken over; write its features in 'features'")
    return notes


def _number(
    parameters: OriginalParameters, section: str, key: str, value: Any, least: float, most: float, whole: bool = False
) -> float:
    """The original writes numbers as text, too. A proportion of 0, which trains nothing, is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if (
        not least <= number <= most
        or (whole and not number.is_integer())
        or (key == "training_proportion" and not number)
    ):
        kind = "a whole number" if whole else "a number"
        raise ConfigurationError(
            f"{parameters.file}: {section}.{key}: {value!r} is not {kind} from {least:g} to {most:.10g}"
        )
    return int(number) if number.is_integer() else number


def _plain(one: LegendClass) -> dict[str, Any]:
    """A class as it is written in a template, without what is left to its default."""
    return {key: value for key, value in asdict(one).items() if value is not None}


def _colours(parameters: OriginalParameters) -> dict[int, str]:
    """Colour by class code, of the table that the parameters name, where it is still there."""
    name = parameters.section("color_tables").get("otb")
    places = (parameters.file.parent, parameters.file.parent.parent, parameters.file.parent.parent / "color_tables")
    found = [place / name for place in places if isinstance(name, str) and (place / name).is_file()]
    if not found:
        return {}
    rows = re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$", found[0].read_text("utf-8", "replace"), re.M)
    return {int(code): "#{:02x}{:02x}{:02x}".format(*(min(int(one), 255) for one in colour)) for code, *colour in rows}


def _any_colour(code: int) -> str:
    """A colour unlike those of neighbouring codes: hues one golden angle apart."""
    red, green, blue = colorsys.hsv_to_rgb(code * 0.381966 % 1, 0.6, 0.8)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
