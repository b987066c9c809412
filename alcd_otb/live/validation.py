"""Cross-validate the samples of a live session, as an iteration does whose samples all train."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.accuracy.confusion_matrix import summarise
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.classification.validation import cross_validate_training
from alcd_otb.live.labelled import LabelledScene, Labelling
from otb_pipelines.settings import Settings


class LiveValidation(NamedTuple):
    """The figures of a cross-validation.

    Attributes
    ----------
    revision
        The revision of the samples.
    figures
        As metrics.json holds them: ``validation``, ``overall_accuracy`` and so on.
    """

    revision: int
    figures: dict[str, Any]


def cross_validated(labelling: Labelling, labelled: LabelledScene, settings: Settings) -> LiveValidation:
    """Cross-validate the training samples.

    Parameters
    ----------
    labelling
        The scene and its template.
    labelled
        The samples, which can be trained on.
    settings
        Memory and threads.

    Raises
    ------
    OtbError, ProcessingError
        If something cannot be computed.
    """
    assert labelled.training is not None
    workspace = labelling.workspace
    with tempfile.TemporaryDirectory(prefix="alcd-otb-live-") as folder:
        task = ClassificationTask(
            labelling.template, workspace.features, workspace.valid, labelling.grid, labelled.training, Path(folder)
        )
        checked = cross_validate_training(task, labelled.kept, settings)
    figures = {"validation": checked.validation.as_json(), **summarise(checked.pairs, labelling.template.legend)}
    return LiveValidation(labelled.revision, figures)
