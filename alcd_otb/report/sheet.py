"""Write a contact sheet of a tile's dates: an HTML page or a PNG."""

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.writing import replacing, writing_to
from alcd_otb.pages.html import image_uri, render
from alcd_otb.pictures.quicklooks import MOST_PIXELS, TileDate, TileDates

_COLUMNS = 4
_GAP = 16
_CAPTION = 48
_REASON = 56
"""Characters in a line of the reason why a picture is missing."""

_INK, _SOFT, _PAPER = "#1d2326", "#5c676d", "#ffffff"


def check_sheet(path: Path) -> None:
    """Check that a sheet can be written to a file.

    Raises
    ------
    ConfigurationError
        If the suffix is neither .html nor .png, the path is a folder, or the folder around it does not exist.
    """
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"{path.parent}: there is no such folder; make it first")
    if path.suffix.lower() not in (".html", ".png"):
        raise ConfigurationError(f"{path}: is neither .html nor .png; give the sheet one of these suffixes")


def write_sheet(path: Path, dates: TileDates) -> None:
    """Write the sheet; the file appears when it is complete.

    Parameters
    ----------
    path
        The file; its suffix .html or .png decides which kind is written.
    dates
        The dates to show.

    Raises
    ------
    ConfigurationError
        As `check_sheet` raises it.
    ProcessingError
        If the file cannot be written.
    """
    check_sheet(path)
    with writing_to(path.absolute().parent), replacing(path) as unfinished:
        if path.suffix.lower() == ".html":
            unfinished.write_text(_page(dates), encoding="utf-8")
        else:
            _drawn(dates).save(unfinished)


def caption(date: TileDate) -> str:
    """Return time and cloud cover of a date, such as ``2018-03-31 10:30, 12 % cloud``."""
    time = f"{date.acquired:%Y-%m-%d %H:%M}" if date.acquired else "unknown date"
    return time if date.cloud_cover is None else f"{time}, {date.cloud_cover:.0f} % cloud"


def _page(dates: TileDates) -> str:
    cards = [
        {
            "caption": caption(date),
            "name": date.name,
            "path": date.path,
            "product": date.product,
            "uri": None if date.picture is None else image_uri(Image.fromarray(date.picture), "JPEG"),
            "problem": date.problem,
        }
        for date in dates.dates
    ]
    return render("sheet.html", tile=dates.tile, folder=dates.folder, cards=cards)


def _drawn(dates: TileDates) -> Image.Image:
    columns = min(_COLUMNS, len(dates.dates))
    rows = -(-len(dates.dates) // columns)
    width, height = MOST_PIXELS + _GAP, MOST_PIXELS + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(size=17), ImageFont.load_default(size=10)
    for index, date in enumerate(dates.dates):
        left, top = _GAP + index % columns * width, _GAP + index // columns * height
        if date.picture is None:
            draw.rectangle((left, top, left + MOST_PIXELS - 1, top + MOST_PIXELS - 1), outline=_SOFT)
            reason = "\n".join(textwrap.wrap(str(date.problem), _REASON))
            draw.multiline_text((left + 10, top + 10), reason, _SOFT, small)
        else:
            picture = Image.fromarray(date.picture)
            # The picture of a crop is small. It is enlarged by a whole number.
            enlarged = picture.resize([side * (MOST_PIXELS // max(picture.size)) for side in picture.size], 0)
            sheet.paste(enlarged, (left, top))
        draw.text((left, top + MOST_PIXELS + 4), caption(date), _INK, large)
        draw.text((left, top + MOST_PIXELS + 28), date.name[:64], _SOFT, small)
    return sheet
