"""The JSON Schemas: valid ones, which accept what the models accept and refuse what they refuse."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from json_mutations import mutated
from jsonschema import Draft202012Validator
from places import ROOT
from scenes import alcd

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import KNOWN_NAMES
from alcd_otb.settings.legend import LegendClass
from alcd_otb.settings.scene_file import SceneFile, load_scene, scene_schema
from alcd_otb.settings.strict_model import validated
from alcd_otb.settings.template import Template, template_names, template_schema

SCENES = sorted((ROOT / "examples").glob("scene*.json"))
TEMPLATES = sorted({*(ROOT / "param_templates").glob("*.json"), *(ROOT / "examples").glob("*.json")} - {*SCENES})
SCENE = Draft202012Validator(scene_schema())
TEMPLATE = Draft202012Validator(template_schema())

STRICTER = {
    "whole numbers are written without a point": r"\d\.0[^:]* is not allowed; it must be .*a whole number",
    "names and codes occur once": r"occurs more than once",
    "positive classes are among the classes": r"positive",
    "templates declare the names of bands": r"is not known|cannot be a band's name",
    "a layer's shades go from dark to bright": r"maximum",
    "functions are named by file or module": r"is neither 'FILE.py:FUNCTION'",
    "a scene has one image": r"stack",
    "expressions are parsed": r"expression .*: ",
    "a classifier's numbers have ranges": r"classifier: classifier\.\S+: .* is not allowed",
}
"""Why a model may refuse what its schema accepts, and the message by which it does."""


def content(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("schema", [scene_schema(), template_schema()], ids=["scene", "template"])
def test_is_valid(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_are_accepted(file: Path) -> None:
    TEMPLATE.validate(content(file))


@pytest.mark.parametrize("file", SCENES, ids=lambda file: file.name)
def test_scenes_are_accepted(file: Path) -> None:
    SCENE.validate(content(file))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_whole_template_may_be_a_scene_s_set(file: Path) -> None:
    SCENE.validate({"cloudy": "a.SAFE", "set": content(file)})


def test_the_key_of_editors_is_allowed_in_both_files_and_goes_no_further(tmp_path: Path) -> None:
    template = {"$schema": "template.schema.json", **content(TEMPLATES[0])}
    (tmp_path / "mine.json").write_text(json.dumps(template), "utf-8")
    scene = {"$schema": "scene.schema.json", "cloudy": "a.SAFE", "template": "mine.json"}
    (tmp_path / "scene.json").write_text(json.dumps(scene), "utf-8")
    TEMPLATE.validate(template)
    SCENE.validate(scene)
    assert "schema" not in load_scene(tmp_path / "scene.json").model_dump_json()


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("schema", [scene_schema(), template_schema()], ids=["scene", "template"])
def test_every_key_has_a_description_and_none_a_link(schema: dict[str, Any]) -> None:
    described = [field for part in parts(schema) for field in part.get("properties", {}).values()]
    assert len(described) > 30
    for field in described:
        assert field["description"], field
    assert "](" not in json.dumps(schema)


class TestWhatEditorsPropose:
    def test_names_of_bands(self) -> None:
        definitions = template_schema()["$defs"]
        proposed, any_name = definitions["Texture"]["properties"]["band"]["anyOf"]
        assert set(proposed["enum"]) == KNOWN_NAMES
        assert any_name == {"type": "string"}

    def test_names_of_templates(self) -> None:
        named, any_path = scene_schema()["properties"]["template"]["anyOf"]
        assert named["enum"] == list(template_names())
        assert any_path == {"type": "string", "minLength": 1}

    def test_keys_defaults_and_limits(self) -> None:
        schema = template_schema()
        assert list(schema["properties"])[1:] == [name for name in Template.model_fields if name != "schema_file"]
        assert set(schema["required"]) == {"classes", "features", "view", "classifier"}
        settings = schema["$defs"]["SampleSettings"]["properties"]
        assert settings["training_proportion"]["default"] == 0.9
        assert (settings["jitter"]["minimum"], settings["jitter"]["maximum"]) == (0, 2)
        assert schema["properties"]["resampling"]["enum"] == ["average", "nearest"]

    def test_within_set_as_in_a_template_but_without_any_required(self) -> None:
        changes = scene_schema()["properties"]["set"]
        assert changes["properties"].keys() == template_schema()["properties"].keys()
        for part in (changes, changes["properties"]["view"], changes["properties"]["classifier"]):
            assert "required" not in part
        # What is in a list is replaced whole.
        assert not SCENE.is_valid({"cloudy": "a", "set": {"view": {"layers": [{"name": "red"}]}}})


class TestTheCommand:
    @pytest.mark.parametrize(("option", "schema"), [((), scene_schema()), (("--template",), template_schema())])
    def test_prints_the_schema(self, option: tuple[str, ...], schema: dict[str, Any]) -> None:
        for form in ((), ("--json",)):
            ended = alcd("schema", *option, *form)
            assert (ended.returncode, ended.stderr) == (0, "")
            assert json.loads(ended.stdout) == schema


SMALL_TEMPLATE: dict[str, Any] = {
    "classes": [
        {"name": "cloud", "code": 1, "colour": "#ffffff", "invalid": True, "contour": "#00ff00", "grow": 30},
        {"name": "land", "code": 2, "colour": "#009738", "invalid": False},
    ],
    "positive": {"name": "clouds", "classes": ["cloud"], "others": "clear"},
    "bands": ["B02", "B04", "B08", "B8A"],
    "resolution": 20,
    "margin": 600,
    "radiometry": "reflectance",
    "resampling": "average",
    "decoding": "auto",
    "compression": "auto",
    "features": [
        "B02",
        "clear.B8A",
        {"name": "NDVI", "expr": "(B08 - B04) / (B08 + B04)"},
        {"name": "density", "texture": "contour_density", "band": "B02", "radius": 3},
        {"name": "mine", "python": "mine.py:f", "bands": ["B02"], "halo": 3, "options": {"a": 1}},
    ],
    "view": {"resolution": 20, "layers": [{"name": "red", "expr": "B04", "step": 0.001, "minimum": 0, "maximum": 1}]},
    "samples": {"growth": 100, "training_proportion": 0.9, "most_pixels_per_class": 8000, "jitter": 0, "seed": 1},
    "classifier": {"classifier": "rf", "classifier.rf.max": 25, "classifier.rf.acc": 0.5, "classifier.x": ["a", "b"]},
    "regularisation": {"smoothing": 0.5, "radius": 1},
    "confidence": {"shares": True, "radius": 5},
    "queries": {"number": 12, "spacing": 480, "candidates": 16},
}
SMALL_SCENE: dict[str, Any] = {
    "name": "Arles",
    "cloudy": "a.SAFE",
    "clear": ["b.SAFE", "c.SAFE"],
    "dem": None,
    "tile": "31TFJ",
    "template": "clouds",
    "set": {
        "resolution": 20,
        "samples": {"seed": 3},
        "features": ["B02", {"name": "NDVI", "expr": "B08 - B04"}],
        "view": {"resolution": 20},
        "classifier": {"classifier.rf.max": 5},
    },
}


def agree(accepted: bool, refusal: str | None, changed: dict[str, Any]) -> None:
    if accepted and refusal is not None:
        assert any(re.search(pattern, refusal, re.S) for pattern in STRICTER.values()), (refusal, changed)
    else:
        assert accepted == (refusal is None), (refusal, changed)


def refusal_of(model: type[Template | SceneFile], changed: dict[str, Any]) -> str | None:
    try:
        validated(model, changed, "file")
    except ConfigurationError as error:
        return str(error)
    return None


@settings(deadline=None, max_examples=400)
@given(mutated(SMALL_TEMPLATE))
@example({**SMALL_TEMPLATE, "classifier": {"classifier": "rf", "classifier.rf.max": 25, "classifier.rf.acc": []}})
def test_schema_and_model_agree_on_templates(changed: dict[str, Any]) -> None:
    agree(TEMPLATE.is_valid(changed), refusal_of(Template, changed), changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenes")


@settings(deadline=None, max_examples=400)
@given(changed=mutated(SMALL_SCENE))
def test_schema_and_model_agree_on_scenes(folder: Path, changed: dict[str, Any]) -> None:
    file = folder / "scene.json"
    file.write_text(json.dumps(changed), "utf-8")
    try:
        load_scene(file)
        refusal = None
    except ConfigurationError as error:
        refusal = str(error)
    if refusal is not None and "is neither a file nor one of" in refusal:
        # The schema knows nothing of files.
        assert refusal_of(SceneFile, {**changed, "template": "clouds"}) is None
        return
    agree(SCENE.is_valid(changed), refusal, changed)


def test_every_reason_to_be_stricter_occurs() -> None:
    classes = SMALL_TEMPLATE["classes"]
    cases: dict[str, dict[str, Any]] = {
        "whole numbers are written without a point": {"queries": {"number": 3.0}},
        "names and codes occur once": {"classes": [classes[0], classes[0]]},
        "positive classes are among the classes": {"positive": {"name": "x", "classes": ["y"]}},
        "templates declare the names of bands": {"features": ["VV"]},
        "a layer's shades go from dark to bright": {"view": {"layers": [{"name": "x", "expr": "B02", "minimum": 1}]}},
        "functions are named by file or module": {"features": [{"name": "x", "python": "x", "bands": ["B02"]}]},
        "expressions are parsed": {"features": [{"name": "x", "expr": "B02 +"}]},
        "a classifier's numbers have ranges": {"classifier": {"classifier": "rf", "classifier.rf.nbtrees": 0}},
    }
    assert cases.keys() | {"a scene has one image"} == STRICTER.keys()
    for reason, case in cases.items():
        changed = {**SMALL_TEMPLATE, **case}
        assert TEMPLATE.is_valid(changed)
        refusal = refusal_of(Template, changed)
        assert refusal is not None
        assert re.search(STRICTER[reason], refusal)


def test_the_small_template_has_every_key() -> None:
    """So that what is added to the models is mutated too."""
    assert SMALL_TEMPLATE.keys() == {name for name in Template.model_fields if name != "schema_file"}
    assert SMALL_TEMPLATE["classes"][0].keys() == set(LegendClass.__dataclass_fields__)
