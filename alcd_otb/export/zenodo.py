"""Export a scene in the layout of the published reference masks, https://doi.org/10.5281/zenodo.1460960.

The masks are those of Baetens and Hagolle (2018).
"""

import logging
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.export.geotiff import write_scaled
from alcd_otb.export.mapped import Content, MappedScene, acquired, read_object
from alcd_otb.export.publication import Publication, ReportShare, copy_object, copy_present, write_provenance
from alcd_otb.export.sample_folder import write_sample_folder
from alcd_otb.files.writing import write_json
from alcd_otb.pictures.figures import smoothed_confidence
from alcd_otb.settings.legend import Positive

log = logging.getLogger(__name__)

CONTENTS = (
    ("`Classification/classification_map.tif`", "class codes, 0 no data, with colours and class names"),
    ("`Classification/confidence_enhanced.tif`", "smoothed confidence, 0 to 1, times 255 and rounded; 0 no data"),
    ("`Classification/used_parameters.json`", "tile, dates, products, location"),
    ("`Classification/*.png`", "outlines over the image, classes, the image"),
    ("`Samples/`", "the operator's samples, a vector file per class, and corrections if there are any"),
    ("`Statistics/metrics.json`, `*_matrix.csv`", "agreement with the samples, by the method that `validation` names"),
    ("`Statistics/k_fold_summary.json`, `kfold.json`", "cross-validation of the samples, if there was one"),
    ("`Statistics/accuracy_estimate.*`", "accuracy of the map, if it was estimated"),
    ("`provenance.json`", "products, settings, versions, checksums"),
)
"""(file, description) of a scene's folder."""

_TWO_CLASS_ACCURACY = "accuracy"
_KFOLD_METRICS = {
    _TWO_CLASS_ACCURACY: "",
    "f1_score": "f1",
    "precision": "precision",
    "recall": "recall",
    "overall_accuracy": "overall_accuracy",
}
"""Names of a fold's scores here by their names in the published summaries.

The scores are of the two sides, but for overall_accuracy, which is of all classes. The two-class accuracy is named
after the sides.
"""


def folder_name(scene: MappedScene) -> str:
    """Return the name of the product, after which the layout names folders.

    Raises
    ------
    ConfigurationError
        If the map was not made from a product.
    """
    if scene.tile is None or scene.acquired is None:
        raise ConfigurationError(
            f"{scene.workspace.folder}: was not made from a Sentinel-2 product, after which the layout zenodo names "
            "its folders; export it as cog or stac"
        )
    return str(scene.product["name"]).removesuffix(".SAFE")


def write_scene(scene: MappedScene, folder: Path, publication: Publication, report_share: ReportShare) -> None:  # noqa: ARG001
    """Fill the folder of a scene.

    Parameters
    ----------
    scene
        The scene to export.
    folder
        The folder to fill; it exists and is empty.
    publication
        Not used; other layouts write it beside the rasters.
    report_share
        Receives the fraction of the scene that is written, 0 to 1.

    Raises
    ------
    SampleError
        If the samples cannot be read.
    ProductError
        If a file of the iteration is damaged.
    ProcessingError
        If a file cannot be written.
    """
    classification, samples, figures = (folder / name for name in ("Classification", "Samples", "Statistics"))
    for part in (classification, samples, figures):
        part.mkdir()
    _write_classification(scene, classification)
    report_share(0.8)
    write_sample_folder(scene.folder / "samples.gpkg", samples, scene.legend, scene.grid)
    _write_statistics(scene, figures)
    write_provenance(scene, folder)


def used_parameters(scene: MappedScene) -> dict[str, str]:
    """Make the content of the published used_parameters.json.

    Of several clear dates the first is named; without one its values are "".
    """
    clear = scene.clear_products[0] if scene.clear_products else {}
    return {
        "tile": str(scene.tile),
        "cloudy_date": _day(scene.product),
        "cloudy_product_name": _product_name(scene.product),
        "clear_date": _day(clear),
        "clear_product_name": _product_name(clear),
        "location": scene.name,
    }


def kfold_summary(folds: list[Mapping[str, Any]], sides: Positive | None = None) -> dict[str, Any]:
    """Summarise folds as the published k_fold_summary.json does.

    Parameters
    ----------
    folds
        The folds of kfold.json, with the value of each metric; None if it is undefined.
    sides
        The two sides of their scores. By default invalid and valid.

    Returns
    -------
    dict
        Means, population standard deviations and the values of the folds by metric, all in one order. An undefined
        metric of a fold is null, and is left out of mean and deviation.
    """
    accuracy = f"{(sides or Positive.in_results({})).key}_accuracy".lower()
    names = (_KFOLD_METRICS | {_TWO_CLASS_ACCURACY: accuracy}).values()
    table = [[fold.get(name) for name in names] for fold in folds]
    known = [[value for value in column if value is not None] for column in zip(*table, strict=True)]
    return {
        "metrics_names": list(_KFOLD_METRICS),
        "means": [statistics.fmean(column) if column else None for column in known],
        "stds": [statistics.pstdev(column) if column else None for column in known],
        "all_metrics": table,
        "K": len(folds),
    }


def _write_classification(scene: MappedScene, folder: Path) -> None:
    # GDAL keeps the class names beside the raster, in a file named after it.
    for suffix in ("", ".aux.xml"):
        source = scene.labels.with_name(f"labels.tif{suffix}")
        if source.is_file():
            (folder / f"classification_map.tif{suffix}").write_bytes(source.read_bytes())
    confidence = smoothed_confidence(scene.folder)
    if confidence is None:
        log.warning("%s: has no confidence; confidence_enhanced.tif is left out", scene.folder)
    else:
        write_scaled(confidence, folder / "confidence_enhanced.tif")
    copy_present(("contours.png", "classes.png"), scene.folder, folder)
    copy_present(("quicklook.png",), scene.workspace.folder, folder)
    write_json(folder / "used_parameters.json", used_parameters(scene))


def _write_statistics(scene: MappedScene, folder: Path) -> None:
    copy_object(scene.folder / "metrics.json", folder / "metrics.json")
    copy_present(("confusion_matrix.csv", scene.legend.positive.matrix_file), scene.folder, folder)
    kfold = scene.workspace.kfold / "kfold.json"
    if kfold.is_file():
        copy_object(kfold, folder / "kfold.json")
        content = read_object(kfold)
        write_json(
            folder / "k_fold_summary.json", kfold_summary(content["folds"], Positive.in_results(content["together"]))
        )
    if scene.estimate is not None:
        estimate = scene.workspace.accuracy_estimate
        copy_object(estimate, folder / estimate.name)
        copy_present((estimate.with_suffix(".csv").name,), estimate.parent, folder)


def _day(product: Content) -> str:
    time = acquired(product)
    return "" if time is None else f"{time:%Y%m%d}"


def _product_name(product: Content) -> str:
    name = str(product.get("name") or "")
    return f"{name.removesuffix('.SAFE')}.SAFE" if name else ""
