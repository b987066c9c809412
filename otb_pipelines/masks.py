"""Build masks by formulas and by binary morphology."""

from collections.abc import Sequence
from pathlib import Path

from otb_pipelines.app import Application, Output
from otb_pipelines.settings import Settings


def build_formula(images: Sequence[Path | Output], expression: str, settings: Settings) -> Application:
    """Build an application that evaluates a formula of whole images.

    Parameters
    ----------
    images
        The images, on one grid.
    expression
        The formula in BandMath's language. ``im1b1`` is the first band of the first image.
    settings
        Memory and threads.

    Returns
    -------
    Application
        Its output ``out`` has one band.
    """
    return Application("FormulaEvaluation", {"il": images, "exp": expression}, settings)


def build_morphology(mask: Path | Output, operation: str, radius: int, settings: Settings) -> Application:
    """Build an application that dilates, erodes, opens or closes the pixels of value 1 by a ball.

    Parameters
    ----------
    mask
        The mask. Values other than 1 become 0.
    operation
        ``dilate``, ``erode``, ``opening`` or ``closing``.
    radius
        Radius of the ball in pixels. OTB's ball consists of the offsets with x^2 + y^2 <= (radius + 0.5)^2.
    settings
        Memory and threads.

    Returns
    -------
    Application
        Its output ``out`` is 1 or 0.
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
