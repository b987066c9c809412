"""scene.json and templates: what is wrong is named in one line; what is left out is completed."""

import json
from pathlib import Path
from typing import Any

import pytest

from alcd_otb.band_names import date_and_band
from alcd_otb.config import SceneConfig, feature_name, load_scene, names_used, template_names
from alcd_otb.errors import ConfigurationError

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
        assert (config.clear, config.dem, config.tile, config.stack) == ((), None, None, None)
        assert config.workspace == tmp_path / "scene"
        assert config.samples == tmp_path / "scene" / "samples.gpkg"
        assert config.template.resolution == 60
        assert config.template.margin == 600
        assert config.template.samples.training_proportion == 0.9
        assert config.template.legend.invalid_codes == (2, 3, 4)

    def test_the_name_is_the_workspace_s_too(self, tmp_path: Path) -> None:
        assert load_scene(scene(tmp_path, name="Arles")).workspace == tmp_path / "Arles"

    def test_of_a_template(self, tmp_path: Path) -> None:
        template = own_template(tmp_path).template
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

    def test_a_template_that_is_nowhere(self, tmp_path: Path) -> None:
        assert message(scene(tmp_path, template="cloud")) == (
            f"{tmp_path}/scene.json: template 'cloud' is neither a file nor one of {', '.join(template_names())}"
        )


class TestDates:
    @pytest.mark.parametrize(
        ("clear", "expected"), [("a", ["a"]), (["a"], ["a"]), (["a", "b", "c"], ["a", "b", "c"]), ([], [])]
    )
    def test_any_number_of_clear_ones(self, tmp_path: Path, clear: Any, expected: list[str]) -> None:
        assert load_scene(scene(tmp_path, clear=clear)).clear == tuple(tmp_path / one for one in expected)

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
            ("{}", "key 'cloudy' is missing"),
            ('{"cloudy": 3}', "cloudy: Input should be a valid string (given: 3)"),
            ('{"clowdy": "a"}', "key 'clowdy' is not known; did you mean 'cloudy'?"),
            ('{"cloudy": "a", "zzzz": 1}', "key 'zzzz' is not known; there are bands, clear, cloudy, dem, name, "),
            (
                '{"cloudy": "a", "stack": "b"}',
                '"cloudy" and "stack" are both given; give the one that is to be classified',
            ),
            ('{"cloudy": "a", "bands": ["VV"]}', '"bands" are those of a "stack", and there is none; leave them out'),
            (
                '{"stack": "a", "tile": "31TFJ"}',
                '"tile" chooses from an L1C product, and a "stack" is none; leave it out',
            ),
            (
                '{"stack": "a", "bands": ["B 2"]}',
                "bands: 'B 2' cannot be a band's name: letters, digits and _ make one",
            ),
            ('{"stack": "a", "bands": ["VV", "VV"]}', "bands: VV occurs more than once"),
            ('{"stack": "a", "bands": []}', "bands: Tuple should have at least 1 item after validation, not 0"),
            ('{"cloudy": "a", "clear": ["b", 3]}', "clear: is neither a path nor a list of paths (given: ['b', 3])"),
            ('{"cloudy": "a", "clear": ""}', "clear: is neither a path nor a list of paths (given: '')"),
            ('{"cloudy": ""}', "cloudy: String should have at least 1 character (given: '')"),
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


class TestWrongTemplates:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"resolution": 5}, "resolution: Input should be greater than or equal to 10 (given: 5)"),
            ({"margin": -1}, "margin: Input should be greater than or equal to 0 (given: -1)"),
            ({"resampling": "cubic"}, "resampling: Input should be 'average' or 'nearest' (given: 'cubic')"),
            ({"resolutoin": 20}, "key 'resolutoin' is not known; did you mean 'resolution'?"),
            ({"samples": {"groth": 1}}, "key 'samples.groth' is not known; did you mean 'growth'?"),
            ({"samples": {"seed": -1}}, "samples.seed: Input should be greater than or equal to 0 (given: -1)"),
            ({"samples": {"training_proportion": 0}}, "samples.training_proportion: Input should be greater than 0"),
            ({"regularisation": {"radius": 51}}, "regularisation.radius: Input should be less than or equal to 50"),
            ({"confidence": {"radius": 1.5}}, "confidence.radius: Input should be a valid integer"),
            ({"features": []}, "features: "),
            ({"features": "B02"}, "features: is not a list"),
            ({"features": ["B02", "B2"]}, "features: 'B2' is not known; did you mean 'B12'?"),
            ({"features": ["B02", "B02"]}, "features: B02 occurs more than once"),
            ({"features": [3]}, "features: 3 is neither a band, nor has it the key 'expr' or 'texture'"),
            ({"features": [{"name": "x"}]}, "features: {'name': 'x'} is neither a band, nor has it the key"),
            ({"features": [{"name": "x", "expr": "B02 +"}]}, "features.expr: expression 'B02 +': is not written"),
            ({"features": [{"expr": "B02"}]}, "key 'features.name' is missing"),
            ({"features": [{"name": "x", "expr": "B02", "step": 1}]}, "key 'features.step' is not known"),
            ({"features": [{"name": "x", "texture": "contour", "band": "B02"}]}, "features.texture: Input should be"),
            ({"features": [{"name": "x", "texture": "contour_density", "band": "B2"}]}, "features.band: 'B2' is not"),
            ({"view": {"layers": [{"name": "x", "expr": "B99"}]}}, "view.layers.0.expr: expression 'B99': 'B99' is"),
            ({"view": {"layers": [], "reslution": 1}}, "key 'view.reslution' is not known; did you mean 'resolution'"),
            ({"view": {"layers": [{"name": "x", "expr": "B02", "stop": 1}]}}, "key 'view.layers.0.stop' is not known"),
            ({"bands": ["VV", "dem"]}, "bands: 'dem' cannot be a band's name"),
            ({"bands": ["if"]}, "bands: 'if' cannot be a band's name"),
            ({"bands": ["VV"], "features": ["VH"]}, "features: 'VH' is not known; did you mean 'VV'?"),
            ({"bands": ["B02", "B04"]}, "features: 'clear.B8A' is not known; did you mean 'clear.B04'?"),
            ({"features": ["clear1.B02"]}, "features: 'clear1.B02' is not known; did you mean 'clear.B02'?"),
            ({"features": ["clear2.B2"]}, "features: 'clear2.B2' is not known; did you mean 'clear."),
            (
                {"view": {"layers": [{"name": "x", "expr": "B02", "minimum": 1}]}},
                "view.layers.0: minimum and maximum: give both, or neither",
            ),
            (
                {"view": {"layers": [{"name": "x", "expr": "B02", "minimum": 1, "maximum": 1}]}},
                "view.layers.0: minimum 1 is not below maximum 1",
            ),
            ({"classes": []}, "a legend needs at least one class"),
            ({"classes": [CLASSES[0], CLASSES[0]]}, "class name cloud occurs more than once"),
            ({"classes": [CLASSES[0], {**CLASSES[1], "code": 1}]}, "class code 1 occurs more than once"),
            ({"classes": [{**CLASSES[0], "code": 0}]}, "classes.0: class 'cloud': code 0 is not in 1..255"),
            ({"classes": [{**CLASSES[0], "colour": "red"}]}, "classes.0: class 'cloud': colour 'red' is not"),
            ({"classes": [{**CLASSES[0], "color": "#000000"}]}, "key 'classes.0.color' is not known; did you mean"),
            ({"classifier": {}}, 'classifier: has no key "classifier", such as "rf"'),
        ],
    )
    def test_are_refused(self, tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
        write(tmp_path / "mine.json", {**TEMPLATE, **changes})
        found = message(scene(tmp_path, template="mine.json"))
        assert found.startswith(f"{tmp_path}/mine.json: {expected}")

    @pytest.mark.parametrize("key", ["classes", "features", "view", "classifier"])
    def test_that_lack_a_key(self, tmp_path: Path, key: str) -> None:
        write(tmp_path / "mine.json", {name: value for name, value in TEMPLATE.items() if name != key})
        assert message(scene(tmp_path, template="mine.json")) == f"{tmp_path}/mine.json: key {key!r} is missing"


def test_names_used(tmp_path: Path) -> None:
    template = own_template(tmp_path).template
    assert [names_used(feature) for feature in template.features] == [
        ("B02",), ("clear.B8A",), ("slope",), ("B08", "B04"), ("B02",),
    ]  # fmt: skip
    assert [feature_name(feature) for feature in template.features] == [
        "B02", "clear.B8A", "slope", "NDVI", "density",
    ]  # fmt: skip
