"""Draw the picture of a data set: the image of each scene beside its map, with a key of the classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from alcd_otb.export.cog import resized, thumbnail
from alcd_otb.export.mapped import MappedScene
from alcd_otb.pictures.figures import coloured, map_codes

_SIDE = 300
"""Pixels of the longer side of a picture."""

_COLUMNS = 3
_GAP = 16
_CAPTION = 52
_KEY = 30
_INK, _SOFT, _FRAME, _PAPER = "#1d2326", "#5c676d", "#c4cacd", "#ffffff"


def draw_overview(scenes: Sequence[MappedScene], target: Path) -> None:
    """Write a PNG with a pair of pictures for each scene: its image, and its classes.

    Parameters
    ----------
    scenes
        The scenes to draw.
    target
        The file to write.
    """
    columns = min(_COLUMNS, len(scenes))
    rows = -(-len(scenes) // columns)
    width, height = 2 * _SIDE + 2 * _GAP, _SIDE + _CAPTION + _GAP
    key = _key(scenes)
    large, small = ImageFont.load_default(size=17), ImageFont.load_default(size=12)
    lines = _lines(key, columns * width - _GAP, large)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP + len(lines) * _KEY + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, scene in enumerate(scenes):
        left, top = _GAP + index % columns * width, _GAP + index // columns * height
        for picture, x in ((thumbnail(scene, _SIDE), left), (_map(scene), left + _SIDE + _GAP // 2)):
            sheet.paste(picture, (x, top))
            # No data is white, as the sheet is.
            draw.rectangle((x - 1, top - 1, x + picture.width, top + picture.height), outline=_FRAME)
        draw.text((left, top + _SIDE + 6), _shortened(scene.name, large), _INK, large)
        draw.text((left, top + _SIDE + 30), _caption(scene), _SOFT, small)
    for number, line in enumerate(lines):
        x, y = _GAP, rows * height + _GAP + number * _KEY
        for entry in line:
            draw.rectangle((x, y, x + 20, y + 18), fill=entry.colour, outline=_INK)
            draw.text((x + 28, y - 2), entry.name, _INK, large)
            x += entry.advance
    sheet.save(target, optimize=True)


Key = list[tuple[str, str]]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _key(scenes: Sequence[MappedScene]) -> Key:
    """List (name, colour) of the classes that occur; the scenes of a data set may have several templates."""
    occurring = dict.fromkeys(
        (legend_class.name, legend_class.colour)
        for scene in scenes
        for legend_class in scene.legend.classes
        if scene.share(legend_class)
    )
    return [*occurring, ("no data", _PAPER)]


class _KeyEntry(NamedTuple):
    """An entry of the key, and the pixels from it to the next entry."""

    name: str
    colour: str
    advance: int


def _lines(key: Key, width: int, font: Font) -> list[list[_KeyEntry]]:
    """Break the key into lines."""
    lines: list[list[_KeyEntry]] = [[]]
    used = 0
    for name, colour in key:
        advance = int(font.getlength(name)) + 28 + 2 * _GAP
        if lines[-1] and used + advance > width:
            lines.append([])
            used = 0
        lines[-1].append(_KeyEntry(name, colour, advance))
        used += advance
    return lines


def _map(scene: MappedScene) -> Image.Image:
    picture = Image.fromarray(coloured(map_codes(scene.labels), scene.legend))
    # Averaged colours would belong to no class.
    return resized(picture, _SIDE, Image.Resampling.NEAREST)


def _caption(scene: MappedScene) -> str:
    parts = [scene.tile, f"{scene.acquired:%Y-%m-%d %H:%M}" if scene.acquired else None]
    return ", ".join([*(part for part in parts if part), f"iteration {scene.number}"])


def _shortened(text: str, font: Font) -> str:
    """Shorten a text so that it fits below a pair of pictures."""
    while font.getlength(text) > 2 * _SIDE:
        text = text[:-2] + "…"
    return text
