"""Masks: where every band has a value, and binary morphology."""

from collections.abc import Sequence
from pathlib import Path

from otb_pipelines.app import Application, Output
from otb_pipelines.settings import Settings


def build_formula(images: Sequence[Path | Output], expression: str, settings: Settings) -> Application:
    """A formula of whole images in BandMath's language: im1b1 is the first band of the first. The output is `out`."""
    return Application("FormulaEvaluation", {"il": images, "exp": expression}, settings)


def build_morphology(mask: Path | Output, operation: str, radius: int, settings: Settings) -> Application:
    """`dilate`, `erode`, `opening` or `closing` of the pixels of value 1 by a ball of this radius in pixels.

    The ball of OTB holds the offsets with x^2 + y^2 <= (radius + 0.5)^2. Other pixels become 0.
    """
    return Application(
        "BinaryMorphologicalOperation",
        {
            "in": mask,
            "filter": operation,
            "structype": "ball",
            "xradius": radius,
            "yradius": radius,
            "foreval": 1.0,
            "backval": 0.0,
        },
        settings,
    )
