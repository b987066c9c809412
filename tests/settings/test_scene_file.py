"""scene.json and templates: what is wrong is named in one line; what is left out is completed."""

import json
from pathlib import Path
from typing import Any

import pytest

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import KNOWN_NAMES, date_and_band
from alcd_otb.settings.features import feature_name, names_used
from alcd_otb.settings.legend import LegendClass
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.settings.template import Template, template_names

TEMPLATE: dict[str, Any] = {
    "classes": [
        {"name": "cloud", "code": 1, "colour": "#ffffff", "invalid": True, "contour": "#00ff00"},
        {"name": "land", "code": 2, "colour": "#009738", "invalid": False},
    ],
    "features": [
        "B02",
        "clear.B8A",
        "slope",
        {"name": "NDVI", "expr": "(B08 - B04) / (B08 + B04)"},
        {"name": "density", "texture": "contour_density", "band": "B02"},
    ],
    "view": {"layers": [{"name": "red", "expr": "B04"}]},
    "classifier": {"classifier": "rf"},
}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def scene(folder: Path, **content: Any) -> Path:
    return write(folder / "scene.json", {"cloudy": "cloudy.SAFE", **content})


def own_template(folder: Path, **changes: Any) -> SceneConfig:
    write(folder / "mine.json", {**TEMPLATE, **changes})
    return load_scene(scene(folder, template="mine.json"))


def message(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_scene(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestDefaults:
    def test_only_the_cloudy_date_is_needed(self, tmp_path: Path) -> None:
        config = load_scene(scene(tmp_path))
        assert config.name == "scene"
        assert config.cloudy == tmp_path / "cloudy.SAFE"
        assert (config.clear, config.dem, config.tile) == ((), None, None)
        assert config.workspace == tmp_path / "scene"
        assert config.samples == tmp_path / "scene" / "samples.gpkg"
        assert config.template.resolution == 60
        assert config.template.margin == 600
        assert config.template.samples.training_proportion == 1
        assert config.template.legend.invalid_codes == (2, 3, 4)

    def test_the_name_is_the_workspace_s_too(self, tmp_path: Path) -> None:
        assert load_scene(scene(tmp_path, name="Arles")).workspace == tmp_path / "Arles"

    def test_of_a_template(self, tmp_path: Path) -> None:
        template = own_template(tmp_path).template
        # That of the kind of image.
        assert (template.resolution, template.view.resolution) == (None, None)
        assert template.view.layers[0].step == 0.001
        assert template.samples.growth == 100
        assert template.regularisation.radius == 1
        assert template.confidence.radius == 5
        assert template.features[4].radius == 3

    @pytest.mark.parametrize("name", template_names())
    def test_every_template_of_the_package_is_whole(self, tmp_path: Path, name: str) -> None:
        template = load_scene(scene(tmp_path, template=name)).template
        assert len(template.legend.classes) >= 1
        for feature in template.features:
            assert names_used(feature)
            assert feature_name(feature)

    def test_the_codes_of_clouds_are_alcd_s(self, tmp_path: Path) -> None:
        legend = load_scene(scene(tmp_path)).template.legend
        assert legend.codes == (1, 2, 3, 4, 5, 6, 7)
        assert [legend.with_code(code).name for code in (1, 2, 3, 5, 6, 7)] == [
            "background", "low_clouds", "high_clouds", "land", "water", "snow",
        ]  # fmt: skip


class TestPaths:
    def test_are_relative_to_the_scene_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = {"cloudy": "../L1C/a.SAFE", "clear": "b.SAFE", "dem": "/data/dem.tif", "samples": "p.shp"}
        scene(tmp_path / "Arles", **paths, workspace="work")
        monkeypatch.chdir(tmp_path)
        config = load_scene(Path("Arles/scene.json"))
        assert config.cloudy == tmp_path / "Arles" / ".." / "L1C" / "a.SAFE"
        assert config.clear == (tmp_path / "Arles" / "b.SAFE",)
        assert config.dem == Path("/data/dem.tif")
        assert config.samples == tmp_path / "Arles" / "p.shp"
        assert config.workspace == tmp_path / "Arles" / "work"

    def test_a_template_by_its_path(self, tmp_path: Path) -> None:
        write(tmp_path / "uses" / "water.json", TEMPLATE)
        config = load_scene(scene(tmp_path / "Arles", template="../uses/water.json"))
        assert config.template.legend.names == ("cloud", "land")

    def test_classes_grow_as_they_say_or_as_the_template_says(self, tmp_path: Path) -> None:
        classes = [{**TEMPLATE["classes"][0], "grow": 0}, TEMPLATE["classes"][1]]
        template = own_template(tmp_path, classes=classes, samples={"growth": 40}).template
        assert template.growth == {classes[0]["code"]: 0, classes[1]["code"]: 40}

    def test_a_template_that_is_nowhere(self, tmp_path: Path) -> None:
        assert message(scene(tmp_path, template="cloud")) == (
            f"{tmp_path}/scene.json: template 'cloud' is neither a file nor one of {', '.join(template_names())}"
        )


class TestSet:
    def test_overrides_key_by_key(self, tmp_path: Path) -> None:
        plain = load_scene(scene(tmp_path)).template
        changed = load_scene(
            scene(tmp_path, set={"resolution": 20, "samples": {"seed": 5}, "classifier": {"classifier.rf.max": 9}})
        ).template
        assert changed.resolution == 20
        assert changed.samples == plain.samples.model_copy(update={"seed": 5})
        assert changed.classifier == {**plain.classifier, "classifier.rf.max": 9}
        assert changed.features == plain.features

    def test_replaces_lists_whole(self, tmp_path: Path) -> None:
        assert load_scene(scene(tmp_path, set={"features": ["B02"]})).template.features == ("B02",)

    def test_wrong_values_name_the_scene_and_its_set(self, tmp_path: Path) -> None:
        assert message(scene(tmp_path, set={"samples": {"seed": "one"}})).startswith(
            f"{tmp_path}/scene.json: set: samples.seed: "
        )


class TestDates:
    @pytest.mark.parametrize(
        ("clear", "expected"), [("a", ["a"]), (["a"], ["a"]), (["a", "b", "c"], ["a", "b", "c"]), ([], [])]
    )
    def test_any_number_of_clear_ones(self, tmp_path: Path, clear: Any, expected: list[str]) -> None:
        assert load_scene(scene(tmp_path, clear=clear)).clear == tuple(tmp_path / one for one in expected)

    def test_may_each_lie_in_several_products(self, tmp_path: Path) -> None:
        config = load_scene(scene(tmp_path, cloudy=["a", "b"], clear=["c", ["d", "e"], ["f"]]))
        assert config.cloudy == (tmp_path / "a", tmp_path / "b")
        assert config.clear == (tmp_path / "c", (tmp_path / "d", tmp_path / "e"), tmp_path / "f")
        assert load_scene(scene(tmp_path, cloudy=["a"])).cloudy == tmp_path / "a"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"cloudy": []}, "cloudy: [] is not allowed; it must be a list of at least 1 entry, each a path"),
            (
                {"cloudy": ["a", 3]},
                'cloudy: ["a", 3] is not allowed; it must be a list of at least 1 entry, each a path',
            ),
            ({"clear": ["a", []]}, 'clear: ["a", []] is not allowed; it must be a list'),
            ({"clear": [["a", ["b"]]]}, "is not allowed"),
            ({"cloudy": None, "stack": "s.tif", "clear": [["a.tif", "b.tif"]]}, "a stack has no parts"),
        ],
    )
    def test_lists_of_another_form_are_refused(self, tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
        assert expected in message(scene(tmp_path, **changes))

    def test_are_named_in_features_by_their_number(self, tmp_path: Path) -> None:
        mean = {"name": "mean", "expr": "(clear.B02 + clear2.B02 + clear13.B02) / 3"}
        features = own_template(tmp_path, features=["clear2.B8A", mean]).template.features
        assert [names_used(one) for one in features] == [("clear2.B8A",), ("clear.B02", "clear2.B02", "clear13.B02")]
        assert [date_and_band(one) for one in ("B02", "clear.B02", "clear2.B8A", "clear13.B02", "dem")] == [
            (0, "B02"), (1, "B02"), (2, "B8A"), (13, "B02"), (0, "dem"),
        ]  # fmt: skip


class TestStacks:
    def test_in_place_of_a_product(self, tmp_path: Path) -> None:
        write(tmp_path / "scene.json", {"stack": "s1.tif", "bands": ["B02", "B04"], "clear": ["old.tif"]})
        config = load_scene(tmp_path / "scene.json")
        assert (config.cloudy, config.stack, config.clear) == (None, tmp_path / "s1.tif", (tmp_path / "old.tif",))
        assert config.bands == ("B02", "B04")

    def test_a_template_declares_its_bands(self, tmp_path: Path) -> None:
        features = ["VV", {"name": "change", "expr": "VH - clear2.VH"}, "slope"]
        view = {"layers": [{"name": "red", "expr": "VV", "minimum": -25, "maximum": 0}, {"name": "d", "expr": "VH"}]}
        template = own_template(tmp_path, bands=["VV", "VH"], features=features, view=view).template
        assert [names_used(one) for one in template.features] == [("VV",), ("VH", "clear2.VH"), ("slope",)]
        assert template.view.limits == {"red": (-25, 0)}


class TestWrongScenes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"cloudy": "a",}', "is not valid JSON ("),
            ("", "is not valid JSON ("),
            ('{"cloudy": "a", "cloudy": "b"}', "is not valid JSON (key 'cloudy' occurs twice)"),
            ('{"cloudy": "a", "set": {"margin": 1, "margin": 2}}', "is not valid JSON (key 'margin' occurs twice)"),
            ("[]", "must hold a JSON object, in braces"),
            ("[" * 100000, "is not valid JSON ("),
            ("{}", "key 'cloudy' is missing: give an L1C product, or a \"stack\" in its place"),
            (
                '{"cloudy": "a", "set": ["resolution", 20]}',
                'set: ["resolution", 20] is not allowed; it must be an object',
            ),
            ('{"cloudy": "a", "$schema": 1}', "$schema: 1 is not allowed; it must be text"),
            ('{"cloudy": 3}', "cloudy: 3 is not allowed; it must be a path"),
            ('{"clowdy": "a"}', "key 'clowdy' is not known; did you mean 'cloudy'?"),
            ('{"cloudy": "a", "zzzz": 1}', "key 'zzzz' is not known; there are bands, clear, cloudy, dem, name, "),
            ('{"cloudy": ""}', "cloudy: '' is not allowed; it must be a path"),
            (
                '{"cloudy": "a", "stack": "b"}',
                '"cloudy" and "stack" are both given; give the one that is to be classified',
            ),
            ('{"cloudy": "a", "bands": ["VV"]}', '"bands" needs a "stack", and there is none; leave it out'),
            (
                '{"stack": "a", "tile": "31TFJ"}',
                '"tile" selects a tile of an L1C product, and a "stack" has none; leave it out',
            ),
            (
                '{"stack": "a", "bands": ["B 2"]}',
                "bands: 'B 2' cannot be a band's name: letters, digits and _ make one",
            ),
            ('{"stack": "a", "bands": ["VV", "VV"]}', "bands: VV occurs more than once"),
            ('{"stack": "a", "bands": []}', "bands: [] is not allowed; it must be a list of at least 1 entry"),
            ('{"cloudy": "a", "clear": ["b", 3]}', 'clear: ["b", 3] is not allowed; it must be'),
            ('{"cloudy": "a", "clear": ""}', "clear: '' is not allowed; it must be"),
        ],
    )
    def test_are_refused(self, tmp_path: Path, text: str, expected: str) -> None:
        file = write(tmp_path / "scene.json", text)
        assert message(file).startswith(f"{file}: {expected}")

    def test_that_are_no_utf8(self, tmp_path: Path) -> None:
        file = tmp_path / "scene.json"
        file.write_bytes('{"cloudy": "été"}'.encode("latin-1"))
        assert message(file).startswith(f"{file}: is not valid JSON (")

    def test_that_are_folders(self, tmp_path: Path) -> None:
        assert message(tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"


CLASSES = TEMPLATE["classes"]
NAMES = ", ".join(sorted(KNOWN_NAMES))
NAMING = "letters, digits and _ make one, such as VV or B02"
KEYS_OF_A_CLASS = ", ".join(sorted(LegendClass.__dataclass_fields__))
KEYS = ", ".join(sorted(set(Template.model_fields) - {"schema_file"}))


class TestWrongTemplates:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            # Of the wrong type.
            ({"resolution": "20"}, "resolution: '20' is not allowed; it must be a number from 10 to 100000"),
            ({"resolution": True}, "resolution: true is not allowed; it must be a number from 10 to 100000"),
            ({"margin": None}, "margin: null is not allowed; it must be a number from 0 to 100000"),
            ({"samples": 100}, "samples: 100 is not allowed; it must be an object"),
            (
                {"samples": {"seed": 1.5}},
                "samples.seed: 1.5 is not allowed; it must be a whole number from 0 to 2147483647",
            ),
            (
                {"confidence": {"radius": "5"}},
                "confidence.radius: '5' is not allowed; it must be a whole number from 0 to 50",
            ),
            ({"features": "B02"}, "features: 'B02' is not allowed; it must be a list of at least 1 entry"),
            ({"view": []}, "view: [] is not allowed; it must be an object"),
            ({"view": {"layers": {"red": "B04"}}}, 'view.layers: {"red": "B04"} is not allowed; it must be a list'),
            ({"classes": [3]}, "classes.0: 3 is not allowed; it must be an object"),
            (
                {"classes": [{**CLASSES[0], "invalid": 1}]},
                "classes.0.invalid: 1 is not allowed; it must be true or false",
            ),
            (
                {"classes": [{**CLASSES[0], "name": 7}]},
                "classes.0.name: 7 is not allowed; it must be text of at least 1 character",
            ),
            (
                {"classifier": {"classifier": "rf", "classifier.rf.max": None}},
                "classifier.classifier.rf.max: null is not allowed; it must be text, a whole number, a number, "
                "true or false or a list, each text or a whole number",
            ),
            ({"classifier": "rf"}, "classifier: 'rf' is not allowed; it must be an object"),
            # Out of range.
            ({"resolution": 5}, "resolution: 5 is not allowed; it must be a number from 10 to 100000"),
            ({"margin": -1}, "margin: -1 is not allowed; it must be a number from 0 to 100000"),
            (
                {"samples": {"seed": -1}},
                "samples.seed: -1 is not allowed; it must be a whole number from 0 to 2147483647",
            ),
            (
                {"samples": {"training_proportion": 0}},
                "samples.training_proportion: 0 is not allowed; it must be a number above 0 and of at most 1",
            ),
            ({"samples": {"block": 0}}, "samples.block: 0 is not allowed; it must be a number from 1 to 100000"),
            (
                {"regularisation": {"radius": 51}},
                "regularisation.radius: 51 is not allowed; it must be a whole number from 0 to 50",
            ),
            (
                {"classes": [{**CLASSES[0], "code": 0}]},
                "classes.0.code: 0 is not allowed; it must be a whole number from 1 to 255",
            ),
            # Not among the values there are.
            ({"resampling": "cubic"}, "resampling: 'cubic' is not allowed; it must be 'average' or 'nearest'"),
            (
                {"features": [{"name": "x", "texture": "contour", "band": "B02"}]},
                "features.0.texture: 'contour' is not allowed; it must be 'contour_density' or 'variation_coefficient'",
            ),
            (
                {"classes": [{**CLASSES[0], "colour": "red"}]},
                "classes.0.colour: 'red' is not allowed; it must be a colour of the form '#rrggbb'",
            ),
            (
                {"classes": [{**CLASSES[0], "grow": -5}]},
                "classes.0.grow: -5 is not allowed; it must be a number from 0 to 10000",
            ),
            # The two sides.
            (
                {"positive": {"name": "dark", "classes": ["lnad"]}},
                "positive.classes: 'lnad' is not a class; there are cloud, land",
            ),
            (
                {"positive": {"name": "land", "classes": ["land"]}},
                "positive: 'land' is the name of a class; give the side another name",
            ),
            (
                {"positive": {"name": "a b", "classes": ["land"]}},
                "positive.name: 'a b' is not allowed; it must be text of the form '^[A-Za-z][A-Za-z0-9_]*$'",
            ),
            ({"positive": {"name": "a", "others": "a", "classes": ["land"]}}, "positive: both sides are called 'a'"),
            ({"positive": {"name": "dark"}}, "key 'positive.classes' is missing; it must be a list, each text"),
            (
                {"positive": {"name": "dark", "clases": ["land"]}},
                "key 'positive.clases' is not known; did you mean 'classes'? There are classes, name, others",
            ),
            # Unknown names of bands.
            ({"features": ["B02", "B2"]}, f"features.1: 'B2' is not known; did you mean 'B12'? There are {NAMES}"),
            ({"features": ["B02", "xyz"]}, f"features.1: 'xyz' is not known; there are {NAMES}"),
            (
                {"features": [{"name": "x", "texture": "contour_density", "band": "B2"}]},
                f"features.0.band: 'B2' is not known; did you mean 'B12'? There are {NAMES}",
            ),
            (
                {"view": {"layers": [{"name": "x", "expr": "B99"}]}},
                f"view.layers.0.expr: expression 'B99': 'B99' is not known; did you mean 'B09'? There are {NAMES}",
            ),
            (
                {"bands": ["VV"], "features": ["VH"]},
                "features.0: 'VH' is not known; there are VV, clear.VV, dem, slope",
            ),
            (
                {"features": ["clear1.B02"]},
                f"features.0: 'clear1.B02' is not known; did you mean 'clear.B02'? There are {NAMES}",
            ),
            # Names of bands that no expression could use.
            ({"bands": ["VV", "dem"]}, f"bands: 'dem' cannot be a band's name: {NAMING}"),
            ({"bands": ["if"]}, f"bands: 'if' cannot be a band's name: {NAMING}"),
            # A stretch by halves.
            (
                {"view": {"layers": [{"name": "x", "expr": "B02", "minimum": 1}]}},
                "view.layers.0: minimum and maximum: give both, or neither",
            ),
            (
                {"view": {"layers": [{"name": "x", "expr": "B02", "minimum": 1, "maximum": 1}]}},
                "view.layers.0: minimum 1 is not below maximum 1",
            ),
            # Unknown keys.
            ({"resolutoin": 20}, f"key 'resolutoin' is not known; did you mean 'resolution'? There are {KEYS}"),
            (
                {"samples": {"groth": 1}},
                "key 'samples.groth' is not known; did you mean 'growth'? There are block, growth, jitter, "
                "most_pixels_per_class, seed, training_proportion",
            ),
            (
                {"features": [{"name": "x", "expr": "B02", "step": 1}]},
                "key 'features.0.step' is not known; there are expr, name",
            ),
            (
                {"features": [{"name": "x", "texture": "contour_density", "band": "B02", "radios": 1}]},
                "key 'features.0.radios' is not known; did you mean 'radius'? There are band, name, radius, texture",
            ),
            (
                {"view": {"layers": [], "reslution": 1}},
                "key 'view.reslution' is not known; did you mean 'resolution'? There are layers, looks, resolution",
            ),
            (
                {"view": {"layers": [{"name": "x", "expr": "B02", "stop": 1}]}},
                "key 'view.layers.0.stop' is not known; did you mean 'step'? There are detail, expr, maximum, "
                "minimum, name, step",
            ),
            (
                {"classes": [CLASSES[0], {**CLASSES[1], "color": "#000000"}]},
                f"key 'classes.1.color' is not known; did you mean 'colour'? There are {KEYS_OF_A_CLASS}",
            ),
            # Missing keys.
            (
                {"features": [{"expr": "B02"}]},
                "key 'features.0.name' is missing; it must be text of at least 1 character",
            ),
            ({"classes": [{"name": "x"}]}, "key 'classes.0.code' is missing; it must be a whole number from 1 to 255"),
            ({"classifier": {}}, 'classifier: has no key "classifier", such as "rf"'),
            *(
                (
                    {"classifier": {"classifier": name, "sklearn": "SVC", key: "x"}},
                    f"classifier: key {key!r} is not known; a classifier's parameters begin with '{library}.'",
                )
                for name, library in (("rf", "classifier"), ("dt", "classifier"), ("sklearn", "sklearn"))
                for key in ("io.out", "io.confmatout", "cfield", "feat", "rand", "io.vd", "classifier_rf_max")
            ),
            # Of the wrong length.
            ({"features": []}, "features: [] is not allowed; it must be a list of at least 1 entry"),
            ({"classes": []}, "classes: [] is not allowed; it must be a list of at least 1 entry"),
            # Neither one thing nor the other.
            ({"features": [3]}, "features.0: 3 is neither a band, nor has it the key 'expr', 'texture' or 'python'"),
            (
                {"features": [{"name": "x"}]},
                "features.0: {'name': 'x'} is neither a band, nor has it the key 'expr', 'texture' or 'python'",
            ),
            # Twice.
            ({"features": ["B02", "B02"]}, "features: B02 occurs more than once; each feature needs a name of its own"),
            (
                {"classes": [CLASSES[0], CLASSES[0]]},
                "classes: class name cloud occurs more than once; each class needs its own",
            ),
            (
                {"classes": [CLASSES[0], {**CLASSES[1], "code": 1}]},
                "classes: class code 1 occurs more than once; each class needs its own",
            ),
        ],
    )
    def test_are_refused(self, tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
        write(tmp_path / "mine.json", {**TEMPLATE, **changes})
        assert message(scene(tmp_path, template="mine.json")) == f"{tmp_path}/mine.json: {expected}"

    def test_whose_expression_is_not_written_correctly(self, tmp_path: Path) -> None:
        write(tmp_path / "mine.json", {**TEMPLATE, "features": [{"name": "x", "expr": "B02 +"}]})
        expected = "features.0.expr: expression 'B02 +': is not written correctly ("
        assert message(scene(tmp_path, template="mine.json")).startswith(f"{tmp_path}/mine.json: {expected}")

    def test_whose_value_is_long(self, tmp_path: Path) -> None:
        write(tmp_path / "mine.json", {**TEMPLATE, "view": [0] * 1000})
        found = message(scene(tmp_path, template="mine.json"))
        assert found == f"{tmp_path}/mine.json: view: [{'0, ' * 33} ... is not allowed; it must be an object"

    @pytest.mark.parametrize(
        ("key", "kind"),
        [
            ("classes", "a list of at least 1 entry"),
            ("features", "a list of at least 1 entry"),
            ("view", "an object"),
            ("classifier", "an object"),
        ],
    )
    def test_that_lack_a_key(self, tmp_path: Path, key: str, kind: str) -> None:
        write(tmp_path / "mine.json", {name: value for name, value in TEMPLATE.items() if name != key})
        found = message(scene(tmp_path, template="mine.json"))
        assert found == f"{tmp_path}/mine.json: key {key!r} is missing; it must be {kind}"


def test_names_used(tmp_path: Path) -> None:
    template = own_template(tmp_path).template
    assert [names_used(feature) for feature in template.features] == [
        ("B02",), ("clear.B8A",), ("slope",), ("B08", "B04"), ("B02",),
    ]  # fmt: skip
    assert [feature_name(feature) for feature in template.features] == [
        "B02", "clear.B8A", "slope", "NDVI", "density",
    ]  # fmt: skip
