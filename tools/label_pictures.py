"""Draw the pictures of docs/how_to/label.md: the page in Chromium, while a synthetic scene is labelled.

.venv/bin/python tools/label_pictures.py docs/images    # needs what `make page` installs; a minute or two
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from browsers import LabelPage, chromium  # noqa: E402
from label_servers import label_server  # noqa: E402
from scenes import write_scene  # noqa: E402

from alcd_otb.raster.opening import open_raster  # noqa: E402
from alcd_otb.scene import Scene  # noqa: E402
from alcd_otb.synthetic.scene import make_scene  # noqa: E402

_SIZE, _SEED = 1098, 1
_CLICKS = 14
_MOST_BYTES = 2_000_000
_WIDTH = 900


class Film:
    """Pictures of a page, with the milliseconds for which each is shown."""

    def __init__(self, page: LabelPage) -> None:
        self._page = page
        self.frames: list[tuple[Image.Image, int]] = []

    def take(self, milliseconds: int) -> None:
        """Take a picture of the page once it has drawn everything."""
        self._page.page.wait_for_timeout(250)
        picture = Image.open(io.BytesIO(self._page.page.screenshot())).convert("RGB")
        height = round(picture.height * _WIDTH / picture.width)
        self.frames.append((picture.resize((_WIDTH, height), Image.Resampling.LANCZOS), milliseconds))

    def save(self, path: Path) -> None:
        """Save it as an animated WebP that is small enough for a page."""
        first, *others = [frame for frame, _ in self.frames]
        for quality in (60, 45, 30, 15):
            durations = [milliseconds for _, milliseconds in self.frames]
            first.save(path, save_all=True, append_images=others, duration=durations, loop=0, quality=quality, method=6)
            if path.stat().st_size < _MOST_BYTES:
                return
        raise SystemExit(f"{path} is larger than {_MOST_BYTES} bytes")


def main() -> None:
    """Make the scene, label it, and save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the pictures")
    folder: Path = parser.parse_args().folder.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        synthetic = make_scene(Path(scratch) / "made", size=_SIZE, seed=_SEED)
        scene_json = write_scene(Path(scratch) / "scene.json", synthetic, samples=None, name="Synthetic scene")
        Scene.open(scene_json).run()
        truth = open_raster(synthetic.truth)
        left, step, _, top, *_ = truth.GetGeoTransform()
        codes = truth.ReadAsArray()

        def seen(x: float, y: float) -> int:
            """What a person sees at a place."""
            return int(codes[int((top - y) / step), int((x - left) / step)])

        with label_server(scene_json) as server, chromium() as browser:
            page = browser.open(server.url)
            page.page.locator("#author").fill("Ada")
            page.press("Escape")
            places = server.get("/api/places")
            film = Film(page)
            film.take(1500)
            _visit(page, film, [seen(place["x"], place["y"]) for place in places[:8]])
            page.press("Escape", "0")
            page.settled()
            film.take(1500)
            _save(page, folder / "label_page.webp")
            for place in places[8 : 8 + _CLICKS]:
                page.label(seen(place["x"], place["y"]) or 5, place["x"], place["y"])
                page.settled()
                film.take(400)
            page.press("Escape", "o", "o")
            page.wait(lambda _: page.text("#mode") == "confidence")
            page.settled()
            page.page.wait_for_timeout(2000)
            film.take(1500)
            _save(page, folder / "label_confidence.webp")
            film.save(folder / "label.webp")


def _save(page: LabelPage, path: Path) -> None:
    Image.open(io.BytesIO(page.page.screenshot())).convert("RGB").save(path, quality=80, method=6)


def _visit(page: LabelPage, film: Film, classes: list[int]) -> None:
    """Label places as they come."""
    for code in classes:
        page.press("n")
        page.page.wait_for_timeout(300)
        film.take(500)
        if code:
            page.press(str(code))
        page.settled()
        film.take(700)


if __name__ == "__main__":
    main()
