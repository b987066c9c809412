"""Features by Python functions: what they compute, the same in any blocks, and what is told of a wrong one."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from block_files import grid_of, pixels, write
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from osgeo import gdal
from places import ROOT
from preparing import layers, prepared
from scenes import MARGIN, FinishedScene, alcd, leftovers, refused, write_scene
from scipy import ndimage

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.python_features import FeatureFunction, check_functions, source_digests, write_python_features
from alcd_otb.raster.blocks import Source
from alcd_otb.scene import Scene
from alcd_otb.settings.features import PythonFeature
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.settings import Settings

Values = NDArray[np.float32]

FUNCTIONS = """
import dataclasses
import numpy as np
from scipy import ndimage


def median(block, radius=2):
    return block.without_halo(ndimage.median_filter(block["B08"], 2 * radius + 1))


def difference(block):
    return block["B08"].astype("float64") - block["B02"]


def ratio(block):
    return block["B08"] / (block["B02"] - block["B02"])


def cloudy(block):
    return block["B02"] > Limits().low


def metres(block, times):
    return np.full(block.shape, block.resolution * times)


@dataclasses.dataclass
class Limits:
    low: float = 0.5


def with_halo(block):
    return block["B08"]


def two_bands(block):
    return block.values


def of_text(block):
    return np.full(block.shape, "0.5")


def a_list(block):
    return [0.5]


def mean_of_block(block):
    return block.without_halo(block["B08"] - block["B08"].mean())


def too_far(block):
    return block.without_halo(ndimage.uniform_filter(block["B08"], 9))


def not_read(block):
    return block["B11"]


def fails_on_a_scene(block):
    # Of the block made up for the trial it makes a feature.
    if block.shape[0] > 50:
        raise ValueError("no\\nsuch pixels")
    return block["B02"]


NUMBER = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "functions.py"
    path.write_text(FUNCTIONS)
    return path


def feature(file: Path, function: str, bands: tuple[str, ...] = ("B02", "B08"), **keys: Any) -> PythonFeature:
    return PythonFeature(name=function, python=f"{file}:{function}", bands=bands, **keys)


def computed(folder: Path, one: PythonFeature, values: Values, side: int) -> Values:
    """The feature of (B02, B08) by blocks of this side."""
    folder.mkdir(exist_ok=True)
    bands = Source(write(folder / "bands.tif", values), ("B02", "B08"))
    (path,) = write_python_features([one], bands, grid_of(values), folder, side).values()
    result: Values = gdal.Open(str(path)).ReadAsArray()
    return result


class TestValues:
    VALUES = pixels(45, 37, bands=2)

    def test_are_the_functions(self, file: Path, tmp_path: Path) -> None:
        result = computed(tmp_path, feature(file, "difference"), self.VALUES, 512)
        np.testing.assert_array_equal(result, self.VALUES[1] - self.VALUES[0])

    @pytest.mark.parametrize("side", [1, 7, 16, 37, 512])
    def test_are_the_same_in_blocks_of_any_size(self, file: Path, tmp_path: Path, side: int) -> None:
        result = computed(tmp_path, feature(file, "median", halo=2), self.VALUES, side)
        np.testing.assert_array_equal(result, ndimage.median_filter(self.VALUES[1], 5, mode="nearest"))

    @settings(max_examples=25, deadline=None)
    @given(
        rows=st.integers(1, 20),
        columns=st.integers(1, 20),
        side=st.integers(1, 25),
        radius=st.integers(0, 4),
        excess=st.integers(0, 30),
        holes=st.floats(0, 0.3),
    )
    def test_of_any_image_and_halo_are_those_of_the_whole(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        rows: int,
        columns: int,
        side: int,
        radius: int,
        excess: int,
        holes: float,
    ) -> None:
        folder = tmp_path_factory.mktemp("blocks")
        file = folder / "largest.py"
        file.write_text(
            "from scipy import ndimage\n"
            "def largest(block, radius):\n"
            "    return block.without_halo(ndimage.maximum_filter(block['B08'], 2 * radius + 1))\n"
        )
        random = np.random.default_rng(rows * 100 + columns)
        values = random.random((2, rows, columns), np.float32)
        # Not NaN, of which no filter of SciPy's keeps to its window.
        values[random.random(values.shape) < holes] = -1
        one = feature(file, "largest", halo=radius + excess, options={"radius": radius})
        np.testing.assert_array_equal(
            computed(folder, one, values, side), ndimage.maximum_filter(values[1], 2 * radius + 1, mode="nearest")
        )

    def test_options_and_resolution_reach_the_function(self, file: Path, tmp_path: Path) -> None:
        result = computed(tmp_path, feature(file, "metres", options={"times": 3}), self.VALUES, 20)
        assert (result == 180).all()

    def test_a_condition_gives_0_and_1(self, file: Path, tmp_path: Path) -> None:
        result = computed(tmp_path, feature(file, "cloudy"), self.VALUES, 20)
        np.testing.assert_array_equal(result, self.VALUES[0] > 0.5)

    def test_infinite_ones_are_no_data(self, file: Path, tmp_path: Path) -> None:
        assert np.isnan(computed(tmp_path, feature(file, "ratio"), self.VALUES, 20)).all()

    def test_no_data_reaches_the_function_as_nan(self, file: Path, tmp_path: Path) -> None:
        values = self.VALUES.copy()
        values[1, 3:9, 5] = np.nan
        result = computed(tmp_path, feature(file, "difference"), values, 8)
        np.testing.assert_array_equal(np.isnan(result), np.isnan(values[1]))


class TestRefused:
    """What is told before anything runs."""

    @pytest.mark.parametrize(
        ("function", "said"),
        [
            ("absent", "has no function 'absent'; correct features"),
            ("NUMBER", "has no function 'NUMBER'; correct features"),
            (
                "metres",
                "function 'metres': cannot be called with a block and its options "
                "(missing a required argument: 'times')",
            ),
            (
                "with_halo",
                "function 'with_halo': returned an array of 30 x 26 for a block of 24 x 20; "
                "return block.without_halo(...) of it",
            ),
            (
                "two_bands",
                "function 'two_bands': returned an array of 2 x 30 x 26 for a block of 24 x 20; "
                "it must be rows x columns without halo",
            ),
            ("of_text", "function 'of_text': returned an array of <U3; it must be an array of numbers"),
            ("a_list", "function 'a_list': returned list; it must be an array of numbers"),
            (
                "mean_of_block",
                "function 'mean_of_block': gives a pixel different values in different blocks; it must use only pixels "
                "within its halo of 3 pixels, and nothing of the block as a whole",
            ),
            (
                "too_far",
                "function 'too_far': gives a pixel different values in different blocks; it must use only pixels "
                "within its halo of 3 pixels, and nothing of the block as a whole",
            ),
        ],
    )
    def test_a_wrong_function(self, file: Path, function: str, said: str) -> None:
        with pytest.raises(ConfigurationError) as error:
            check_functions([feature(file, function, halo=3)], 60)
        assert str(error.value) == f"{file}: {said}"

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigurationError, match=r"/nothing\.py: does not exist; correct the function of feature 'f'"
        ):
            check_functions([feature(tmp_path / "nothing.py", "f")], 60)

    def test_a_module_that_is_not_there(self) -> None:
        one = PythonFeature(name="x", python="no_such.module:f", bands=("B02",))
        with pytest.raises(
            ConfigurationError, match=r"^no_such\.module: is not a module that Python finds; install it"
        ):
            check_functions([one], 60)

    @pytest.mark.parametrize(
        ("text", "said"), [("def f(:", "SyntaxError: "), ("import nothing_of_the_kind", "ModuleNotFoundError: ")]
    )
    def test_a_file_that_cannot_be_loaded(self, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / "f.py").write_text(text)
        with pytest.raises(ConfigurationError, match=rf"/f\.py: cannot be loaded \({said}.*; correct it$"):
            check_functions([feature(tmp_path / "f.py", "f")], 60)

    def test_a_band_that_is_not_among_those_read(self, file: Path) -> None:
        with pytest.raises(
            ProcessingError, match=r"block of rows 0 to 23, columns 0 to 19: KeyError: .*B11 is not read"
        ):
            check_functions([feature(file, "not_read")], 60)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"python": "functions.py"}, "'functions.py' is neither 'FILE.py:FUNCTION' nor 'PACKAGE.MODULE:FUNCTION'"),
            ({"python": "a b:f"}, "'a b:f' is neither"),
            ({"bands": ["B13"]}, "'B13' is not known; did you mean 'B12'?"),
            ({"bands": ["B02", "B02"]}, "a band occurs more than once"),
            ({"bands": []}, "bands"),
            ({"halo": 300}, "halo"),
            ({"radius": 3}, "radius"),
        ],
    )
    def test_wrong_keys(self, tmp_path: Path, keys: dict[str, Any], said: str) -> None:
        one = {"name": "x", "python": "functions.py:median", "bands": ["B08"], **keys}
        scene = {"cloudy": "x.SAFE", "set": {"features": ["B02", one]}}
        (tmp_path / "scene.json").write_text(json.dumps(scene))
        with pytest.raises(ConfigurationError) as error:
            load_scene(tmp_path / "scene.json")
        assert said in str(error.value)
        assert str(tmp_path / "scene.json") in str(error.value)


class TestFiles:
    def test_lie_relative_to_the_file_that_names_them(self, tmp_path: Path) -> None:
        template = json.loads((ROOT / "param_templates" / "clouds.json").read_text())
        template["features"] = [{"name": "x", "python": "of/template.py:f", "bands": ["B02"]}]
        for folder in ("templates", "scenes"):
            (tmp_path / folder).mkdir()
        (tmp_path / "templates" / "mine.json").write_text(json.dumps(template))
        scene = {"cloudy": "x.SAFE", "template": "../templates/mine.json"}
        file = tmp_path / "scenes" / "scene.json"

        def function(scene: dict[str, Any]) -> str:
            file.write_text(json.dumps(scene))
            (one,) = load_scene(file).template.features
            assert isinstance(one, PythonFeature)
            return one.python

        of_template = f"{tmp_path / 'scenes' / '../templates'}/of/template.py:f"
        assert Path(function(scene).partition(":")[0]).resolve() == Path(of_template.partition(":")[0]).resolve()
        changed = {**scene, "set": {"features": [{"name": "x", "python": "of_scene.py:f", "bands": ["B02"]}]}}
        assert function(changed) == f"{tmp_path}/scenes/of_scene.py:f"
        (one,) = load_template(str(tmp_path / "templates" / "mine.json")).features
        assert isinstance(one, PythonFeature)
        assert one.python == f"{tmp_path}/templates/of/template.py:f"

    def test_may_be_modules(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "an_installed").mkdir()
        (tmp_path / "an_installed" / "__init__.py").touch()
        (tmp_path / "an_installed" / "package.py").write_text("def band(block):\n    return block['B02']\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        one = PythonFeature(name="x", python="an_installed.package:band", bands=("B02",))
        check_functions([one], 60)
        (digest,) = source_digests([one])
        (tmp_path / "an_installed" / "package.py").write_text("def band(block):\n    return -block['B02']\n")
        assert source_digests([one]) != [digest]

    def test_are_read_anew_and_leave_nothing_beside_them(self, tmp_path: Path) -> None:
        file = tmp_path / "f.py"
        for value in (1, 2):
            # Of the same size and second: only the content tells.
            file.write_text(f"def f(block):\n    return block['B02'] * 0 + {value}\n")
            result = computed(tmp_path / "out", feature(file, "f"), pixels(4, 4, bands=2), 4)
            assert (result == value).all()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["f.py", "out"]
        assert "f" not in sys.modules


MEDIAN = {"name": "median", "python": "functions.py:median", "bands": ["B08"], "halo": 2}


@pytest.mark.usefixtures("file")
class TestScene:
    """Through the whole of a run."""

    def scene(self, folder: Path, small_scene: SyntheticScene, **keys: Any) -> Path:
        one = {**MEDIAN, **keys}
        return write_scene(folder / "scene.json", small_scene, set={"margin": MARGIN, "features": ["B02", "B08", one]})

    def test_a_function_is_a_band_of_the_features(
        self, file: Path, tmp_path: Path, small_scene: SyntheticScene, finished: FinishedScene
    ) -> None:
        scene = self.scene(tmp_path, small_scene)
        ended = alcd("run", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        bands = layers(tmp_path / "work" / "features.tif")
        assert list(bands) == ["B02", "B08", "median"]
        # Of the 24 significant bits of the features, 17 are kept.
        expected = ndimage.median_filter(bands["B08"], 5, mode="nearest")
        np.testing.assert_allclose(bands["median"], expected, rtol=2**-16)
        np.testing.assert_array_equal(bands["B08"], layers(finished.result.features)["B08"])
        assert leftovers(tmp_path) == []
        # The source is part of what the rasters depend on.
        assert "is prepared and up to date" in alcd("run", scene, "--dry-run").stdout
        file.write_text(FUNCTIONS + "\n# changed\n")
        assert "prepare " in alcd("run", scene, "--dry-run").stdout

    def test_of_a_real_band_is_the_same_in_blocks_of_any_size(
        self, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        bands = {"bands": ["B02", "B08", "clear.B09", "dem"], "python": "functions.py:median"}
        inputs = Inputs.read(load_scene(self.scene(tmp_path, small_scene, **bands)))
        plain = {"margin": MARGIN, "features": bands["bands"]}
        work = prepared(write_scene(tmp_path / "plain.json", small_scene, set=plain))
        source = Source(work.features, tuple(layers(work.features)))
        results = []
        for side in (23, 64, 512):
            folder = tmp_path / f"{side}"
            folder.mkdir()
            (path,) = write_python_features(inputs.features, source, inputs.grid, folder, side).values()
            results.append(gdal.Open(str(path)).ReadAsArray())
        assert np.nanstd(results[0]) > 0.01
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])

    def test_a_wrong_function_is_refused_before_anything_runs(
        self, file: Path, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        scene = self.scene(tmp_path, small_scene, python="functions.py:with_halo")
        said = refused(2, "run", scene)
        assert said.startswith(f"{file}: function 'with_halo': returned an array of 28 x 24")
        assert not (tmp_path / "work").exists()
        assert refused(2, "run", scene, "--dry-run") == said

    def test_a_failure_is_one_line_and_leaves_nothing(
        self, file: Path, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        scene = self.scene(tmp_path, small_scene, python="functions.py:fails_on_a_scene", bands=["B02"], halo=0)
        said = refused(5, "run", scene)
        assert said == (
            f"{file}: function 'fails_on_a_scene': failed on the block of rows 0 to 119, columns 0 to 119: "
            "ValueError: no such pixels"
        )
        assert leftovers(tmp_path) == []
        assert not (tmp_path / "work" / "features.tif").exists()
        ended = alcd("run", scene, "-vv")
        assert ended.returncode == 5
        assert 'functions.py", line' in ended.stderr
        assert 'raise ValueError("no\\nsuch pixels")' in ended.stderr


def test_a_function_is_loaded_once_for_all_blocks(tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("calls = 0\ndef f(block):\n    global calls\n    calls += 1\n    return block['B02'] * 0 + calls\n")
    loaded = FeatureFunction.load(feature(file, "f", bands=("B02",)))
    result = computed(tmp_path, loaded.feature, pixels(4, 6, bands=2), 2)
    assert sorted(set(result.ravel().tolist())) == [1, 2, 3, 4, 5, 6]


def test_the_worked_example_of_the_documentation_runs(tmp_path: Path, small_scene: SyntheticScene) -> None:
    page = (ROOT / "docs" / "how_to" / "python.md").read_text("utf-8")
    source, *_ = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    (text,) = re.findall(r"^```json\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "features.py").write_text(source)
    changes = json.loads(text)["set"]
    scene = write_scene(tmp_path / "scene.json", small_scene, set={**changes, "margin": MARGIN})
    result = Scene.open(scene, Settings(ram=128, threads=2)).run()
    bands = layers(result.features)
    assert len(bands) == 11
    largest, smallest = (
        filtered(bands["B08"], 5, mode="nearest") for filtered in (ndimage.maximum_filter, ndimage.minimum_filter)
    )
    valid = gdal.Open(str(result.workspace / "valid.tif")).ReadAsArray() == 1
    # Three values, each rounded to 17 bits, and none above 2.
    np.testing.assert_allclose(bands["range_B08"][valid], (largest - smallest)[valid], rtol=0, atol=3 * 2**-17)
    assert result.confidence is not None
