"""Identify by content what an iteration was made from, so that the same iteration is not made twice."""

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.writing import write_json
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template
from otb_pipelines.process import gdal

MADE_FROM = "made_from"
"""Key of config.json in an iteration: the digest of all that the iteration was made from."""


def digest_of(
    fingerprint: str, template: Template, samples: Iterable[Sample], corrections: Iterable[Sample] = ()
) -> str:
    """Compute a digest of all that an iteration depends on.

    Parameters
    ----------
    fingerprint
        The digest of the products, of the settings of the preparation, and of the version of this package.
    template
        All settings.
    samples, corrections
        The samples and the corrections in their order. Classes and geometries count; names of files, authors and
        comments do not.

    Returns
    -------
    str
        SHA-256 as hexadecimal digits.
    """
    content = {
        "preparation": fingerprint,
        "template": template.model_dump(mode="json"),
        "samples": [_plain(sample) for sample in samples],
        "corrections": [_plain(correction) for correction in corrections],
        "gdal": gdal.__version__,
        "scikit_learn": version("scikit-learn") if template.uses_sklearn else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def record_origin(config: Path, folder: Path, digest: str) -> None:
    """Write config.json of an iteration: that of the workspace, and the digest.

    Parameters
    ----------
    config
        config.json of the workspace.
    folder
        Folder of the unfinished iteration.
    digest
        What `digest_of` gave.
    """
    write_json(folder / "config.json", {**read_json(config), MADE_FROM: digest})


def is_made_from(folder: Path, digest: str) -> bool:
    """Return whether a finished iteration has its map and was made from what a digest is of.

    Iterations of versions that recorded no digest, and those whose record cannot be read, are not.
    """
    if not (folder / "labels.tif").is_file():
        return False
    try:
        content = read_json(folder / "config.json")
    except UnreadableError:
        return False
    return isinstance(content, dict) and content.get(MADE_FROM) == digest


def _plain(sample: Sample) -> list[object]:
    return [sample.code, dict(sample.geometry)]
