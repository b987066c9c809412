"""What the documentation says is what the code does."""

import json
import re
import shlex
import signal
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from mask_files import write_l2a, write_reference
from page_tables import table_rows
from places import ROOT
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined
from scenes import alcd

from alcd_otb import errors
from alcd_otb.cli import main as cli
from alcd_otb.compare import protocol
from alcd_otb.masks import classified_raster
from alcd_otb.masks.mask import COMMON_MEANINGS
from alcd_otb.settings import band_names, features, legend, template, view
from alcd_otb.settings import scene_file as config

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "otb_pipelines").rglob("*.md")])
SCENE_PAGE = ROOT / "docs" / "reference" / "scene.md"
COMPARISON_PAGE = ROOT / "docs" / "how_to" / "comparison.md"


def json_blocks(page: Path) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"^ *```json\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S)]


def documented(heading: str, page: Path = SCENE_PAGE) -> dict[str, str]:
    """Default by key, of a table of keys."""
    rows = table_rows(page.read_text("utf-8"), heading)
    keys = [row[0].strip("`") for row in rows]
    assert len(set(keys)) == len(keys)
    return {key: row[2] for key, row in zip(keys, rows, strict=True)}


def defaults(model: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key, default) of a model and of the models in it; PydanticUndefined where the key is required."""
    if issubclass(model, BaseModel):
        annotations = {name: one.annotation for name, one in model.model_fields.items()}
        values = {name: one.get_default(call_default_factory=True) for name, one in model.model_fields.items()}
    else:
        annotations = typing.get_type_hints(model)
        values = {name: getattr(model, name, PydanticUndefined) for name in annotations}
    for name, annotation in annotations.items():
        key = "$schema" if name == "schema_file" else name
        yield prefix + key, values[name]
        for inner, is_list in models_in(annotation):
            yield from defaults(inner, f"{prefix}{name}{'[]' if is_list else ''}.")


def models_in(annotation: Any, is_list: bool = False) -> Iterator[tuple[type, bool]]:
    """The models that a field holds, and whether in a list."""
    if isinstance(annotation, type) and issubclass(annotation, (BaseModel, legend.LegendClass, legend.Positive)):
        yield annotation, is_list
    elif get_origin(annotation) is typing.Annotated:
        yield from models_in(get_args(annotation)[0], is_list)
    elif get_origin(annotation) in (tuple, typing.Union, types.UnionType):
        for argument in get_args(annotation):
            yield from models_in(argument, is_list or get_origin(annotation) is tuple)


def as_written(default: Any) -> str:
    return "required" if default is PydanticUndefined else f"`{json.dumps(default)}`"


def test_the_tables_of_keys_are_those_of_the_models() -> None:
    made = subprocess.run([sys.executable, ROOT / "tools" / "key_tables.py", SCENE_PAGE, "--check"], timeout=60)
    assert made.returncode == 0, "run tools/key_tables.py docs/reference/scene.md"


@pytest.mark.parametrize(
    ("heading", "model"),
    [("scene.json", config.SceneFile), ("Templates", template.Template)],
    ids=["scene", "template"],
)
def test_the_tables_hold_every_key_with_its_default(heading: str, model: type[BaseModel]) -> None:
    derived = dict.fromkeys(("samples", "regularisation", "confidence", "queries"), "see below")
    if model is config.SceneFile:
        derived = {}
    expected = {key: derived.get(key) or as_written(default) for key, default in defaults(model)}
    assert documented(heading) == expected


@pytest.mark.parametrize(
    ("heading", "model"),
    [("Protocols", protocol.Protocol), ("Classified rasters", classified_raster.ClassTable)],
    ids=["protocol", "classes"],
)
def test_the_tables_of_comparisons_hold_every_key_with_its_default(heading: str, model: type[BaseModel]) -> None:
    derived = {} if heading != "Protocols" else dict.fromkeys(("dilation", "exclude"), "see below")
    expected = {key: derived.get(key) or as_written(default) for key, default in defaults(model)}
    assert documented(heading, COMPARISON_PAGE) == expected


def test_the_worked_example_of_a_comparison_comes_out_as_written(tmp_path: Path) -> None:
    text = COMPARISON_PAGE.read_text("utf-8").split("## Worked example")[1].split("## Protocols")[0]
    blocks = dict(block.split("\n", 1) for block in re.findall(r"^```text\n(.*?)^```", text, re.M | re.S))
    reference, said = (
        np.array([line.split() for line in blocks[name].splitlines()], np.uint8) for name in ("reference", "Sen2Cor")
    )
    write_reference(tmp_path / "references", reference)
    write_l2a(tmp_path / "products", {60: said})
    ended = alcd("compare", tmp_path / "references", tmp_path / "products", "--dilate", "0,60", "-o", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    head = next(name for name in blocks if name.startswith("mean over scenes"))
    assert ended.stdout.startswith(f"{head}\n{blocks[head]}")
    # The figures in words.
    rows = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))["rows"]
    counts = [{name: row[name] for name in ("tp", "fp", "fn", "tn")} for row in rows]
    assert counts[0] == {"tp": 4, "fp": 2, "fn": 7, "tn": 29}
    assert counts[1] == {"tp": 17, "fp": 2, "fn": 8, "tn": 15}
    assert rows[0]["classes"]["clouds_shadows"]["tp"] == 0
    for words in ("42 cells with data, 11 are invalid", "grow to 25 cells and Sen2Cor's to 19", "17 are common"):
        assert words in " ".join(text.split())


def test_the_names_of_features_are_all_there() -> None:
    rows = table_rows(SCENE_PAGE.read_text("utf-8"), "Names")
    text = " ".join(row[0] for row in rows)
    expanded = re.sub(
        r"`(clear\.)?B01` \.\.\. `(?:clear\.)?B12`",
        lambda match: " ".join(f"`{match[1] or ''}B{number:02}`" for number in range(1, 13)),
        text,
    )
    assert set(re.findall(r"`([^`]+)`", expanded)) == band_names.KNOWN_NAMES


@pytest.mark.parametrize(
    ("page", "number"),
    [(page, number) for page in PAGES for number in range(len(json_blocks(page)))],
    ids=lambda value: value.name if isinstance(value, Path) else str(value),
)
def test_json_in_the_pages_is_accepted(page: Path, number: int, tmp_path: Path) -> None:
    content = json_blocks(page)[number]
    if "cloudy" in content:
        file = tmp_path / "scene.json"
        file.write_text(json.dumps(content), "utf-8")
        given = content["cloudy"]
        expected = tuple(tmp_path / part for part in given) if isinstance(given, list) else tmp_path / given
        assert config.load_scene(file).cloudy == expected
    elif "stack" in content:
        assert config.SceneFile.model_validate(content).stack == content["stack"]
    elif "looks" in content:
        assert [look.name for look in view.View.model_validate(content).looks] == [
            one["name"] for one in content["looks"]
        ]
    elif {"minimum", "maximum"} & set(content):
        assert view.ViewLayer.model_validate(content).limits == (content["minimum"], content["maximum"])
    elif "positive" in content:
        assert protocol.Protocol.model_validate(content).name == content["name"]
    elif "processor" in content:
        assert classified_raster.ClassTable.model_validate(content).processor == content["processor"]
    elif "classes" in content:
        assert legend.Positive(**content).name == content["name"]
    elif "code" in content:
        assert TypeAdapter(legend.LegendClass).validate_python(content).name == content["name"]
    else:
        assert TypeAdapter(features.Feature).validate_python(content).name == content["name"]


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("scene*.json")), ids=lambda file: file.name)
def test_examples_are_accepted(file: Path) -> None:
    assert config.load_scene(file).template.features


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "tables").glob("*.json")), ids=lambda file: file.name)
def test_tables_of_classes_are_accepted(file: Path) -> None:
    assert classified_raster.is_class_table(file) != classified_raster.is_point_table(file)
    table = classified_raster.ClassTable.model_validate(json.loads(file.read_text("utf-8")))
    known = {meaning for one in table.classes for meaning in one.means}
    assert {"invalid"} <= known <= set(COMMON_MEANINGS)


def test_the_readme_shows_a_scene() -> None:
    assert any("cloudy" in block for block in json_blocks(ROOT / "README.md"))


def test_the_exit_codes_are_those_of_the_errors() -> None:
    rows = table_rows((ROOT / "docs" / "reference" / "commands.md").read_text("utf-8"), "Exit codes")
    of_errors = {error.exit_code for error in errors.AlcdError.__subclasses__()}
    of_signals = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    of_batches = {errors.SOME_FAILED, errors.NOT_FINISHED}
    assert {int(row[0]) for row in rows} == of_errors | of_signals | of_batches | {0}


PAGES_WITH_COMMANDS = [page for page in PAGES if "-m alcd_otb " in page.read_text("utf-8")]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_the_commands_of_the_pages_are_understood(page: Path) -> None:
    text = page.read_text("utf-8").replace("\\\n", "")
    for command in re.findall(r"-m alcd_otb ([^`\n#]+)", text):
        cli.command_parser().parse_args(shlex.split(re.split(r">|\|\|", command)[0]))


def test_the_options_of_an_export_are_all_there() -> None:
    rows = table_rows((ROOT / "docs" / "how_to" / "publish.md").read_text("utf-8"), "Publishing masks")
    named = {option for row in rows for option in re.findall(r"`(--[a-z]+)", row[0])}
    ended = alcd("export", "--help")
    of_all = {"--help", "--verbose", "--quiet", "--ram", "--threads"}
    assert named == set(re.findall(r"(--[a-z]+)", ended.stdout)) - of_all


def test_the_messages_of_the_tutorial_are_those_of_the_code() -> None:
    rows = table_rows((ROOT / "docs" / "tutorial" / "first_mask.md").read_text("utf-8"), "When an edit goes wrong")
    code = "".join(path.read_text("utf-8") for path in (ROOT / "alcd_otb").rglob("*.py"))
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row[0])]
    assert len(messages) > 5
    for message in messages:
        # What follows in brackets is the cause.
        assert message.partition(" (")[0] in code, message


def test_the_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.M))
        assert named <= targets, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{page.name}: {target}"
        assert linked.is_relative_to(ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 300_000, picture
