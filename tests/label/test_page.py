"""A person labels in the page: a whole scene in Chromium, and all that may come between."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import fiona
import numpy as np
import pytest
from label_servers import LabelServer, label_server
from scenes import FinishedScene, alcd

from alcd_otb.raster.io import read_part

pytest.importorskip("playwright", reason="playwright is not installed: make page")

from browsers import CHROMIUM, Chromium, LabelPage, chromium

pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(not CHROMIUM.is_file(), reason="chromium is not installed: make page"),
]

Place = tuple[int, float, float]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture
def scene(prepared: Callable[..., Path]) -> Path:
    """A prepared scene without a point."""
    return prepared(samples=None)


@pytest.fixture
def places(finished: FinishedScene) -> list[Place]:
    """Class and place of points, class by class in turn, none within a few pixels of another on the screen."""
    by_class: dict[int, list[Place]] = {}
    chosen: list[Place] = []
    for sample in finished.scene.samples:
        x, y = sample.location
        if all(abs(x - other[1]) + abs(y - other[2]) > 400 for other in chosen):
            chosen.append((sample.code, x, y))
            by_class.setdefault(sample.code, []).append(chosen[-1])
    longest = max(map(len, by_class.values()))
    return [group[turn] for turn in range(longest) for group in by_class.values() if turn < len(group)]


def stored(scene: Path, layer: str = "samples") -> list[tuple[str, float, float]]:
    with fiona.open(scene.parent / "work" / "samples.gpkg", layer=layer) as features:
        listed = list(features.filter(where="1 = 1"))
    if layer == "samples":
        return [(each.properties["class"], *each.geometry.coordinates) for each in listed]
    return [(each.properties["class"], 0.0, 0.0) for each in listed]


def assert_shows(page: LabelPage, scene: Path, number: int) -> None:
    """The map in the page is that of an iteration in every pixel."""
    labels = read_part(scene.parent / "work" / "iterations" / f"{number:03d}" / "labels.tif", None, 0, "mode")
    page.whole()
    page.wait(lambda state: state["draft"] == "false" and len(page.map()) == labels.size)
    assert np.array_equal(np.array(page.map(), np.uint8).reshape(labels.shape), labels)


def test_a_whole_scene_from_no_point_to_an_iteration_and_corrections(
    browser: Chromium, prepared: Callable[..., Path], places: list[Place]
) -> None:
    scene = prepared(samples=None)
    # Only the products, as at the beginning: the page prepares the scene, and opens.
    work = scene.parent / "work"
    for file in list(work.iterdir()):
        file.unlink()
    with label_server(scene) as server:
        page = browser.open(server.url)
        page.wait(lambda state: int(state["places"]) > 0)
        # By keys alone: to the first place, its class, then the next.
        page.press("n", "5", "Space")
        page.settled()
        assert page.state["done"] == "1"
        page.press("Escape")
        page.whole()
        for code, x, y in places[:30]:
            page.label(code, x, y)
        assert int(page.settled()["labels"]) == len(stored(scene)) == 31
        page.press("r")
        page.wait(lambda state: state.get("iteration") == "1", 120)
        assert_shows(page, scene, 1)
        # A polygon and a freehand correction, then an iteration that holds them.
        corner = page.pixel(places[0][1], places[0][2])
        page.press("2", "p")
        for x, y in ((0, 0), (60, 0), (60, 50)):
            page.page.mouse.click(corner[0] + x, corner[1] + y)
        page.press("Enter")
        page.wait(lambda state: state["corrections"] == "1" and state["queue"] == "0")
        page.press("4", "f")
        page.page.mouse.move(corner[0] - 90, corner[1] - 60)
        page.page.mouse.down()
        for x, y in ((40, 0), (40, 30), (0, 35)):
            page.page.mouse.move(corner[0] - 90 + x, corner[1] - 60 + y, steps=4)
        page.page.mouse.up()
        page.wait(lambda state: state["corrections"] == "2" and state["queue"] == "0")
        assert sorted(name for name, *_ in stored(scene, "corrections")) == ["clouds_shadows", "low_clouds"]
        page.press("r")
        page.wait(lambda state: state.get("iteration") == "2", 120)
        assert_shows(page, scene, 2)
        assert page.problems == []


def test_undo_and_redo_outlive_a_reload_and_a_restart(browser: Chromium, scene: Path, places: list[Place]) -> None:
    with label_server(scene) as server:
        page = browser.open(server.url)
        for place in places[:4]:
            page.label(*place)
        page.settled()
        page.label(places[1][0], places[0][1], places[0][2])
        page.settled()
        first, second, *_ = stored(scene)
        assert first[0] == second[0]
        page.click(*places[2][1:], button="right")
        page.settled()
        assert len(stored(scene)) == 3
        page.page.reload()
        page.settled()
        page.press("Control+z")
        page.wait(lambda state: state["labels"] == "4" and state["queue"] == "0")
    with label_server(scene, server.port):
        page.wait(lambda state: state["online"] == "yes")
        page.press("Control+z")
        page.settled()
        page.press("Control+z")
        page.wait(lambda state: state["labels"] == "3" and state["queue"] == "0")
        page.press("Control+y")
        page.wait(lambda state: state["labels"] == "4" and state["queue"] == "0")
        assert len({name for name, *_ in stored(scene)}) == 4


def test_nothing_is_lost_by_kills_and_closed_pages_and_nothing_is_there_twice(
    browser: Chromium, scene: Path, places: list[Place]
) -> None:
    chosen = places[:12]
    with label_server(scene) as first:
        context = browser.context()
        page = browser.open(first.url, context)
        for place in chosen[:3]:
            page.label(*place)
        first.kill()
        # Clicks while nobody listens, in a page that is then closed.
        for place in chosen[3:6]:
            page.label(*place)
        page.wait(lambda state: state["online"] == "no")
        page.page.close()
    with label_server(scene, first.port) as second:
        page = browser.open(second.url, context)
        for place in chosen[6:9]:
            page.label(*place)
        second.kill()
    with label_server(scene, first.port):
        for place in chosen[9:]:
            page.label(*place)
        page.wait(lambda state: state["labels"] == "12" and state["queue"] == "0", 90)
    kept = stored(scene)
    assert len(kept) == 12
    for _, x, y in chosen:
        assert sum(abs(x - other[1]) + abs(y - other[2]) < 200 for other in kept) == 1


def test_two_pages_show_the_same(browser: Chromium, scene: Path, places: list[Place]) -> None:
    with label_server(scene) as server:
        context = browser.context()
        left, right = browser.open(server.url, context), browser.open(server.url, context)
        for number, place in enumerate(places[:10]):
            (left, right)[number % 2].label(*place)
        for page in (left, right):
            page.wait(lambda state: state["labels"] == "10" and state["queue"] == "0")
        left.wait(lambda _: left.map() == right.map() and any(left.map()))
        right.press("Control+z")
        left.wait(lambda state: state["labels"] == "9")


def test_another_program_edits_at_the_same_time(browser: Chromium, scene: Path, places: list[Place]) -> None:
    code = (
        "import sys, fiona, time\n"
        "fields = {'class': 'water', 'author': 'other', **dict.fromkeys(('iteration', 'comment', 'created'))}\n"
        "for number in range(8):\n"
        "    with fiona.open(sys.argv[1], 'a', layer='samples') as layer:\n"
        "        place = (float(sys.argv[2]) + 60 * number, float(sys.argv[3]))\n"
        "        layer.write({'geometry': {'type': 'Point', 'coordinates': place}, 'properties': fields})\n"
        "    time.sleep(0.1)\n"
    )
    with label_server(scene) as server:
        page = browser.open(server.url)
        left, _, _, top = server.get("/api/scene")["grid"]["extent"]
        file, x, y = scene.parent / "work" / "samples.gpkg", left + 330, top - 30
        with subprocess.Popen([sys.executable, "-c", code, str(file), str(x), str(y)]) as other:
            for place in places[:8]:
                page.label(*place)
            assert other.wait(60) == 0
        page.wait(lambda state: state["labels"] == "16" and state["queue"] == "0")
        assert len(stored(scene)) == 16
        # While a run of another program holds the lock, labels go on; its iteration appears.
        assert alcd("run", scene, "-q").returncode == 0
        page.wait(lambda _: "1" in page.text("#iterations"))
        page.label(*places[9])
        assert int(page.settled()["labels"]) == 17


def test_looks_keys_and_the_ways_of_showing_the_map(browser: Chromium, scene: Path, places: list[Place]) -> None:
    with label_server(scene) as server:
        page = browser.open(server.url)
        for place in places[:8]:
            page.label(*place)
        page.settled()
        looks = [look["name"] for look in server.get("/api/scene")["tiles"]["looks"]]
        assert page.text("#look") == looks[0]
        page.press("l")
        assert page.text("#look") == looks[1]
        page.press("Shift+L")
        page.page.keyboard.down("c")
        assert page.text("#look") == f"clear {looks[0]}"
        page.page.keyboard.up("c")
        assert page.text("#look") == looks[0]
        page.press(".")
        assert page.text("#look") == f"{looks[0]}, contrast +1"
        shown = []
        for _ in range(5):
            shown.append(page.text("#mode"))
            page.press("o")
        assert shown == ["outlines", "fill", "confidence", "margin", "none"]
        # The server computes the middle of a large window.
        for most, said in ((10_000, "outlines, of the middle only: zoom in"), (5_000_000, "outlines")):
            page.page.evaluate("(most) => { page.scene.most_pixels = most; page.askView(); }", most)
            page.wait(lambda _, said=said: page.text("#mode") == said)
        page.press("?")
        assert "undoes the last change" in page.text("#keys")
        page.press("Escape")
        # All by keyboard: the pixel under the cross.
        before = int(page.state["labels"])
        page.press("ArrowLeft", "+", "Enter")
        assert int(page.settled()["labels"]) == before + 1
        # Nothing but what the server sends, and no script of others.
        assert page.problems == []
        inserted = "const s = document.createElement('script'); s.textContent = 'ran = 1'; document.body.append(s)"
        page.page.evaluate(f"() => {{ {inserted}; }}")
        assert page.page.evaluate("window.ran") is None
        assert any("Content Security Policy" in problem for problem in page.problems)


def test_an_old_address_is_refused_in_words(browser: Chromium, server_of: Callable[[], LabelServer]) -> None:
    server = server_of()
    page = browser.context().new_page()
    page.goto(f"http://127.0.0.1:{server.port}/#{'x' * 43}")
    page.wait_for_selector("#state.offline")
    assert "not valid any more" in page.locator("#state").inner_text()


@pytest.fixture
def server_of(scene: Path) -> Iterator[Callable[[], LabelServer]]:
    with label_server(scene) as started:
        yield lambda: started
