"""Export a scene as Cloud Optimized GeoTIFFs of its map and its confidence, with the files that describe it."""

from pathlib import Path

from PIL import Image

from alcd_otb.errors import ProductError
from alcd_otb.export.geotiff import write_classes, write_shares
from alcd_otb.export.mapped import MappedScene
from alcd_otb.export.publication import (
    Publication,
    ReportShare,
    copy_object,
    copy_present,
    copy_text,
    software,
    write_provenance,
)
from alcd_otb.pictures.figures import coloured, map_codes

CLASSES, CONFIDENCE, SMOOTHED = "classes.tif", "confidence.tif", "confidence_smoothed.tif"
THUMBNAIL, PREVIEW_PIXELS = "thumbnail.jpg", 512

CONTENTS = (
    ("`classes.tif`", "Cloud Optimized GeoTIFF: class codes, 0 no data, with colours and class names"),
    ("`confidence.tif`, `confidence_smoothed.tif`", "the same of the confidence, 0 to 1, and of its median"),
    ("`samples.gpkg`", "the operator's samples and corrections"),
    ("`contours.fgb`, `contours.png`", "outlines of the classes, as polygons and over the image"),
    (
        "`metrics.json`, `*_matrix.csv`",
        "agreement with the samples, by the method that `validation` names: not the accuracy of the map",
    ),
    ("`accuracy_estimate.json`", "accuracy of the map, if it was estimated"),
    ("`report.html`", "report on the map, with pictures"),
    ("`provenance.json`", "products, settings, versions, checksums"),
)
"""(file, description) of a scene's folder."""

_QUALITY = 85


def folder_name(scene: MappedScene) -> str:
    """Return the name of the scene's folder."""
    return scene.identifier


def write_scene(scene: MappedScene, folder: Path, publication: Publication, report_share: ReportShare) -> None:
    """Fill the folder of a scene.

    Parameters
    ----------
    scene
        The scene to export.
    folder
        The folder to fill; it exists and is empty.
    publication
        The publisher's information on the data set.
    report_share
        Receives the fraction of the scene that is written, 0 to 1.

    Raises
    ------
    ProductError
        If a file of the iteration is damaged.
    ProcessingError
        If a file cannot be written.
    """
    write_classes(scene.labels, folder / CLASSES, _tags(scene, "classes", publication))
    report_share(1 / 3)
    for number, (name, what) in enumerate(((CONFIDENCE, "confidence"), (SMOOTHED, "smoothed confidence")), start=2):
        if (scene.folder / name).is_file():
            write_shares(scene.folder / name, folder / name, _tags(scene, what, publication))
        report_share(number / 3)
    copy_present(("samples.gpkg", "contours.fgb", "contours.png"), scene.folder, folder)
    copy_present(("confusion_matrix.csv", scene.legend.positive.matrix_file), scene.folder, folder)
    copy_object(scene.folder / "metrics.json", folder / "metrics.json")
    if (scene.folder / "report.html").is_file():
        copy_text(scene.folder / "report.html", folder / "report.html", scene)
    if scene.estimate is not None:
        copy_object(scene.workspace.accuracy_estimate, folder / "accuracy_estimate.json")
    thumbnail(scene, PREVIEW_PIXELS).save(folder / THUMBNAIL, quality=_QUALITY)
    write_provenance(scene, folder)


def thumbnail(scene: MappedScene, side: int) -> Image.Image:
    """Draw the scene in true colour, or its map if it has no such picture.

    Parameters
    ----------
    scene
        The scene to draw.
    side
        Pixels of the longer side.

    Raises
    ------
    ProductError
        If the picture is damaged.
    """
    preview = scene.workspace.preview
    if preview.is_file():
        try:
            with Image.open(preview) as picture:
                image = picture.convert("RGB")
        except OSError as error:
            raise ProductError(f"{preview}: cannot be read ({error}); delete it and run the scene again") from error
    else:
        image = Image.fromarray(coloured(map_codes(scene.labels), scene.legend))
    return resized(image, side, Image.Resampling.BOX)


def resized(image: Image.Image, side: int, resampling: Image.Resampling) -> Image.Image:
    """Resize an image so that its longer side has a given number of pixels."""
    width, height = (max(1, round(length * side / max(image.size))) for length in image.size)
    return image.resize((width, height), resampling)


def _tags(scene: MappedScene, what: str, publication: Publication) -> dict[str, str]:
    name, version = next(iter(software().items()))
    tags = {"IMAGEDESCRIPTION": f"{what} of {scene.name}, {scene.identifier}", "SOFTWARE": f"{name} {version}"}
    return tags | ({"COPYRIGHT": publication.licence} if publication.licence else {})
