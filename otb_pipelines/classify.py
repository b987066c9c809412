"""Classification of a whole image and the cleaning of its map."""

from pathlib import Path

from otb_pipelines.app import Application, Output, Value
from otb_pipelines.settings import Settings


def build_classification(
    image: Path, model: Path, mask: Path, statistics: Path | None, settings: Settings
) -> Application:
    """Labels in `out` (0 where the mask is 0) and the confidence in `confmap`, which need not be written."""
    parameters: dict[str, Value] = {"in": image, "model": model, "mask": mask, "nodatalabel": 0}
    if statistics is not None:
        parameters["imstat"] = statistics
    return Application("ImageClassifier", parameters, settings)


def build_regularisation(labels: Path | Output, radius: int, settings: Settings) -> Application:
    """Majority vote in a ball; a tie keeps the pixel's label, and no data (0) neither votes nor changes."""
    return Application(
        "ClassificationMapRegularization",
        {
            "io.in": labels,
            "ip.radius": radius,
            "ip.suvbool": False,
            "ip.nodatalabel": 0,
            "ip.onlyisolatedpixels": False,
        },
        settings,
    )


def build_median(image: Path | Output, radius: int, settings: Settings) -> Application:
    """Median in a square window of side 2 radius + 1; the image's edge is replicated."""
    side = 2 * radius + 1
    return Application("BandMathX", {"il": [image], "exp": f"median(im1b1N{side}x{side})"}, settings)
