"""Draw the picture of the README from an iteration of the demo: outlines over the image, the map, and a legend.

.venv/bin/python tools/readme_picture.py demo/scene.json docs/images/demo.png
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from alcd_otb.pictures.figures import coloured, map_codes, outlined, with_legend
from alcd_otb.scene import Scene

_SIDE = 500
_GAP = 8
_COLOURS = 128


def main(scene_json: Path, target: Path) -> None:
    """Draw the picture.

    Parameters
    ----------
    scene_json
        Description of a scene that has an iteration.
    target
        PNG file to write.
    """
    scene = Scene.open(scene_json)
    legend = scene.config.template.legend
    image = np.asarray(Image.open(scene.workspace.quicklook))
    codes = map_codes(scene.workspace.latest / "labels.tif", (image.shape[0], image.shape[1]))
    halves = [
        np.asarray(Image.fromarray(outlined(image, codes, legend)).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)),
        np.full((_SIDE, _GAP, 3), 255, np.uint8),
        np.asarray(Image.fromarray(coloured(codes, legend)).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)),
    ]
    occurring = [entry for entry in legend.classes if (codes == entry.code).any()]
    key = [(entry.name.replace("_", " "), entry.rgb) for entry in occurring] + [("no data", (255, 255, 255))]
    sheet = with_legend(np.hstack(halves), key)
    # A palette makes the file several times smaller, without a visible difference.
    sheet.quantize(_COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the picture of the README.")
    parser.add_argument("scene", type=Path, help="scene.json of the demo, which has been run")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    options = parser.parse_args()
    main(options.scene, options.picture)
