"""The original's classifiers and their parameters, as a template's key ``classifier``."""

from typing import Any

from alcd_otb.original_alcd.features import is_true
from alcd_otb.original_alcd.folder import OriginalParameters

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
"""Where the parameters of a method have another name than the method."""

# By OTB's name of the classifier: what today's OTB does not know any more.
_GONE = {"dt": ("f",), "gbt": None}
_SEEDS = ("rand", "random_state")
"""Not of a classifier here: one seed, samples.seed, governs all."""

_SWITCHES = {"libsvm": ("opt", "prob"), "dt": ("r", "t")}
_LISTS = {"ann": ("sizes",)}


def classifier_of(method: str, models: OriginalParameters) -> tuple[dict[str, ParameterValue] | None, list[str]]:
    """(a template's classifier, what of it cannot be translated); None in the place of one that there is no more."""
    section = _section(method, models)
    if method in _OF_SKLEARN:
        given = {f"sklearn.{key}": _value(value) for key, value in section.items() if key not in _SEEDS}
        return {"classifier": "sklearn", "sklearn": _OF_SKLEARN[method], **given}, []
    name = _OF_OTB.get(method.removesuffix("_otb"))
    if name is None or _GONE.get(name, ()) is None:
        return None, [f"classification.method: {method!r} is no classifier of this OTB; the template's is taken"]
    classifier: dict[str, ParameterValue] = {"classifier": name}
    notes = []
    for key, value in section.items():
        if key in (_GONE.get(name) or ()):
            notes.append(f"{models.file}: {method}.{key}: OTB knows it no more; it is left out")
        elif key not in _SEEDS:
            classifier[f"classifier.{name}.{key}"] = _otb_value(name, key, value)
    return classifier, notes


def _section(method: str, models: OriginalParameters) -> dict[str, Any]:
    """The parameters of a method; older files leave out the end of its name, newer ones have it."""
    names = (_OTHER_SECTIONS.get(method, method), method, f"{method}_otb", method.removesuffix("_otb"))
    found = next((name for name in names if name in models.content), None)
    return models.section(found) if found else {}


def _otb_value(name: str, key: str, value: Any) -> ParameterValue:
    if key in _SWITCHES.get(name, ()):
        return is_true(value)
    if key in _LISTS.get(name, ()):
        return [str(one) for one in value] if isinstance(value, list) else str(value).split()
    return _value(value)


def _value(value: Any) -> ParameterValue:
    """Numbers written as text as numbers."""
    if isinstance(value, bool | int | float):
        return value
    for kind in (int, float):
        try:
            return kind(str(value))
        except ValueError:
            continue
    return str(value)
