"""Write a QGIS project to a file, and keep the changes that an operator has saved in it."""

import logging
import os
import shutil
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

from lxml import etree

from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, too_large
from alcd_otb.files.writing import replacing, writing_to
from alcd_otb.files.xml_file import parse_xml
from alcd_otb.files.zip_file import read_member, zip_members
from alcd_otb.qgis.elements import Element
from alcd_otb.qgis.project_conversion import convert, needs_conversion
from alcd_otb.qgis.project_document import Project, document_of
from alcd_otb.qgis.project_update import update

log = logging.getLogger(__name__)

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"


_MOST_BYTES = 64 * MEGABYTE
"""Largest size of the unpacked project. QGIS's own are a thousand times smaller."""


class UnreadableProjectError(Exception):
    """The file cannot be read, or is not a QGIS project."""


def write_project_file(project: Project, path: Path) -> None:
    """Write a ``.qgz`` file, or update the one that QGIS has saved.

    In a project that QGIS has saved, the operator's layers, order, styles and view stay. New layers are added, and
    layers that do not exist any more are removed. If it has an older layout, a copy is kept beside it, and it is
    converted. Any other project is replaced. The file is not touched if nothing changes in it, since QGIS may have it
    open, and it appears when it is complete.

    Parameters
    ----------
    project
        The project to write.
    path
        The file.

    Raises
    ------
    UnreadableProjectError
        If the existing project cannot be read.
    ProcessingError
        If the file cannot be written.
    """
    root = document_of(project)
    others: dict[str, bytes] = {}
    is_converted = False
    if path.exists():
        saved = _read(path)
        # QGIS signs what it saves with the time.
        if saved.root.get("saveDateTime"):
            before = etree.tostring(saved.root)
            is_converted = needs_conversion(saved.root)
            if is_converted:
                convert(saved.root, root)
            update(saved.root, root)
            if etree.tostring(saved.root) == before:
                return
            root, others = saved
    content = _zipped({f"{path.stem}.qgs": _text(root), **others})
    if path.is_file() and path.read_bytes() == content:
        return
    with writing_to(path.parent):
        if is_converted:
            _keep_copy(path)
        with replacing(path) as unfinished:
            unfinished.write_bytes(content)


def _keep_copy(path: Path) -> None:
    """Keep a copy of a project, byte by byte, under an unused name that shows the reason."""
    number = 1
    kept = path.with_name(f"{path.stem}_before_conversion{path.suffix}")
    while os.path.lexists(kept):
        number += 1
        kept = path.with_name(f"{path.stem}_before_conversion_{number}{path.suffix}")
    with replacing(kept) as unfinished:
        shutil.copyfile(path, unfinished)
    log.info("%s: was converted to the layout of this version; %s keeps it as it was", path, kept)


class _SavedProject(NamedTuple):
    """The document of a project file, and the other entries of the file by name."""

    root: Element
    others: dict[str, bytes]


def _read(path: Path) -> _SavedProject:
    """Read a project file. Raises UnreadableProjectError if it cannot be read, or is not a QGIS project."""
    try:
        members = zip_members(path)
        if sum(member.size for member in members) > _MOST_BYTES:
            raise UnreadableError(too_large(_MOST_BYTES))
        entries = {member.name: read_member(path, member.name, _MOST_BYTES) for member in members}
        documents = [name for name in entries if name.endswith(".qgs")]
        if len(documents) != 1:
            raise UnreadableError(f"holds {len(documents)} files .qgs, where there must be one")
        root = parse_xml(entries.pop(documents[0]), _MOST_BYTES, doctype="qgis")
    except OSError as error:
        raise UnreadableProjectError(f"{path}: {inaccessible(error)}") from error
    except UnreadableError as error:
        raise UnreadableProjectError(f"{path}: {error.reason}") from error
    if root.tag != "qgis":
        raise UnreadableProjectError(f"{path}: is not a QGIS project")
    return _SavedProject(root, entries)


def _text(root: Element) -> bytes:
    return bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8", doctype=_DOCTYPE))


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive without times, so that equal projects are equal files."""
    packed = BytesIO()
    with ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            target.writestr(ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
