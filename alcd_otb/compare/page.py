"""Make ``comparison.html``: a whole comparison in one file that needs no network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.differences import COLOURS, difference_name
from alcd_otb.compare.pictures import difference_picture, reference_picture
from alcd_otb.compare.results import ProcessorSummary, Row, best_dilations, uneven_processors
from alcd_otb.masks.mask import Mask
from alcd_otb.pages.html import image_uri, render
from alcd_otb.pages.plots import Axis, Plot, make_plot

_NAMES = {
    "oa": "overall accuracy",
    "balanced_oa": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "specificity": "specificity",
}


def comparison_page(comparison: Comparison, differences: Path) -> str:
    """Make the page.

    Parameters
    ----------
    comparison
        The comparison to show.
    differences
        The folder of the difference maps.
    """
    metres = comparison.protocol.dilation.metres
    processors = comparison.processors
    at_first = [summary for summary in processors if summary.dilation_m == metres[0]]
    references = _references(comparison)
    return render(
        "comparison.html",
        protocol=comparison.protocol,
        names=_NAMES,
        rows=[row.as_json() for row in comparison.rows],
        processors=[summary.as_json() for summary in processors],
        best=[summary.as_json() for summary in best_dilations(processors)],
        uneven=uneven_processors(comparison.rows),
        by_scene=_by_scene([row for row in comparison.rows if row.dilation_m == metres[0]]),
        by_dilation=_by_dilation(processors, metres),
        compared=[summary.processor for summary in at_first],
        errors=_errors_by_class(at_first),
        difference_pictures=list(_differences(comparison, differences)),
        difference_colours=dict(COLOURS.values()),
        reference_pictures=references.pictures,
        reference_colours=references.colours,
        failures=comparison.failures,
        pairing=comparison.pairing,
        versions=comparison.versions,
    )


def _by_scene(rows: Sequence[Row]) -> Plot | None:
    accuracies = {(row.processor, row.scene): row.metrics.overall_accuracy for row in rows}
    scenes = sorted({scene for _, scene in accuracies})
    axis = Axis("scene", list(enumerate(scenes)), _width(len(scenes)))
    return make_plot(
        _NAMES["oa"].capitalize(),
        axis,
        {name: [accuracies.get((name, scene)) for scene in scenes] for name in sorted({row.processor for row in rows})},
        is_share=True,
    )


def _by_dilation(processors: Sequence[ProcessorSummary], metres: Sequence[float]) -> Plot | None:
    axis = Axis("dilation in metres", [(radius, f"{radius:g}") for radius in metres], _width(len(metres)))
    means: dict[str, list[float | None]] = {}
    for summary in processors:
        means.setdefault(summary.processor, []).append(summary.mean["oa"])
    return make_plot(_NAMES["oa"].capitalize(), axis, means, is_share=True)


def _width(places: int) -> int:
    return max(420, min(1100, 60 * places))


def _errors_by_class(processors: Sequence[ProcessorSummary]) -> dict[str, list[float | None]]:
    """Return omission and commission of each processor in turn, by class of the reference."""
    by_class = [summary.as_json()["classes"] for summary in processors]
    names = dict.fromkeys(name for classes in by_class for name in classes if name)
    return {
        name: [classes.get(name, {}).get(kind) for classes in by_class for kind in ("omission", "commission")]
        for name in names
    }


class _DrawnDifference(NamedTuple):
    """A difference map on the page; uri holds the picture."""

    scene: str
    processor: str
    overall_accuracy: float | None
    uri: str


def _differences(comparison: Comparison, folder: Path) -> Iterator[_DrawnDifference]:
    compared = {(row.scene, row.processor): row for row in reversed(comparison.rows)}
    for scene in comparison.pairing.scenes:
        picture = scene.reference.picture if isinstance(scene.reference, Mask) else None
        for product in scene.products:
            file = folder / difference_name(scene.name, product.processor)
            row = compared.get((scene.name, product.processor))
            if row is not None and file.is_file():
                image = difference_picture(file, picture or product.picture)
                uri = image_uri(image, "WEBP")
                yield _DrawnDifference(scene.name, product.processor, row.metrics.overall_accuracy, uri)


class _DrawnReferences(NamedTuple):
    """Scenes with the address that holds their picture, and the colours by class."""

    pictures: list[tuple[str, str]]
    colours: dict[str, str]


def _references(comparison: Comparison) -> _DrawnReferences:
    pictures, colours = [], {}
    occurring = {name for summary in comparison.processors for name in summary.classes}
    named = [(scene.name, scene.reference) for scene in comparison.pairing.scenes]
    named += [(reference.acquisition.name, reference) for reference in comparison.pairing.references_alone]
    for name, reference in sorted(named, key=lambda entry: entry[0]):
        image = reference_picture(reference) if isinstance(reference, Mask) else None
        if isinstance(reference, Mask) and image is not None:
            pictures.append((name, image_uri(image, "PNG")))
            for pixel_class in reference.classes:
                if pixel_class.name in occurring:
                    colours[pixel_class.name] = pixel_class.colour or "#ffffff"
    return _DrawnReferences(pictures, colours)
