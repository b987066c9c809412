"""Cloud Optimized GeoTIFFs of a map and its confidence, with what else describes the scene beside them."""

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
    ("`metrics.json`, `*_matrix.csv`", "agreement with samples kept out of training: not the accuracy of the map"),
    ("`accuracy_estimate.json`", "accuracy of the map, where it was estimated"),
    ("`report.html`", "all there is to tell of the map, with pictures"),
    ("`provenance.json`", "products, settings, versions, checksums"),
)
"""(file, what it is) of a scene's folder."""

_QUALITY = 85


def folder_name(scene: MappedScene) -> str:
    return scene.identifier


def write_scene(scene: MappedScene, folder: Path, publication: Publication, told: ReportShare) -> None:
    """Fill the folder of one scene."""
    write_classes(scene.labels, folder / CLASSES, _tags(scene, "classes", publication))
    told(1 / 3)
    for number, (name, what) in enumerate(((CONFIDENCE, "confidence"), (SMOOTHED, "smoothed confidence")), start=2):
        if (scene.folder / name).is_file():
            write_shares(scene.folder / name, folder / name, _tags(scene, what, publication))
        told(number / 3)
    copy_present(("samples.gpkg", "contours.fgb", "contours.png"), scene.folder, folder)
    copy_present(("confusion_matrix.csv", "invalid_valid_matrix.csv"), scene.folder, folder)
    copy_object(scene.folder / "metrics.json", folder / "metrics.json")
    if (scene.folder / "report.html").is_file():
        copy_text(scene.folder / "report.html", folder / "report.html", scene)
    if scene.estimate is not None:
        copy_object(scene.workspace.accuracy_estimate, folder / "accuracy_estimate.json")
    thumbnail(scene, PREVIEW_PIXELS).save(folder / THUMBNAIL, quality=_QUALITY)
    write_provenance(scene, folder)


def thumbnail(scene: MappedScene, side: int) -> Image.Image:
    """The scene in true colour, or its map where it has no such picture; the longer side has so many pixels.

    Raises ProductError where the picture is damaged.
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
    width, height = (max(1, round(length * side / max(image.size))) for length in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _tags(scene: MappedScene, what: str, publication: Publication) -> dict[str, str]:
    name, version = next(iter(software().items()))
    tags = {"IMAGEDESCRIPTION": f"{what} of {scene.name}, {scene.identifier}", "SOFTWARE": f"{name} {version}"}
    return tags | ({"COPYRIGHT": publication.licence} if publication.licence else {})
