"""comparison.html: all of a comparison in one file that needs no network."""

from collections.abc import Iterator, Sequence
from pathlib import Path

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
    """The page. differences: the folder of the difference maps."""
    metres = comparison.protocol.dilation.metres
    processors = comparison.processors
    at_first = [one for one in processors if one.dilation_m == metres[0]]
    reference_pictures, reference_colours = _references(comparison)
    return render(
        "comparison.html",
        protocol=comparison.protocol,
        names=_NAMES,
        rows=[row.as_json() for row in comparison.rows],
        processors=[one.as_json() for one in processors],
        best=[one.as_json() for one in best_dilations(processors)],
        uneven=uneven_processors(comparison.rows),
        by_scene=_by_scene([row for row in comparison.rows if row.dilation_m == metres[0]]),
        by_dilation=_by_dilation(processors, metres),
        compared=[one.processor for one in at_first],
        errors=_errors_by_class(at_first),
        difference_pictures=list(_differences(comparison, differences)),
        difference_colours=dict(COLOURS.values()),
        reference_pictures=reference_pictures,
        reference_colours=reference_colours,
        failures=comparison.failures,
        pairing=comparison.pairing,
        versions=comparison.versions,
    )


def _by_scene(rows: Sequence[Row]) -> Plot | None:
    found = {(row.processor, row.scene): row.metrics.overall_accuracy for row in rows}
    scenes = sorted({scene for _, scene in found})
    axis = Axis("scene", list(enumerate(scenes)), _width(len(scenes)))
    return make_plot(
        _NAMES["oa"].capitalize(),
        axis,
        {name: [found.get((name, scene)) for scene in scenes] for name in sorted({row.processor for row in rows})},
        is_share=True,
    )


def _by_dilation(processors: Sequence[ProcessorSummary], metres: Sequence[float]) -> Plot | None:
    axis = Axis("dilation in metres", [(one, f"{one:g}") for one in metres], _width(len(metres)))
    means: dict[str, list[float | None]] = {}
    for one in processors:
        means.setdefault(one.processor, []).append(one.mean["oa"])
    return make_plot(_NAMES["oa"].capitalize(), axis, means, is_share=True)


def _width(places: int) -> int:
    return max(420, min(1100, 60 * places))


def _errors_by_class(processors: Sequence[ProcessorSummary]) -> dict[str, list[float | None]]:
    """Omission and commission of each processor in turn, by class of the reference."""
    by_class = [one.as_json()["classes"] for one in processors]
    names = dict.fromkeys(name for classes in by_class for name in classes if name)
    return {
        name: [classes.get(name, {}).get(kind) for classes in by_class for kind in ("omission", "commission")]
        for name in names
    }


def _differences(comparison: Comparison, folder: Path) -> Iterator[tuple[str, str, float | None, str]]:
    """(scene, processor, overall accuracy, address of the picture)."""
    compared = {(row.scene, row.processor): row for row in reversed(comparison.rows)}
    for scene in comparison.pairing.scenes:
        picture = scene.reference.picture if isinstance(scene.reference, Mask) else None
        for product in scene.products:
            file = folder / difference_name(scene.name, product.processor)
            row = compared.get((scene.name, product.processor))
            if row is not None and file.is_file():
                image = difference_picture(file, picture or product.picture)
                yield scene.name, product.processor, row.metrics.overall_accuracy, image_uri(image, "WEBP")


def _references(comparison: Comparison) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """(scene and address of its picture; colour by class)."""
    pictures, colours = [], {}
    occurring = {name for one in comparison.processors for name in one.classes}
    named = [(scene.name, scene.reference) for scene in comparison.pairing.scenes]
    named += [(one.acquisition.name, one) for one in comparison.pairing.references_alone]
    for name, reference in sorted(named, key=lambda entry: entry[0]):
        image = reference_picture(reference) if isinstance(reference, Mask) else None
        if isinstance(reference, Mask) and image is not None:
            pictures.append((name, image_uri(image, "PNG")))
            colours.update({one.name: one.colour or "#ffffff" for one in reference.classes if one.name in occurring})
    return pictures, colours
