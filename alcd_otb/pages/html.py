"""Fill the HTML templates beside this file; every value is escaped, and every picture is within the page."""

import io
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_TEMPLATES = Path(__file__).parent / "templates"
_UNDEFINED = "\N{EN DASH}"
# Where edges are sharp, a WebP has a quarter of the size of a JPEG.
_OPTIONS = {"PNG": {"compress_level": 1}, "JPEG": {"quality": 85}, "WEBP": {"quality": 80}}


def render(template: str, **values: Any) -> str:
    """Fill a template with values.

    Parameters
    ----------
    template
        File name of the template.
    values
        The values by the names that the template uses.

    Returns
    -------
    str
        The page.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a name that has no value.
    """
    # Only a run that ends in a page needs Jinja2.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": share, "count": count, "percent": percent, "in_percent": in_percent}
    return environment.get_template(template).render(values)


def data_uri(content: bytes, kind: str) -> str:
    """Return an address that holds a picture.

    Parameters
    ----------
    content
        Bytes of the file.
    kind
        PNG, JPEG or WEBP.
    """
    return f"data:image/{kind.lower()};base64,{b64encode(content).decode()}"


def image_uri(image: "Image.Image", kind: str) -> str:
    """Return an address that holds an image that is not a file yet.

    Parameters
    ----------
    image
        The image.
    kind
        PNG, JPEG or WEBP.
    """
    content = io.BytesIO()
    image.save(content, kind, **_OPTIONS[kind])
    return data_uri(content.getvalue(), kind)


def share(value: float | None) -> str:
    """Write a ratio between 0 and 1 with three decimals; a dash where it is undefined."""
    return _UNDEFINED if value is None else f"{value:.3f}"


def count(value: float | None) -> str:
    """Write a number with narrow spaces between its thousands; a dash where it is undefined."""
    return _UNDEFINED if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(part: float | None, whole: float | None) -> str:
    """Write a part of a whole in percent; a dash where it is undefined."""
    return _UNDEFINED if part is None or not whole else f"{100 * part / whole:.1f} %"


def in_percent(ratio: float | None) -> str:
    """Write a ratio in percent with two decimals, for a table with the unit in its heading; a dash if undefined."""
    return _UNDEFINED if ratio is None else f"{100 * ratio:.2f}"
