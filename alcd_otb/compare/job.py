"""The job: find masks, pair them, count, and leave the results whole in one folder."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.compare.cells import Cells
from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.counting import Dilations, LabelledPixels, PairCounts, comparison_grid, count_pair
from alcd_otb.compare.differences import DifferenceMap, difference_name
from alcd_otb.compare.distance import reach
from alcd_otb.compare.finding import Failure, read_all, readers
from alcd_otb.compare.names import check_names
from alcd_otb.compare.page import comparison_page
from alcd_otb.compare.pairing import ComparedScene, pair
from alcd_otb.compare.protocol import Protocol
from alcd_otb.compare.results import Row, classes_csv, rows_csv, uneven_processors
from alcd_otb.errors import AlcdError, ConfigurationError, ProductError
from alcd_otb.masks.fmask import Kind
from alcd_otb.masks.labelled_reference import LabelledReference
from alcd_otb.masks.mask import Mask
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.template import load_template
from alcd_otb.workspace import Workspace, write_json, writing_to
from otb_pipelines.process import bounded_cache, gdal_threads
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

REFERENCE_TEMPLATE = "clouds"
"""Its classes are those of the published reference masks."""


def compare(
    references: Sequence[str],
    products: Sequence[str],
    protocol: Protocol,
    folder: Path,
    settings: Settings,
    fmask: Kind | None = None,
) -> Comparison:
    """Compare the references with the products in files and folders, and write all results into a folder.

    references, products: as `read_all` takes them. What cannot be read or compared is among the failures, and the rest
    goes on. The folder gets comparison.json, comparison.csv, classes.csv, comparison.html and differences/.

    Raises ProductError where nothing could be compared, ConfigurationError where the protocol does not fit, the errors
    of `read_all` and `pair`, ProcessingError where the folder cannot be written.
    """
    legend = load_template(REFERENCE_TEMPLATE).legend
    known, failures = read_all(references, readers(legend, fmask, labelled=True))
    found, of_products = read_all(products, readers(legend, fmask, labelled=False))
    masks = [one for one in found if isinstance(one, Mask)]
    check_names(protocol, legend, known, masks)
    pairing = pair(known, masks)
    failures += [*of_products, *pairing.failures]
    workspace = Workspace(folder)
    with (
        bounded_cache(settings.ram),
        gdal_threads(settings.threads),
        workspace.locked(),
        workspace.scratch() as scratch,
    ):
        (scratch / "differences").mkdir()
        rows, of_pairs = _count_all(pairing.scenes, protocol, scratch / "differences", settings)
        comparison = Comparison(folder, protocol, tuple(rows), pairing, (*failures, *of_pairs))
        _tell(comparison)
        if not rows:
            raise _nothing_compared(comparison)
        _write(comparison, scratch)
        _deliver(scratch, folder)
    return comparison


def _count_all(
    scenes: Sequence[ComparedScene], protocol: Protocol, differences: Path, settings: Settings
) -> tuple[list[Row], list[Failure]]:
    rows, failures = [], []
    pairs = [(scene, product) for scene in scenes for product in scene.products]
    for number, (scene, product) in enumerate(pairs):

        def told(share: float, number: int = number) -> None:
            if settings.progress is not None:
                settings.progress("comparing", (number + share) / len(pairs))

        target = differences / difference_name(scene.name, product.processor)
        try:
            rows += _rows(scene, product, protocol, target, told)
        except ConfigurationError:
            raise
        except AlcdError as error:
            target.unlink(missing_ok=True)
            failures.append(Failure(product.path, error, scene.name, product.processor))
    return rows, failures


def _rows(scene: ComparedScene, product: Mask, protocol: Protocol, target: Path, told: Any) -> list[Row]:
    reference = scene.reference
    metres = protocol.dilation.metres
    is_dilated = isinstance(reference, Mask)
    of_reference = [protocol.dilation.of_reference(one) if is_dilated else 0.0 for one in metres]
    of_product = [protocol.dilation.of_product(product.processor, one) for one in metres]
    dilations = Dilations(tuple(sorted(set(of_reference))), tuple(sorted(set(of_product))), protocol.exclude.border)
    grid = comparison_grid(reference.grid if isinstance(reference, Mask) else product.grid, protocol.grid)
    _check_reach(grid, dilations)
    positive = frozenset(protocol.positive.reference)
    cells = _cells(product, grid, protocol, protocol.positive_of(product.processor), protocol.exclude.product)
    if isinstance(reference, LabelledReference):
        known: Cells | LabelledPixels = _labelled_pixels(reference, grid, positive, protocol.exclude.reference)
        counts = count_pair(known, cells, dilations, None, told)
    else:
        known = _cells(reference, grid, protocol, positive, protocol.exclude.reference)
        with DifferenceMap.creating(target, grid) as difference:
            counts = count_pair(known, cells, dilations, difference.write, told)
    if not counts.counts.any():
        raise ProductError(f"{product.path}: has no pixel with data where the reference {reference.path} has some")
    return [
        _row(scene, product, counts, one, by_reference, by_product)
        for one, by_reference, by_product in zip(metres, of_reference, of_product, strict=True)
    ]


def _row(scene: ComparedScene, product: Mask, counts: PairCounts, metres: float, reference: float, own: float) -> Row:
    return Row(
        scene=scene.name,
        processor=product.processor,
        dilation_m=metres,
        reference_dilation_m=reference,
        product_dilation_m=own,
        metrics=counts.metrics(reference, own),
        classes=counts.by_class(reference, own),
    )


def _cells(mask: Mask, grid: Grid, protocol: Protocol, positive: frozenset[str], excluded: Sequence[str]) -> Cells:
    _check_known(mask.path, positive, mask.meanings)
    return Cells(mask, grid, positive, frozenset(excluded), protocol.share, protocol.data_share)


def _labelled_pixels(
    reference: LabelledReference, grid: Grid, positive: frozenset[str], excluded: Sequence[str]
) -> LabelledPixels:
    meanings = {one.code: one.means | {one.name} for one in reference.classes}
    _check_known(reference.path, positive, frozenset().union(*meanings.values()))
    rows, columns, codes = reference.locate(grid)
    left_out = [code for code, meaning in meanings.items() if meaning & frozenset(excluded)]
    kept = ~np.isin(codes, left_out)
    return LabelledPixels(
        rows[kept],
        columns[kept],
        codes[kept],
        {one.code: one.name for one in reference.classes},
        frozenset(code for code, meaning in meanings.items() if meaning & positive),
    )


def _check_known(path: Path, positive: frozenset[str], meanings: frozenset[str]) -> None:
    """A name that a mask does not have would count nothing as positive, and look like a result."""
    if not positive & meanings:
        raise ProductError(
            f"{path}: has none of the positive classes {', '.join(sorted(positive))}; it has "
            f"{', '.join(sorted(meanings))}: choose another protocol, or name them there"
        )


def _check_reach(grid: Grid, dilations: Dilations) -> None:
    try:
        reach((*dilations.reference, *dilations.product, dilations.border), grid.resolution)
    except ValueError as error:
        raise ConfigurationError(f"dilation or border too large: {error}") from error


def _tell(comparison: Comparison) -> None:
    """Where nothing could be compared, the first failure is the error that ends the run."""
    pairing = comparison.pairing
    for failure in comparison.failures[0 if comparison.rows else 1 :]:
        log.log(logging.ERROR if comparison.rows else logging.WARNING, "%s", failure.error)
    for one in (*pairing.references_alone, *pairing.products_alone):
        log.warning("%s: finds no partner of %s", one.path, one.acquisition.name)
    for copy in pairing.copies:
        log.warning("%s: is a second copy of the reference %s, and left out", copy.path, copy.acquisition.name)
    for processor, scenes in uneven_processors(comparison.rows).items():
        log.warning("%s lacks %s: its means are over fewer scenes than others'", processor, ", ".join(scenes))


def _nothing_compared(comparison: Comparison) -> AlcdError:
    if comparison.failures:
        first = comparison.failures[0].error
        return type(first)(f"nothing could be compared: {first}")
    return ProductError("nothing could be compared: no product shows the tile and time of a reference")


def _write(comparison: Comparison, folder: Path) -> None:
    write_json(folder / "comparison.json", comparison.as_json())
    (folder / "comparison.csv").write_text(rows_csv(comparison.rows), "utf-8")
    (folder / "classes.csv").write_text(classes_csv(comparison.rows), "utf-8")
    (folder / "comparison.html").write_text(comparison_page(comparison, folder / "differences"), "utf-8")


def _deliver(scratch: Path, folder: Path) -> None:
    """Move the results into place; comparison.json comes last, and tells that they are whole.

    Difference maps of an earlier comparison would pass for this one's, and are removed.
    """
    with writing_to(folder):
        (folder / "comparison.json").unlink(missing_ok=True)
        (folder / "differences").mkdir(exist_ok=True)
        for earlier in (folder / "differences").glob("*.tif"):
            earlier.unlink()
        files = sorted(path for path in scratch.rglob("*") if path.is_file())
        for file in sorted(files, key=lambda path: path.name == "comparison.json"):
            os.replace(file, folder / file.relative_to(scratch))
