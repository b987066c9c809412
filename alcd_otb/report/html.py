"""HTML from the templates beside this file: every value is escaped, every picture is in the page."""

import io
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_TEMPLATES = Path(__file__).parent / "templates"
_UNDEFINED = "\N{EN DASH}"
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def render(template: str, **values: Any) -> str:
    """The page that a template makes of the values. A name that the template uses and that is not given is an error."""
    # Only a run that ends in a page needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": share, "count": count, "percent": percent}
    return environment.get_template(template).render(values)


def data_uri(content: bytes, kind: str) -> str:
    """A picture as an address that holds it. kind: PNG or JPEG."""
    return f"data:{_TYPES[kind]};base64,{b64encode(content).decode()}"


def image_uri(image: "Image.Image", kind: str) -> str:
    """As data_uri, of an image that is not a file yet."""
    content = io.BytesIO()
    options = {"compress_level": 1} if kind == "PNG" else {"quality": 85}
    image.save(content, kind, **options)
    return data_uri(content.getvalue(), kind)


def share(value: float | None) -> str:
    """A ratio between 0 and 1 with three decimals; a dash where it is undefined."""
    return _UNDEFINED if value is None else f"{value:.3f}"


def count(value: float | None) -> str:
    """A number with narrow spaces between its thousands."""
    return _UNDEFINED if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(part: float | None, whole: float | None) -> str:
    """A part of a whole in percent; a dash where it is undefined."""
    return _UNDEFINED if part is None or not whole else f"{100 * part / whole:.1f} %"
