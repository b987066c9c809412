"""Numbers of templates out of their ranges: each is refused with its key and the range, before anything runs."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from places import ROOT
from stacks import write_backscatter

from alcd_otb.errors import ConfigurationError
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.template import template_names, template_schema
from otb_pipelines.settings import default_settings
from otb_pipelines.train import check_parameters


def refusal(folder: Path, changes: dict[str, Any]) -> str:
    file = folder / "scene.json"
    file.write_text(json.dumps({"cloudy": "a.SAFE", "set": changes}), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_scene(file)
    assert str(caught.value).isprintable()
    return str(caught.value).removeprefix(f"{file}: set: ")


def settled(folder: Path, classifier: dict[str, Any]) -> dict[str, Any]:
    file = folder / "scene.json"
    file.write_text(json.dumps({"cloudy": "a.SAFE", "set": {"classifier": classifier}}), "utf-8")
    return dict(load_scene(file).template.classifier)


class TestClassifiers:
    @pytest.mark.parametrize(
        ("key", "value", "allowed"),
        [
            ("rf.nbtrees", -1, "a whole number from 1 to 10000"),
            ("rf.nbtrees", 0, "a whole number from 1 to 10000"),
            ("rf.nbtrees", 2**31, "a whole number from 1 to 10000"),
            ("rf.nbtrees", 10**19, "a whole number from 1 to 10000"),
            ("rf.nbtrees", "-1", "a whole number from 1 to 10000"),
            ("rf.nbtrees", True, "a whole number from 1 to 10000"),
            ("rf.nbtrees", 1.5, "a whole number from 1 to 10000"),
            ("rf.nbtrees", 1e300, "a whole number from 1 to 10000"),
            ("rf.nbtrees", "many", "a whole number from 1 to 10000"),
            ("rf.max", -5, "a whole number from 1 to 1000"),
            ("rf.max", 0, "a whole number from 1 to 1000"),
            ("rf.min", -7, "a whole number from 1 to 1000000000"),
            ("rf.min", 0, "a whole number from 1 to 1000000000"),
            ("rf.cat", 1, "a whole number from 2 to 15"),
            ("rf.cat", 16, "a whole number from 2 to 15"),
            ("rf.ra", -0.1, "a number from 0 to 1e+09"),
            ("rf.acc", 1.5, "a number from 0 to 1"),
            ("rf.acc", "nan", "a number from 0 to 1"),
            ("rf.var", -3, "a whole number from 0 to 1000000000"),
            ("knn.k", 0, "a whole number from 1 to 100000"),
            ("dt.max", 65536, "a whole number from 1 to 65535"),
            ("boost.m", 30, "a whole number from 1 to 25"),
            ("boost.r", 2, "a number from 0 to 1"),
            ("boost.w", 0, "a whole number from 1 to 10000"),
            ("libsvm.c", 0, "a number above 0 and of at most 1e+09"),
            ("libsvm.nu", 1.1, "a number above 0 and of at most 1"),
            ("ann.sizes", ["20", "-3"], "a whole number from 1 to 100000"),
            ("ann.iter", 0, "a whole number from 1 to 1000000000"),
        ],
    )
    def test_a_number_out_of_range(self, tmp_path: Path, key: str, value: Any, allowed: str) -> None:
        name = f"classifier.{key}"
        found = refusal(tmp_path, {"classifier": {"classifier": key.partition(".")[0], name: value}})
        one = value[-1] if isinstance(value, list) else value
        shown = repr(one) if isinstance(one, str) else json.dumps(one)
        assert found == f"classifier: {name}: {shown} is not allowed; it must be {allowed}"

    def test_opencv_grows_no_deeper_trees(self, tmp_path: Path) -> None:
        deep = {"classifier": "rf", "classifier.rf.max": 40}
        found = refusal(tmp_path, {"classifier": {**deep, "classifier.rf.acc": 0.01}})
        assert found.endswith("classifier.rf.max: 40 is not allowed; it must be a whole number from 1 to 25 unless "
                              "classifier.rf.acc is 0")  # fmt: skip
        assert settled(tmp_path, {**deep, "classifier.rf.acc": 0})["classifier.rf.max"] == 40

    def test_the_ends_of_the_ranges_are_otb_s(self, tmp_path: Path) -> None:
        """OTB, which checks its names and types, knows each parameter that has a range, but for Shark's forest."""
        ends = {
            "rf": {"nbtrees": 1, "max": 25, "min": 1, "ra": 0.0, "cat": 15, "var": 0, "acc": 1.0},
            "libsvm": {"c": 1e-3, "gamma": 0.0, "coef0": -1.0, "degree": 0, "nu": 1.0},
            "boost": {"w": 1, "r": 1.0, "m": 25},
            "dt": {"max": 25, "min": 1, "ra": 0.0, "cat": 2},
            "ann": {"sizes": ["1"], "a": -1.0, "b": 1.0, "bpdw": 0.0, "bpms": 0.0, "rdw": 0.1, "rdwm": 1e-7,
                    "eps": 1e-9, "iter": 1},
            "knn": {"k": 1},
        }  # fmt: skip
        for name, parameters in ends.items():
            given = {"classifier": name} | {f"classifier.{name}.{key}": value for key, value in parameters.items()}
            kept = settled(tmp_path, given)
            assert {key: kept[key] for key in given if key != "classifier.ann.sizes"} == {
                key: value for key, value in given.items() if key != "classifier.ann.sizes"
            }
            check_parameters({key: kept[key] for key in given}, default_settings())

    def test_no_more_features_are_drawn_than_there_are(self, tmp_path: Path) -> None:
        write_backscatter(tmp_path / "s1.tif", 60)
        file = tmp_path / "scene.json"
        content: dict[str, Any] = {"stack": "s1.tif", "template": str(ROOT / "examples" / "water_sentinel1.json")}
        file.write_text(json.dumps(content), "utf-8")
        # Some of the template's need a clear date, and the scene has none.
        count = len(Inputs.read(load_scene(file)).features)
        for drawn in (count, count + 1):
            changes = {"set": {"classifier": {"classifier.rf.var": drawn}}}
            file.write_text(json.dumps(content | changes), "utf-8")
            if drawn == count:
                assert len(Inputs.read(load_scene(file)).features) == count
        with pytest.raises(ConfigurationError) as caught:
            Inputs.read(load_scene(file))
        assert str(caught.value) == (
            f"classifier: classifier.rf.var: {count + 1} is not allowed; it must be a whole number from 0 to {count}, "
            f"as many as there are features ({count})"
        )


def numbers(part: dict[str, Any], whole: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys of the numbers of a template that are set one by one."""
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    for choice in part.get("anyOf", ()):
        yield from numbers(choice, whole, path)
    if part.get("type") in ("number", "integer"):
        yield path
    for name, inner in part.get("properties", {}).items():
        if name not in ("classifier", "classes", "features", "layers"):
            yield from numbers(inner, whole, (*path, name))


KEYS = sorted(set(numbers(template_schema(), template_schema())))


class TestSettings:
    def test_there_are_such_keys(self) -> None:
        assert {("margin",), ("samples", "growth"), ("queries", "spacing"), ("view", "resolution")} <= set(KEYS)

    @pytest.mark.parametrize("value", [1e300, -1e300, 1e9, 10**18, -1])
    @pytest.mark.parametrize("keys", KEYS, ids=".".join)
    def test_no_number_is_huge(self, tmp_path: Path, keys: Sequence[str], value: float) -> None:
        if keys[-1] == "most_pixels_per_class" and value == 1e9:
            pytest.skip("a whole number, and an allowed one")
        changes: Any = value
        for key in reversed(keys):
            changes = {key: changes}
        found = refusal(tmp_path, changes)
        assert found.startswith(f"{'.'.join(keys)}: {json.dumps(value)} is not allowed; it must be a ")

    @pytest.mark.parametrize("value", [1e300, 1e9, -1])
    def test_nor_what_a_class_grows(self, tmp_path: Path, value: float) -> None:
        class_ = {"name": "a", "code": 1, "colour": "#ffffff", "grow": value}
        found = refusal(tmp_path, {"classes": [class_, {"name": "b", "code": 2, "colour": "#ffffff"}]})
        assert found.startswith(f"classes.0.grow: {json.dumps(value)} is not allowed; it must be a number from 0 to")

    def test_a_step_of_the_view(self, tmp_path: Path) -> None:
        layers = [{"name": "red", "expr": "B04", "step": 1e-300}]
        assert "view.layers.0.step: 1e-300 is not allowed" in refusal(tmp_path, {"view": {"layers": layers}})

    @pytest.mark.parametrize("name", template_names())
    def test_the_package_s_templates_are_within(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "scene.json").write_text(json.dumps({"cloudy": "a.SAFE", "template": name}), "utf-8")
        assert load_scene(tmp_path / "scene.json").template.margin <= 1000
