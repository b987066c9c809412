"""The server of the page, as a process of its own: what it answers, refuses, and how it ends."""

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pytest
from label_servers import LabelServer, label_server, point
from scenes import FinishedScene, alcd, command_line, refused

from alcd_otb.label.guard import MOST_BODY
from alcd_otb.raster.io import read_part


@pytest.fixture
def scene(prepared: Callable[..., Path]) -> Path:
    """A prepared scene without a point."""
    return prepared(samples=None)


@pytest.fixture
def server(scene: Path) -> Iterator[LabelServer]:
    with label_server(scene) as started:
        yield started


def stored(scene: Path, layer: str = "samples") -> list[tuple[Any, ...]]:
    with fiona.open(scene.parent / "work" / "samples.gpkg", layer=layer) as features:
        return [(each.properties["class"], each.properties["author"]) for each in features.filter(where="1 = 1")]


def places_of(finished: FinishedScene, count: int) -> list[tuple[int, float, float]]:
    """Class and place of points of the finished scene, class by class in turn."""
    by_class: dict[int, list[tuple[float, float]]] = {}
    for sample in finished.scene.samples:
        by_class.setdefault(sample.code, []).append(sample.location)
    turns = [
        (code, *place)
        for turn in zip(*by_class.values(), strict=False)
        for code, place in zip(by_class, turn, strict=True)
    ]
    return turns[:count]


def test_without_a_point_the_page_opens_and_says_that_there_is_no_map(server: LabelServer) -> None:
    described = server.get("/api/scene")
    assert described["open"]
    assert (described["classes"][0]["code"], described["classes"][0]["name"]) == (1, "background")
    assert server.get("/api/labels")["all"] == []
    header, planes = server.frame("/api/view", {"window": [0, 0, 10, 10]})
    assert planes is None
    assert "sample" in header["map"]["problem"]


def test_clicks_are_stored_and_answered_with_the_map(server: LabelServer, scene: Path, finished: FinishedScene) -> None:
    grid = server.get("/api/scene")["grid"]
    window = [0, 0, grid["height"], grid["width"]]
    actions = [point(number, *place) for number, place in enumerate(places_of(finished, 30))]
    header, planes = server.act(*actions, view={"window": window, "planes": ["labels", "confidence"]})
    assert [result["refused"] for result in header["results"]] == [None] * 30
    assert len(header["labels"]["all"]) == len(stored(scene)) == 30
    assert planes is not None
    if header["map"]["draft"]:
        _, planes = server.frame("/api/view", {"window": window, "planes": ["labels", "confidence"]})
    # The same samples by a run.
    assert alcd("run", scene, "-q").returncode == 0
    made = scene.parent / "work" / "iterations" / "001"
    labels, confidence = (read_part(made / f"{name}.tif", None, 0, "mode") for name in ("labels", "confidence"))
    header, planes = server.frame("/api/view", {"window": window, "planes": ["labels", "confidence"]})
    assert planes is not None
    assert not header["map"]["draft"]
    assert np.array_equal(planes[0], labels)
    assert np.abs(planes[1] / 250 - confidence).max() <= 0.5 / 250 + 1e-6


def test_only_what_has_changed_is_sent(server: LabelServer, finished: FinishedScene) -> None:
    first, second, third, *_ = (point(number, *place) for number, place in enumerate(places_of(finished, 8)))
    view: dict[str, Any] = {"window": [0, 0, 40, 50]}
    header, before = server.act(first, second, view=view)
    view["have"] = header["map"]["number"]
    after, changes = server.act(third, view=view, since=header["labels"]["revision"])
    assert [entry["code"] for entry in after["labels"]["changed"]] == [third["code"]]
    assert after["labels"]["gone"] == []
    assert after["map"]["base"] == header["map"]["number"]
    assert before is not None
    assert changes is not None
    _, whole = server.frame("/api/view", {"window": [0, 0, 40, 50]})
    if not after["map"]["draft"]:
        assert np.array_equal(before ^ changes, whole)


def test_after_a_kill_nothing_is_lost_and_nothing_is_there_twice(scene: Path, finished: FinishedScene) -> None:
    actions = [point(number, *place) for number, place in enumerate(places_of(finished, 4))]
    with label_server(scene) as first:
        first.act(*actions[:2])
        first.kill()
        with label_server(scene, first.port) as second:
            assert second.token == first.token
            header, _ = second.act(*actions)
            assert len(header["labels"]["all"]) == len(stored(scene)) == 4
            second.act({"id": "undo-0001", "author": "", "do": "undo"})
            second.kill()
        with label_server(scene, first.port) as third:
            third.act({"id": "undo-0001", "author": "", "do": "undo"})
            assert len(stored(scene)) == 3
            third.act({"id": "undo-0002", "author": "", "do": "undo"})
            third.act({"id": "redo-0001", "author": "", "do": "redo"})
    assert len(stored(scene)) == 3


def test_edits_of_another_program_appear(server: LabelServer, scene: Path) -> None:
    left, _, _, top = server.get("/api/scene")["grid"]["extent"]
    fields = {"class": "land", "author": "QGIS", **dict.fromkeys(("iteration", "comment", "created"))}
    with fiona.open(scene.parent / "work" / "samples.gpkg", "a", layer="samples") as layer:
        layer.write({"geometry": {"type": "Point", "coordinates": (left + 90, top - 90)}, "properties": fields})
    [entry] = server.wait_for("/api/labels", lambda labels: labels["all"])["all"]
    assert (entry["code"], entry["x"], entry["y"]) == (5, left + 90, top - 90)


def test_an_iteration_is_made_of_the_labels_and_the_lock_is_free_before(
    server: LabelServer, scene: Path, finished: FinishedScene
) -> None:
    server.act(*(point(number, *place) for number, place in enumerate(places_of(finished, 40))))
    assert alcd("next", scene, "--json").returncode == 0
    assert server.post("/api/run", {}) == {"started": True}
    assert server.raw("POST", "/api/run", b"{}")[0] == 409
    [made] = server.wait_for("/api/summary", lambda summary: summary["iterations"])["iterations"]
    assert (made["number"], made["report"]) == (1, True)
    report = server.post("/api/report", {"iteration": 1})["path"]
    # Its address is known to who asked for it alone, and carries no token.
    status, page = server.raw("GET", report, headers={})
    assert (status, page[:15].lower()) == (200, b"<!doctype html>")
    assert server.raw("GET", "/report/" + "x" * 32, headers={})[0] == 404
    assert server.get("/api/places")[0]["rank"] == 1


def test_tiles_are_pictures_of_the_scene(server: LabelServer) -> None:
    tiles = server.get("/api/scene")["tiles"]
    assert tiles["resolutions"][-1] == 10
    for level in (0, len(tiles["resolutions"]) - 1):
        status, picture = server.raw("GET", f"/api/tiles/0/{level}/0/0?contrast=1")
        assert (status, picture[:2]) == (200, b"\xff\xd8")
    for path in ("99/0/0/0", "0/99/0/0", "0/0/9/0", "0/0/0/0?contrast=99", "0/0/0/0?contrast=x", "0/0/-1/0"):
        assert server.raw("GET", f"/api/tiles/{path}")[0] == 404


def test_refused(server: LabelServer, scene: Path) -> None:
    token = scene.parent / "work" / ".label_token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text() == server.token
    good, host = server.headers, f"127.0.0.1:{server.port}"
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer x"}, 401),
        ({**good, "Host": "evil.example"}, 403),
        ({**good, "Host": host, "Origin": "http://evil.example"}, 403),
        ({**good, "Host": host, "Origin": f"http://{host}"}, 200),
    ):
        assert server.raw("GET", "/api/scene", headers=headers)[0] == status
    assert server.raw("GET", f"/api/scene?token={server.token}", headers={})[0] == 401
    for path in (
        "/../config.json",
        "/modules/..%2f..%2fguard.py",
        "/modules/main.js%00",
        "/vendor/ol.js",
        "/api/",
        "/.label_token",
    ):
        assert server.raw("GET", path)[0] == 404
    for body in (
        b"",
        b"[]",
        b"{",
        b'{"actions": 1}',
        b'{"actions": [], "more": 1}',
        b'{"actions": [], "view": {"window": [0, 0, 1]}}',
        b"\xff",
    ):
        assert server.raw("POST", "/api/act", body)[0] == 400
    for window in ([0, 0, 0, 1], [-1, 0, 1, 1], [0, 0, 10**6, 10**6], [0, 0, 10**9, 1]):
        assert server.raw("POST", "/api/view", f'{{"window": {window}}}'.encode())[0] == 400
    assert server.raw("POST", "/api/act", b" " * (MOST_BODY + 1))[0] == 413
    assert server.raw("DELETE", "/api/scene")[0] == 405
    header, _ = server.act(point(1, 99, 0, 0), {"id": "action-0002", "do": "x"})
    assert all(result["refused"] for result in header["results"])
    assert server.token not in (scene.parent / "label.log").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_ends_cleanly_while_pages_listen(scene: Path, number: int, code: int) -> None:
    with label_server(scene) as server:
        listener = socket.create_connection(("127.0.0.1", server.port))
        host = f"127.0.0.1:{server.port}"
        asked = f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        listener.sendall(asked.encode())
        assert b"event: hello" in listener.recv(4096) + listener.recv(4096)
        assert server.end(number) == code
        listener.close()
    assert "Traceback" not in (scene.parent / "label.log").read_text()
    assert not (scene.parent / "work" / ".lock").exists()


def test_a_port_that_is_in_use_is_refused(scene: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"port {port}: another program uses it" in refused(2, "label", scene, "--port", str(port))


def test_samples_that_are_no_geopackage_are_refused(prepared: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y,class\n")
    assert "GeoPackage" in refused(4, "label", prepared(samples=tmp_path / "points.csv"), "--port", "0")


def test_without_starlette_the_command_says_what_installs_it(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden" / "uvicorn").mkdir(parents=True)
    without = "raise ModuleNotFoundError('No module', name='uvicorn')"
    (tmp_path / "hidden" / "uvicorn" / "__init__.py").write_text(without)
    path = f"{tmp_path / 'hidden'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    assert "pip install" in refused(6, "label", scene, PYTHONPATH=path)


def test_the_address_is_told_to_people_with_the_way_through_ssh(scene: Path) -> None:
    command = command_line("label", scene, "--no-browser", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        process.terminate()
    assert first.startswith("open http://127.0.0.1:")
    port = first.split(":")[2].split("/")[0]
    assert f"ssh -N -L {port}:127.0.0.1:{port} " in second


def test_in_a_pause_the_whole_map_is_counted(server: LabelServer, finished: FinishedScene) -> None:
    grid = server.get("/api/scene")["grid"]
    window = [0, 0, grid["height"], grid["width"]]
    server.act(*(point(number, *place) for number, place in enumerate(places_of(finished, 30))))
    summary = server.wait_for("/api/summary", lambda summary: summary["shares"] is not None)
    while (answer := server.frame("/api/view", {"window": window}))[0]["map"]["draft"]:
        pass
    labels = answer[1]
    assert labels is not None
    counted = {each["name"]: int((labels == each["code"]).sum()) for each in server.get("/api/scene")["classes"]}
    assert {name: share for name, share in summary["shares"].items() if share} == pytest.approx(
        {name: count / sum(counted.values()) for name, count in counted.items() if count}
    )
    assert summary["unlabelled"] == ["background"]
