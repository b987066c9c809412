"""Scenes and templates with what no file should hold: refused in one line, or read."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.template import load_template

TEMPLATE = json.loads((ROOT / "param_templates" / "clouds.json").read_text("utf-8"))
SCENE = {"name": "Arles", "cloudy": "a.SAFE", "workspace": "w", "template": "clouds", "set": {"resolution": 60}}


def refusal(path: Path, content: Any) -> str:
    """The message about a scene, or about a template, that cannot be used."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ConfigurationError) as caught:
        load_template(str(path)) if path.name == "template.json" else load_scene(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.removeprefix(str(path)).isprintable()
    assert len(message) < 600
    return message


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "a\x1b[2Jb", "a\u2028b", "a\x7fb", "\ud800"])
@pytest.mark.parametrize("key", ["name", "workspace", "cloudy", "clear", "dem", "samples", "template", "tile"])
def test_control_characters_are_refused_in_every_text(tmp_path: Path, key: str, text: str) -> None:
    refusal(tmp_path / "scene.json", {**SCENE, key: text})


@pytest.mark.parametrize("text", ["x" * 300, "é" * 150, "a/" + "x" * 300 + "/b", "x/" * 3000])
@pytest.mark.parametrize("key", ["workspace", "cloudy", "clear", "dem", "samples", "template"])
def test_paths_that_no_file_system_takes_are_refused(tmp_path: Path, key: str, text: str) -> None:
    assert "too long for a path" in refusal(tmp_path / "scene.json", {**SCENE, key: text})


def test_names_that_no_file_can_begin_with_are_refused(tmp_path: Path) -> None:
    assert "at most 200" in refusal(tmp_path / "scene.json", {**SCENE, "name": "x" * 300})
    without = {key: value for key, value in SCENE.items() if key != "name"}
    assert "at most 200" in refusal(tmp_path / f"{'x' * 240}.json", without)
    # The path itself is shown by whoever prints the message.
    assert "control character" in refusal(tmp_path / "a\x01b.json", without)


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "a\0b", "\x1b"])
def test_names_of_classes_are_of_one_short_line(tmp_path: Path, name: str) -> None:
    first, *others = TEMPLATE["classes"]
    refusal(tmp_path / "template.json", {**TEMPLATE, "classes": [{**first, "name": name}, *others]})


def test_a_key_of_a_megabyte_is_told_in_a_short_line(tmp_path: Path) -> None:
    assert "is not known" in refusal(tmp_path / "scene.json", {**SCENE, "x" * 2**20: 1})


def test_what_was_allowed_still_is(tmp_path: Path) -> None:
    scene = tmp_path / "scene.json"
    name = "Étang de Berre (été) \U0001f30d"
    scene.write_bytes(json.dumps({**SCENE, "name": name}, ensure_ascii=False).encode("utf-8-sig"))
    assert load_scene(scene).name == name


def test_files_changed_at_random_are_read_or_refused(tmp_path: Path) -> None:
    random_, refusals, read = random.Random(7), list[str](), 0
    for number in range(600):
        content = TEMPLATE if number % 2 else {**SCENE, "set": {"samples": {"seed": 3}, "features": ["B02", "B03"]}}
        path = tmp_path / ("template.json" if number % 2 else "scene.json")
        path.write_bytes(_changed(json.dumps(content, ensure_ascii=False).encode(), random_))
        try:
            load_template(str(path)) if number % 2 else load_scene(path)
            read += 1
        except ConfigurationError as error:
            refusals.append(str(error))
    assert read
    assert len(refusals) > 300
    assert not [
        message for message in refusals if not message.isprintable() or "Error" in message or len(message) > 900
    ]


def _changed(content: bytes, random_: random.Random) -> bytes:
    """Change, insert or remove some bytes, numbers and texts above all."""
    inserted = [b"9" * 25, b"1e999", b"NaN", b"null", b"[[[", b"\\u0000", b"\\ud800", b'"', b"\xff", b"\n", b"x" * 300]
    changed = bytearray(content)
    for _ in range(random_.randint(1, 3)):
        place = random_.randrange(len(changed))
        match random_.randrange(3):
            case 0:
                changed[place] = random_.choice(b'0123456789-.e"[]{},:ax\x00\x1f\xc3')
            case 1:
                changed[place:place] = random_.choice(inserted)
            case _:
                del changed[place : place + random_.randint(1, 12)]
    return bytes(changed)
