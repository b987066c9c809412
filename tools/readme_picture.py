"""The README's picture from an iteration of the demo: the outlines over the image beside the map, with one key.

.venv/bin/python tools/readme_picture.py demo/scene.json docs/images/demo.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from alcd_otb.pictures.figures import coloured, map_codes, outlined, true_colour, with_legend
from alcd_otb.scene import Scene

_SIDE = 500
_GAP = 8
_COLOURS = 128


def main(scene_json: Path, target: Path) -> None:
    scene = Scene.open(scene_json)
    legend = scene.config.template.legend
    image = true_colour(scene.workspace.view)
    assert image is not None, "the template's view has no true colour"
    codes = map_codes(scene.workspace.latest / "labels.tif", (image.shape[0], image.shape[1]))
    halves = [
        np.asarray(Image.fromarray(outlined(image, codes, legend)).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)),
        np.full((_SIDE, _GAP, 3), 255, np.uint8),
        np.asarray(Image.fromarray(coloured(codes, legend)).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)),
    ]
    occurring = [one for one in legend.classes if (codes == one.code).any()]
    key = [(one.name.replace("_", " "), one.rgb) for one in occurring] + [("no data", (255, 255, 255))]
    sheet = with_legend(np.hstack(halves), key)
    # A palette makes the file a fraction of the size, and the eye does not see it.
    sheet.quantize(_COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
