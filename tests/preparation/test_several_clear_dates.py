"""More than one clear date: what features name, what is valid, what is recorded and refused."""

from pathlib import Path

import numpy as np
import pytest
from preparing import CLEAR, CLOUDY, Pixels, layers, prepared, side_of, write_product, write_scene
from sentinel2_files import one_line_error

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.settings.scene_file import load_scene

LATER, STILL_LATER = "20240325T104819", "20240404T104819"
VIEW = {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]}
SETTINGS = {"view": VIEW, "margin": 0, "decoding": "full"}


def constant(band: str, value: int) -> Pixels:
    return np.full((side_of(band), side_of(band)), value, np.uint16)


@pytest.fixture
def products(tmp_path: Path) -> list[Path]:
    """A cloudy date and three clear ones, of B02 and B11; the third has the radiometric offset of older baselines."""
    made = []
    for blue, infrared, sensed, offset in (
        (3000, 2500, CLOUDY, -1000),
        (2000, 2100, CLEAR, -1000),
        (1600, 2200, LATER, -1000),
        (1400, 1300, STILL_LATER, 0),
    ):
        pixels = {"B02": constant("B02", blue), "B11": constant("B11", infrared)}
        made.append(write_product(tmp_path, pixels, sensed=sensed, offset=offset))
    return made


def test_features_name_each_of_them(tmp_path: Path, products: list[Path]) -> None:
    features = [
        "clear.B02",
        "clear2.B02",
        "clear3.B02",
        {"name": "darkest", "expr": "B02 - min(min(clear.B02, clear2.B02), clear3.B02)"},
        {"name": "B11_change", "expr": "B11 - clear3.B11"},
    ]
    cloudy, *clear = products
    made = layers(prepared(write_scene(tmp_path, cloudy, clear, features=features, **SETTINGS)).features)
    expected = {"clear.B02": 0.1, "clear2.B02": 0.06, "clear3.B02": 0.14, "darkest": 0.14, "B11_change": 0.02}
    assert {name: round(float(array.mean()), 5) for name, array in made.items()} == expected
    assert all(array.std() < 1e-6 for array in made.values())


def test_what_needs_a_date_that_is_absent_is_left_out(
    tmp_path: Path, products: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    features = ["B02", "clear.B02", "clear2.B02", {"name": "third", "expr": "clear3.B02 - B02"}, "slope"]
    view = {**VIEW, "layers": [*VIEW["layers"], {"name": "clear2_blue", "expr": "clear2.B02"}]}
    found = []
    for count in range(4):
        caplog.clear()
        with caplog.at_level("INFO"):
            scene = write_scene(tmp_path, products[0], products[1 : count + 1], features=features, view=view)
            inputs = Inputs.read(load_scene(scene))
        found.append((inputs.feature_names, [layer.name for layer in inputs.view], caplog.messages))
    no_date = "these features are left out, since they need more clear dates than the scene names ({}): {}"
    no_dem = "these features are left out, since they need a dem, and the scene names none: slope"
    all_but_two = "clear.B02, clear2.B02, third"
    assert found[0] == (("B02",), ["blue"], [no_date.format(0, all_but_two), no_dem])
    assert found[1][0] == ("B02", "clear.B02")
    assert found[1][2] == [no_date.format(1, "clear2.B02, third"), no_dem]
    assert found[2][:2] == (("B02", "clear.B02", "clear2.B02"), ["blue", "clear2_blue"])
    assert found[3][0] == ("B02", "clear.B02", "clear2.B02", "third")
    assert found[3][2] == [no_dem]


def test_a_date_that_no_feature_uses_is_told_of(
    tmp_path: Path, products: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    scene = write_scene(tmp_path, products[0], products[1:3], features=["B02", "clear2.B02"], view=VIEW)
    with caplog.at_level("INFO"):
        Inputs.read(load_scene(scene))
    assert caplog.messages == [f"{products[1]} is not used: the template has no feature of clear"]


def test_a_pixel_is_valid_where_every_band_used_on_every_date_has_data(tmp_path: Path) -> None:
    whole = {"B02": constant("B02", 2000), "B11": constant("B11", 2000)}
    holed = {"B02": constant("B02", 2000), "B11": constant("B11", 2000)}
    holed["B02"][6:24, 6:24] = 0
    holed["B11"][15:24, 15:24] = 0
    dates = (whole, whole, holed)
    cloudy, *clear = (
        write_product(tmp_path, pixels, sensed=sensed)
        for pixels, sensed in zip(dates, (CLOUDY, CLEAR, LATER), strict=True)
    )
    for bands, hole in ((("B11",), slice(5, 8)), (("B02", "B11"), None)):
        features = ["B02", "clear.B02", *(f"clear2.{band}" for band in bands)]
        valid = layers(prepared(write_scene(tmp_path, cloudy, clear, features=features, **SETTINGS)).valid)["valid"]
        expected = np.ones((10, 10), bool)
        expected[5:8, 5:8] = False
        if hole is None:
            expected[1:4, 1:4] = False
        np.testing.assert_array_equal(valid == 1, expected)


def test_the_fingerprint_follows_each_of_them(tmp_path: Path, products: list[Path]) -> None:
    features = ["B02", "clear.B02", "clear2.B02"]
    digests = {
        Inputs.read(load_scene(write_scene(tmp_path, products[0], clear, features=features, view=VIEW))).fingerprint()
        for clear in (products[1:3], products[2:0:-1], products[1:4], [products[1], products[3]], products[1:2])
    }
    assert len(digests) == 5


class TestRefused:
    def test_two_of_one_acquisition(self, tmp_path: Path, products: list[Path]) -> None:
        again = write_product(tmp_path / "again", {"B02": constant("B02", 2000)}, sensed="20240320T104822")
        scene = write_scene(tmp_path, products[0], [products[1], again], features=["B02"], view=VIEW)
        assert one_line_error(lambda: Inputs.read(load_scene(scene))) == (
            f"{again}: shows the same acquisition as the clear date {products[1]} (2024-03-20 10:48:19); "
            "give another date, leave it out, or, if each holds a part of it, list both as one date"
        )

    def test_one_of_the_cloudy_acquisition(self, tmp_path: Path, products: list[Path]) -> None:
        scene = write_scene(tmp_path, products[0], [products[1], products[0]], features=["B02"], view=VIEW)
        assert "the clear date shows the same acquisition as the cloudy one" in one_line_error(
            lambda: Inputs.read(load_scene(scene))
        )

    def test_one_on_another_grid(self, tmp_path: Path, products: list[Path]) -> None:
        pixels = {"B02": np.full((120, 120), 2000, np.uint16)}
        larger = write_product(tmp_path / "larger", pixels, sensed=LATER, metres=1200)
        scene = write_scene(tmp_path, products[0], [products[1], larger], features=["B02"], view=VIEW)
        message = one_line_error(lambda: Inputs.read(load_scene(scene)))
        assert message.startswith(f"{larger}: the clear date's grid at 10 m is 120 x 120 px")

    def test_one_that_lacks_a_band(self, tmp_path: Path, products: list[Path]) -> None:
        lacking = write_product(tmp_path / "lacking", {"B11": constant("B11", 2000)}, sensed="20240409T104819")
        features = ["B02", {"name": "change", "expr": "B11 - clear2.B02"}]
        scene = write_scene(tmp_path, products[0], [products[1], lacking], features=features, view=VIEW)
        message = one_line_error(lambda: Inputs.read(load_scene(scene)))
        assert message.startswith(f"{lacking}: band B02 has no file (present: B11)")

    def test_a_warning_for_each_that_precedes(
        self, tmp_path: Path, products: list[Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        *earlier, cloudy = products
        Inputs.read(load_scene(write_scene(tmp_path, cloudy, earlier, features=["B02"], view=VIEW)))
        assert [message.split(":")[0] for message in caplog.messages if "precedes" in message] == [
            f"the clear date 2024-03-{day} precedes the cloudy one 2024-04-04" for day in ("05", "20", "25")
        ]
