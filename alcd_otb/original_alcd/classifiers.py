"""Translate the original's classifiers and their parameters into a template's key ``classifier``."""

from typing import Any

from alcd_otb.original_alcd.features import is_true
from alcd_otb.original_alcd.folder import OriginalParameters
from alcd_otb.original_alcd.translation import Translated

ParameterValue = str | int | float | bool | list[str]

_OF_OTB = {"rf": "rf", "svm": "libsvm", "libsvm": "libsvm", "boost": "boost", "dt": "dt", "knn": "knn", "ann": "ann"}
_OF_OTB |= {"gbt": "gbt", "bayes": "bayes"}
_OF_SKLEARN = {
    "rf_scikit": "RandomForestClassifier",
    "svm_scikit": "SVC",
    "ada_scikit": "AdaBoostClassifier",
    "xtree_scikit": "ExtraTreesClassifier",
    "grad_scikit": "GradientBoostingClassifier",
    "hist_grad_scikit": "HistGradientBoostingClassifier",
}
_OTHER_SECTIONS = {"hist_grad_scikit": "hist_scikit"}
"""Section of the parameters, for methods whose section has another name."""

_REMOVED: dict[str, tuple[str, ...]] = {"dt": ("f",)}
"""Parameters that today's OTB does not have, by OTB's name of the classifier."""
_REMOVED_CLASSIFIERS = ("gbt",)
_SEEDS = ("rand", "random_state")
"""Parameters that are left out, since one seed, ``samples.seed``, governs everything."""

_SWITCHES = {"libsvm": ("opt", "prob"), "dt": ("r", "t")}
_LISTS = {"ann": ("sizes",)}


def classifier_of(method: str, models: OriginalParameters) -> Translated[dict[str, ParameterValue] | None]:
    """Translate a classifier.

    Parameters
    ----------
    method
        Name of the original's method.
    models
        The original's parameters of all methods.

    Returns
    -------
    Translated
        The classifier of a template, or None if this OTB does not have it.
    """
    section = _section(method, models)
    if method in _OF_SKLEARN:
        parameters = {f"sklearn.{key}": _value(value) for key, value in section.items() if key not in _SEEDS}
        return Translated({"classifier": "sklearn", "sklearn": _OF_SKLEARN[method], **parameters}, [])
    name = _OF_OTB.get(method.removesuffix("_otb"))
    if name is None or name in _REMOVED_CLASSIFIERS:
        note = f"classification.method: {method!r} is not a classifier of this OTB; the template's classifier is used"
        return Translated(None, [note])
    classifier: dict[str, ParameterValue] = {"classifier": name}
    notes = []
    for key, value in section.items():
        if key in _REMOVED.get(name, ()):
            notes.append(f"{models.file}: {method}.{key}: this OTB does not have this parameter; it is left out")
        elif key not in _SEEDS:
            classifier[f"classifier.{name}.{key}"] = _otb_value(name, key, value)
    return Translated(classifier, notes)


def _section(method: str, models: OriginalParameters) -> dict[str, Any]:
    """Return the parameters of a method. Older files leave out the end of its name, newer files have it."""
    names = (_OTHER_SECTIONS.get(method, method), method, f"{method}_otb", method.removesuffix("_otb"))
    section = next((name for name in names if name in models.content), None)
    return models.section(section) if section else {}


def _otb_value(name: str, key: str, value: Any) -> ParameterValue:
    """Return a parameter of one of OTB's classifiers as the type that OTB expects."""
    if key in _SWITCHES.get(name, ()):
        return is_true(value)
    if key in _LISTS.get(name, ()):
        return [str(part) for part in value] if isinstance(value, list) else str(value).split()
    return _value(value)


def _value(value: Any) -> ParameterValue:
    """Return numbers that are written as text as numbers, and other values as they are."""
    if isinstance(value, bool | int | float):
        return value
    for kind in (int, float):
        try:
            return kind(str(value))
        except ValueError:
            continue
    return str(value)
