"""Draw the pictures of docs/tutorial/first_mask.md: a synthetic scene, labelled, run and drawn by QGIS.

.venv/bin/python tools/tutorial_pictures.py build/tutorial docs/images

The first folder is for the scene; what is in it is removed. QGIS is Debian's: apt-get install python3-qgis
qgis-providers.
"""

import argparse
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import fiona
import numpy as np
from osgeo import gdal
from PIL import Image, ImageDraw, ImageFont, ImageOps

from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Legend, rgb
from alcd_otb.synthetic.scene import make_scene

SIZE, SEED = 2196, 1
COLOURS = 128
GAP = 8
"""Space between pictures side by side, in pixels."""
ITERATIONS = (slice(0, 4), slice(4, 9), slice(9, 16))
"""Points of each class that are drawn before the first, the second and the third run."""
BLOCK = 10
"""Side in pixels of the square in which the map is corrected."""
MARGIN = 250
"""Metres by which the correction is larger than the square."""

Place = tuple[float, float]


class Block(NamedTuple):
    """A square of one true class: left, bottom, right and top in metres, and the name of the class."""

    left: float
    bottom: float
    right: float
    top: float
    name: str


def main(folder: Path, target: Path) -> None:
    """Make and label a scene, run it several times, and draw the pictures.

    Parameters
    ----------
    folder
        Folder of the scene; what is in it is removed.
    target
        Folder of the pictures.
    """
    shutil.rmtree(folder, ignore_errors=True)
    synthetic = make_scene(folder, size=SIZE, seed=SEED)
    content = json.loads(synthetic.scene_json.read_text())
    del content["samples"]
    synthetic.scene_json.write_text(json.dumps(content | {"name": "Arles", "workspace": "Arles"}))
    scene = Scene.open(synthetic.scene_json)
    scene.run()
    drawn = folder / "drawn"
    drawn.mkdir()
    points = points_by_class(synthetic.samples)
    project, legend = scene.workspace.project, scene.config.template.legend

    in_qgis(project, draw_points(points, ITERATIONS[0]))
    in_qgis(
        project,
        ["picture_panel", str(drawn / "panel.png"), [250, 600]],
        ["type_class", "samples", "3", str(drawn / "form.png"), [380, 76]],
        ["render", "01 Label", str(drawn / "label.png"), None, [600, 600], True],
    )
    save(
        with_form(beside([drawn / "panel.png", drawn / "label.png"]), drawn / "form.png"),
        target / "tutorial_label.png",
        legend,
    )
    place = around(most_central(points["high_clouds"], scene), 4000)
    looks = ("01 Label", "04 cirrus", "08 Clear date")
    in_qgis(project, *(["render", look, str(drawn / f"{look}.png"), place, [320, 320], True] for look in looks))
    save(beside([drawn / f"{look}.png" for look in looks], looks), target / "tutorial_looks.png", legend)

    scene.run()
    looks = ("01 Label", "09 Map", "10 Confidence")
    in_qgis(project, *(["render", look, str(drawn / f"{look}.png"), None, [420, 420], True] for look in looks))
    save(beside([drawn / f"{look}.png" for look in looks], looks), target / "tutorial_first.png", legend)

    in_qgis(project, draw_points(points, ITERATIONS[1]))
    scene.run()
    in_qgis(project, draw_points(points, ITERATIONS[2]))
    scene.run()
    left, bottom, right, top, name = worst_block(scene, synthetic.truth)
    left, bottom, right, top = left - MARGIN, bottom - MARGIN, right + MARGIN, top + MARGIN
    polygon = f"Polygon (({left} {bottom}, {right} {bottom}, {right} {top}, {left} {top}, {left} {bottom}))"
    place = around(((left + right) / 2, (bottom + top) / 2), 1500)
    in_qgis(project, ["render", "09 Map", str(drawn / "before.png"), place, [320, 320], True])
    in_qgis(
        project,
        ["draw", "corrections", [name], [polygon]],
        ["render", "01 Label", str(drawn / "drawn.png"), place, [320, 320], True],
    )
    scene.run()
    in_qgis(project, ["render", ["classes"], str(drawn / "after.png"), place, [320, 320], True])
    steps = ("before", "drawn", "after")
    titles = ("the map", "the correction", "the map of the next run")
    save(beside([drawn / f"{step}.png" for step in steps], titles), target / "tutorial_correct.png", legend)


def in_qgis(project: Path, *steps: list[Any]) -> list[Any]:
    """Run steps in a session of QGIS, and return what each step returns.

    Parameters
    ----------
    project
        Project to open.
    *steps
        Name of a function of qgis_session.py and its arguments.
    """
    session = Path(__file__).with_name("qgis_session.py")
    request = json.dumps({"project": str(project), "steps": steps})
    ended = subprocess.run(["/usr/bin/python3", session], input=request, stdout=subprocess.PIPE, text=True, check=True)
    answers: list[Any] = json.loads(ended.stdout)
    return answers


def points_by_class(samples: Path) -> dict[str, list[Place]]:
    """Read the places of the samples of each class."""
    points: dict[str, list[Place]] = {}
    with fiona.open(samples, layer="samples") as layer:
        for feature in layer:
            points.setdefault(feature.properties["class"], []).append(feature.geometry.coordinates)
    return points


def draw_points(points: dict[str, list[Place]], iteration: slice) -> list[Any]:
    """Return the step that draws the points of an iteration."""
    chosen = [(name, place) for name, places in points.items() for place in places[iteration]]
    return ["draw", "samples", [name for name, _ in chosen], [f"Point ({x} {y})" for _, (x, y) in chosen]]


def most_central(places: list[Place], scene: Scene) -> Place:
    """Return the place that is nearest to the centre of the scene."""
    left, _, _, top, _, _ = gdal.Open(str(scene.workspace.valid)).GetGeoTransform()
    centre = np.array((left, top)) + SIZE * 5 * np.array((1, -1))
    return min(places, key=lambda place: float(np.hypot(*(np.array(place) - centre))))


def around(place: Place, reach: float) -> list[float]:
    """Return left, bottom, right and top of a square around a place, of a half side in metres."""
    x, y = place
    return [x - reach, y - reach, x + reach, y + reach]


def worst_block(scene: Scene, truth: Path) -> Block:
    """Return the square of one true class in which the most pixels of the map are wrong."""
    labels = gdal.Open(str(scene.workspace.latest / "labels.tif"))
    left, side, _, top, _, _ = labels.GetGeoTransform()
    extent = (left, top - side * labels.RasterYSize, left + side * labels.RasterXSize, top)
    true = gdal.Warp("", str(truth), format="MEM", outputBounds=extent, xRes=side, yRes=side, resampleAlg="mode")
    windows, mapped = (
        np.lib.stride_tricks.sliding_window_view(dataset.ReadAsArray(), (BLOCK, BLOCK)) for dataset in (true, labels)
    )
    alike = (windows == windows[..., :1, :1]).all((2, 3))
    wrong = ((windows != mapped) & (mapped > 0)).sum((2, 3)) * alike
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    name = scene.config.template.legend.with_code(int(windows[row, column, 0, 0])).name
    x, y, reach = left + column * side, top - row * side, BLOCK * side
    return Block(float(x), float(y - reach), float(x + reach), float(y), name)


def beside(files: list[Path], titles: tuple[str, ...] = ()) -> Image.Image:
    """Put pictures side by side, with titles above them."""
    pictures = [Image.open(file).convert("RGB") for file in files]
    head = 26 if titles else 0
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, head + max(picture.height for picture in pictures)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    left = 0
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (left, head))
        if titles:
            draw.text((left + 2, 3), titles[number], fill="black", font=font)
        left += picture.width + GAP
    return sheet


def with_form(sheet: Image.Image, file: Path) -> Image.Image:
    """Put the picture of a form into another one, in a frame below the middle."""
    form = ImageOps.expand(Image.open(file).convert("RGB"), 2, "black")
    sheet.paste(form, (sheet.width - form.width - 20, sheet.height * 2 // 3))
    return sheet


def save(picture: Image.Image, target: Path, legend: Legend) -> None:
    """Write a picture in few colours, but with the exact colours of the legend."""
    reduced = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    palette, indices = list(reduced.getpalette() or [])[: 3 * COLOURS], np.asarray(reduced).copy()
    pixels = np.asarray(picture)
    kept = {entry.rgb for entry in legend.classes} | {rgb(entry.contour) for entry in legend.classes if entry.contour}
    for colour in sorted(kept):
        indices[(pixels == colour).all(-1)] = len(palette) // 3
        palette += colour
    exact = Image.fromarray(indices, "P")
    exact.putpalette(palette)
    exact.save(target, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the pictures of the tutorial.")
    parser.add_argument("folder", type=Path, help="folder of the scene; what is in it is removed")
    parser.add_argument("target", type=Path, help="folder of the pictures")
    options = parser.parse_args()
    main(options.folder, options.target)
