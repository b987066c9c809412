"""Write the publisher's information on a data set, and its provenance."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import escape

from alcd_otb.errors import ConfigurationError
from alcd_otb.export.mapped import MappedScene, read_object
from alcd_otb.files.writing import checksum, write_json, write_text

PAPER = (
    "Baetens, L., Desjardins, C., Hagolle, O. (2019). Validation of Copernicus Sentinel-2 Cloud Masks Obtained from "
    "MAJA, Sen2Cor, and FMask Processors Using Reference Cloud Masks Generated with a Supervised Active Learning "
    "Procedure. Remote Sensing, 11(4), 433."
)
PAPER_DOI = "10.3390/rs11040433"
"""The paper of the method."""

ReportShare = Callable[[float], None]
"""Receives the fraction of a scene that is written, 0 to 1."""


_SOURCES = ("labels.tif", "confidence.tif", "confidence_smoothed.tif", "samples.gpkg", "config.json", "metrics.json")
_DOI = re.compile(r"10\.[0-9a-zA-Z]{4,}/\S+")


@dataclass(frozen=True)
class Publication:
    """The publisher's information on a data set; None where it is not given.

    Attributes
    ----------
    title, description
        Of the data set.
    licence
        An SPDX identifier such as ``CC-BY-4.0``, or an address.
    citation
        How to cite the data set.
    doi
        Without the address of the resolver.
    provider
        Who provides the data set.
    cloud
        Names of the classes that count as cloud.
    """

    title: str | None = None
    description: str | None = None
    licence: str | None = None
    citation: str | None = None
    doi: str | None = None
    provider: str | None = None
    cloud: tuple[str, ...] = ()

    def check(self) -> None:
        """Check the form of the DOI and of the licence.

        Raises
        ------
        ConfigurationError
            If the DOI is not valid, or catalogues do not accept the form of the licence.
        """
        if self.doi is not None and not _DOI.fullmatch(self.doi):
            raise ConfigurationError(f"doi {self.doi!r} is not of the form 10.5281/zenodo.1460961")
        if self.licence is not None and not self.licence_is_link and not re.fullmatch(r"[\w.+-]+", self.licence):
            raise ConfigurationError(
                f"licence {self.licence!r} is neither an SPDX identifier such as CC-BY-4.0 nor an address"
            )

    @property
    def licence_is_link(self) -> bool:
        """Whether the licence is an address."""
        return self.licence is not None and self.licence.startswith(("https://", "http://"))

    def title_of(self, scenes: Sequence[MappedScene]) -> str:
        """Return the title, or one that names the scene or counts the scenes."""
        if self.title is not None:
            return self.title
        if len(scenes) == 1:
            return f"Reference mask of {scenes[0].name}"
        return f"Reference masks of {len(scenes)} scenes"

    def as_json(self, scenes: Sequence[MappedScene]) -> dict[str, Any]:
        """Return the publication as ``export.json`` holds it."""
        return {
            "title": self.title_of(scenes),
            "description": self.description,
            "licence": self.licence,
            "citation": self.citation,
            "doi": self.doi,
            "provider": self.provider,
        }


def software() -> dict[str, str]:
    """Return names and versions of the software that writes the export."""
    return {"alcd_otb": version("alcd-otb")}


def write_provenance(scene: MappedScene, folder: Path) -> None:
    """Write provenance.json: products, settings, versions, and checksums of the iteration's files.

    Folders of the machine that made the map are left out: only the last part of a path is written.

    Parameters
    ----------
    scene
        The scene to describe.
    folder
        The folder to write to.
    """
    config = scene.config
    content = {
        "scene": scene.name,
        "iteration": scene.number,
        "made": scene.made,
        "started_from": scene.metrics.get("started_from"),
        "products": config["products"],
        "samples": scene.metrics.get("samples"),
        "corrections": scene.metrics.get("corrections"),
        "features": config["features"],
        "grid": config.get("grid"),
        "configuration": config["scene"],
        "versions": {"map": config["versions"], "export": software()},
        "sha256_of_the_iteration": {
            name: checksum(scene.folder / name) for name in _SOURCES if (scene.folder / name).is_file()
        },
    }
    write_json(folder / "provenance.json", _without_folders(content))


def copy_text(source: Path, target: Path, scene: MappedScene) -> None:
    """Copy a text without the folders of the machine that made the map.

    Parameters
    ----------
    source, target
        The files.
    scene
        The scene, whose files name these folders.
    """
    text = source.read_text(encoding="utf-8")
    for folder in _folders(scene):
        for written in (folder, str(escape(folder))):
            text = text.replace(f"{written}/", "")
    write_text(target, text)


def copy_object(source: Path, target: Path) -> None:
    """Copy a JSON object without the folders of the machine that made it.

    Raises
    ------
    ProductError
        If the source cannot be read, or holds no JSON object.
    """
    write_json(target, _without_folders(read_object(source)))


def copy_present(names: Iterable[str], source: Path, target: Path) -> None:
    """Copy those of the named files that exist from one folder to another."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _without_folders(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _without_folders(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_folders(value) for value in content]
    return Path(content).name if isinstance(content, str) and content.startswith("/") else content


def _folders(scene: MappedScene) -> list[str]:
    """List the folders that the iteration's files may name, the longest first."""
    inside = {str(scene.folder), str(scene.workspace.folder), str(scene.workspace.folder.resolve())}
    around = {str(Path(path).parent) for path in (*_paths(scene.config), *inside)}
    return sorted((inside | around) - {"/", "."}, key=lambda folder: (-len(folder), folder))


def _paths(content: Any) -> Iterator[str]:
    if isinstance(content, Mapping):
        for value in content.values():
            yield from _paths(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _paths(value)
    elif isinstance(content, str) and content.startswith("/"):
        yield content
