"""Read XML that others wrote: of limited size, without entities, and without reading any other file.

All XML is read here. Expat parses a document first, and refuses constructs that make a small file large or slow.
libxml2 then makes the tree. Declarations of entities are refused, and not merely left out: libxml2 expands those in
attributes whatever it is told.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited, too_large

MOST_METADATA = 8 * MEGABYTE
"""Largest size of metadata in bytes. That of a tile, with its grids of angles, has 0.7 MB."""

_MOST_ELEMENTS = 500_000
_MOST_ATTRIBUTES = 200
"""Most attributes of one element: libxml2 compares each with all others."""


def read_xml(path: Path, most: int = MOST_METADATA) -> etree._Element:
    """Read the root of an XML file.

    Parameters
    ----------
    path
        The file.
    most
        Largest size of the file in bytes.

    Raises
    ------
    UnreadableError
        The file cannot be read, or cannot be parsed as by `parse_xml`.
    """
    return parse_xml(read_limited(path, most), most)


def parse_xml(
    content: bytes, most: int = MOST_METADATA, doctype: str | None = None, encoding: str | None = None
) -> etree._Element:
    """Parse an XML document, without its comments and processing instructions.

    Parameters
    ----------
    content
        The document, in any encoding that expat knows.
    most
        Largest size in bytes.
    doctype
        The root element for which a document type without declarations is allowed. None refuses any.
    encoding
        The encoding, which replaces that of the document. None uses the document's own.

    Raises
    ------
    UnreadableError
        The document is not well-formed, too large, nested too deeply, or declares a document type.
    """
    if len(content) > most:
        raise UnreadableError(too_large(most))
    _check(content, doctype, encoding)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=doctype is None,
        remove_pis=doctype is None,
        encoding=encoding,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = " ".join(str(error.msg if isinstance(error, etree.XMLSyntaxError) else error).split())
        raise UnreadableError(f"is not well-formed XML ({reason})") from error
    # Checked again in the tree of the second parser.
    information = root.getroottree().docinfo
    if information.internalDTD is not None and (doctype is None or information.root_name != doctype):
        raise UnreadableError("declares a DTD, which is not allowed in such a file")
    return root


def _check(content: bytes, doctype: str | None, encoding: str | None) -> None:
    """Refuse what makes a document large or slow, before a tree is made of it."""
    count = 0

    def refuse_doctype(name: str, _system: str | None, _public: str | None, has_declarations: int) -> None:
        if name != doctype or has_declarations:
            raise UnreadableError("declares a DTD, which is not allowed in such a file")

    def count_element(_name: str, attributes: Sequence[str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS:
            raise UnreadableError(f"has more than {_MOST_ELEMENTS} elements, the limit for such a file")
        if len(attributes) > 2 * _MOST_ATTRIBUTES:
            raise UnreadableError(f"has an element of more than {_MOST_ATTRIBUTES} attributes")

    parser = expat.ParserCreate(encoding)
    parser.ordered_attributes = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = count_element
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableError(f"is not well-formed XML ({error})") from error
    except UnreadableError:
        raise
    # An encoding that Python does not have, or cannot use here.
    except (LookupError, ValueError) as error:
        raise UnreadableError("is not well-formed XML (its encoding is not known)") from error
