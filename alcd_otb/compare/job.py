"""Compare masks: find and pair them, count pixels, and write all results to one folder."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.compare.cells import Cells
from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.counting import Dilations, LabelledPixels, PairCounts, comparison_grid, count_pair
from alcd_otb.compare.differences import DifferenceMap, difference_name
from alcd_otb.compare.distance import reach
from alcd_otb.compare.finding import Failure, read_all, readers
from alcd_otb.compare.page import comparison_page
from alcd_otb.compare.pairing import ComparedScene, pair
from alcd_otb.compare.protocol import Protocol
from alcd_otb.compare.protocol_check import check_protocol
from alcd_otb.compare.results import Row, classes_csv, rows_csv, uneven_processors
from alcd_otb.errors import AlcdError, ConfigurationError, ProductError
from alcd_otb.files.delivery import check_own, deliver
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.masks.fmask import Kind
from alcd_otb.masks.labelled_reference import LabelledReference
from alcd_otb.masks.mask import Mask
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.template import load_template
from alcd_otb.workspace import Workspace
from otb_pipelines.process import bounded_cache, gdal_threads
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

REFERENCE_TEMPLATE = "clouds"
"""Template with the classes of the published reference masks."""
_FILES = ("comparison.json", "comparison.csv", "classes.csv", "comparison.html")


def compare(
    references: Sequence[str],
    products: Sequence[str],
    protocol: Protocol,
    folder: Path,
    settings: Settings,
    fmask: Kind | None = None,
) -> Comparison:
    """Compare references with products, and write all results to a folder.

    Masks that cannot be read or compared are listed as failures, and the rest continues. The folder gets
    comparison.json, comparison.csv, classes.csv, comparison.html and differences/.

    Parameters
    ----------
    references, products
        Files and folders, as `read_all` takes them.
    protocol
        What counts as positive, on which grid, after which dilations.
    folder
        The folder to write to.
    settings
        Memory, threads and progress.
    fmask
        The program that wrote the masks of Fmask that do not show it.

    Raises
    ------
    ProductError
        If nothing could be compared, or as `read_all` raises it.
    ConfigurationError
        If the protocol does not fit the masks, the folder holds files of these names that no comparison wrote, or as
        `pair` raises it.
    ProcessingError
        If the folder cannot be written.
    """
    legend = load_template(REFERENCE_TEMPLATE).legend
    of_references = read_all(references, readers(legend, fmask, labelled=True))
    of_products = read_all(products, readers(legend, fmask, labelled=False))
    masks = [product for product in of_products.masks if isinstance(product, Mask)]
    check_protocol(protocol, legend, of_references.masks, masks)
    pairing = pair(of_references.masks, masks)
    failures = (*of_references.failures, *of_products.failures, *pairing.failures)
    workspace = Workspace(folder)
    with (
        bounded_cache(settings.ram),
        gdal_threads(settings.threads),
        workspace.locked(),
        workspace.scratch() as scratch,
    ):
        # Before the long work, not after it.
        check_own(folder, [*_FILES, *_difference_files(pairing.scenes)])
        made = scratch / "results"
        (made / "differences").mkdir(parents=True)
        results = _compare_all(pairing.scenes, protocol, made / "differences", settings)
        comparison = Comparison(folder, protocol, tuple(results.rows), pairing, (*failures, *results.failures))
        for remark in results.remarks:
            log.warning("%s", remark)
        _log_problems(comparison)
        if not results.rows:
            raise _nothing_compared(comparison)
        _write(comparison, made)
        with writing_to(folder):
            deliver(made, folder)
    return comparison


def _difference_files(scenes: Sequence[ComparedScene]) -> list[str]:
    return [
        f"differences/{difference_name(scene.name, product.processor)}"
        for scene in scenes
        for product in scene.products
    ]


class _Results(NamedTuple):
    rows: list[Row]
    failures: list[Failure]
    remarks: list[str]


def _compare_all(
    scenes: Sequence[ComparedScene], protocol: Protocol, differences: Path, settings: Settings
) -> _Results:
    rows, failures, remarks = [], [], list[str]()
    pairs = [(scene, product) for scene in scenes for product in scene.products]
    for number, (scene, product) in enumerate(pairs):

        def report_progress(share: float, number: int = number) -> None:
            if settings.progress is not None:
                settings.progress("comparing", (number + share) / len(pairs))

        target = differences / difference_name(scene.name, product.processor)
        try:
            rows += _compare_pair(scene, product, protocol, target, report_progress, remarks)
        except ConfigurationError:
            raise
        except AlcdError as error:
            target.unlink(missing_ok=True)
            failures.append(Failure(product.path, error, scene.name, product.processor))
    return _Results(rows, failures, list(dict.fromkeys(remarks)))


def _compare_pair(
    scene: ComparedScene,
    product: Mask,
    protocol: Protocol,
    target: Path,
    progress: Callable[[float], None],
    remarks: list[str],
) -> list[Row]:
    """Compare a product with its reference, write the difference map to the target, and add remarks on the masks."""
    reference = scene.reference
    metres = protocol.dilation.metres
    is_dilated = isinstance(reference, Mask)
    of_reference = [protocol.dilation.of_reference(radius) if is_dilated else 0.0 for radius in metres]
    of_product = [protocol.dilation.of_product(product.processor, radius) for radius in metres]
    dilations = Dilations(tuple(sorted(set(of_reference))), tuple(sorted(set(of_product))), protocol.exclude.border)
    grid = comparison_grid(reference.grid if isinstance(reference, Mask) else product.grid, protocol.grid)
    _check_reach(grid, dilations)
    positive = frozenset(protocol.positive.reference)
    cells = _cells(product, grid, protocol, protocol.positive_of(product.processor), protocol.exclude.product)
    remarks += cells.remarks
    if isinstance(reference, LabelledReference):
        known: Cells | LabelledPixels = _labelled_pixels(reference, grid, positive, protocol.exclude.reference)
        counts = count_pair(known, cells, dilations, None, progress)
    else:
        known = _cells(reference, grid, protocol, positive, protocol.exclude.reference)
        remarks += known.remarks
        with DifferenceMap.creating(target, grid) as difference:
            counts = count_pair(known, cells, dilations, difference.write, progress)
    if not counts.counts.any():
        raise ProductError(f"{product.path}: has no pixel with data where the reference {reference.path} has some")
    return [
        _row(scene, product, counts, radius, by_reference, by_product)
        for radius, by_reference, by_product in zip(metres, of_reference, of_product, strict=True)
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
    meanings = {labelled.code: labelled.means | {labelled.name} for labelled in reference.classes}
    _check_known(reference.path, positive, frozenset().union(*meanings.values()))
    rows, columns, codes = reference.locate(grid)
    left_out = [code for code, meaning in meanings.items() if meaning & frozenset(excluded)]
    kept = ~np.isin(codes, left_out)
    return LabelledPixels(
        rows[kept],
        columns[kept],
        codes[kept],
        {labelled.code: labelled.name for labelled in reference.classes},
        frozenset(code for code, meaning in meanings.items() if meaning & positive),
    )


def _check_known(path: Path, positive: frozenset[str], meanings: frozenset[str]) -> None:
    """Refuse a mask without any of the positive meanings.

    It would have no positive pixel, which looks like a result.
    """
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


def _log_problems(comparison: Comparison) -> None:
    pairing = comparison.pairing
    # Where nothing could be compared, the first failure is the error that ends the run.
    for failure in comparison.failures[0 if comparison.rows else 1 :]:
        log.log(logging.ERROR if comparison.rows else logging.WARNING, "%s", failure.error)
    for mask in (*pairing.references_alone, *pairing.products_alone):
        log.warning("%s: no counterpart of %s was found", mask.path, mask.acquisition.name)
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
