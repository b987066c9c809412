"""Values that cannot be what metadata and files say: each is warned of, and right values never are."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preparing import BANDS, CLEAR, RESOLUTION, Pixels, prepared, side_of, write_product, write_scene
from scenes import alcd
from stacks import write_points, write_stack

METRES = 2400
# Of land at the top of the atmosphere; over water, the near infrared is lower.
REFLECTANCE = dict(
    zip(BANDS, (0.15, 0.12, 0.1, 0.09, 0.12, 0.2, 0.24, 0.25, 0.27, 0.07, 0.002, 0.18, 0.1), strict=True)
)


def digital_numbers(added: int, seed: int = 1) -> dict[str, Pixels]:
    """DN of every band with a number added. The lower half is water."""
    random = np.random.default_rng(seed)
    bands = {}
    for name, reflectance in REFLECTANCE.items():
        side = side_of(name, METRES)
        values = np.full((side, side), reflectance)
        values[side // 2 :] *= 0.2 if RESOLUTION[name] == 20 else 0.6
        noise = random.normal(0, 3, values.shape)
        bands[name] = np.clip(np.rint(values * 10000 + noise) + added, 1, 65535).astype(np.uint16)
    return bands


def warnings_of(scene: Path) -> list[str]:
    work = prepared(scene)
    told: list[str] = json.loads(work.preparation.read_text("utf-8"))["warnings"]
    assert tuple(told) == work.preparation_warnings
    assert all(one.isprintable() for one in told)
    return told


def with_edge(bands: dict[str, Pixels], metres: int, value: int) -> dict[str, Pixels]:
    """The same with a number along the left edge of every band."""
    for name, pixels in bands.items():
        pixels[:, : metres // RESOLUTION[name]] = value
    return bands


class TestProducts:
    @pytest.mark.parametrize(("offset", "added"), [(-1000, 1000), (0, 0)])
    @pytest.mark.parametrize("radiometry", ["reflectance", "digital_number"])
    def test_whose_values_are_right(self, tmp_path: Path, offset: int, added: int, radiometry: str) -> None:
        """With water, no data in the corner, and DN just above it at random pixels, as compression leaves them."""
        bands = digital_numbers(added)
        bands["B02"][:20, :20] = bands["B12"][:10, :10] = bands["B10"][:3, :3] = 0
        bands["B12"].flat[::997] = 5
        product = write_product(tmp_path, bands, offset=offset, metres=METRES)
        assert warnings_of(write_scene(tmp_path, product, margin=120, radiometry=radiometry)) == []

    @pytest.mark.parametrize("radiometry", ["reflectance", "digital_number"])
    def test_whose_offset_was_taken_off_already(self, tmp_path: Path, radiometry: str) -> None:
        product = write_product(tmp_path, digital_numbers(0), offset=-1000, metres=METRES)
        (told,) = warnings_of(write_scene(tmp_path, product, margin=0, radiometry=radiometry))
        # All of B09 and of B10 is below 0.08.
        assert told.startswith(f"{product}: band B09 has a reflectance below -0.02 in 100 % of the pixels, ")
        assert "the offset of -1000 that the metadata state was probably subtracted already" in told

    def test_of_the_clear_date(self, tmp_path: Path) -> None:
        cloudy = write_product(tmp_path, digital_numbers(0), offset=0, metres=METRES)
        clear = write_product(tmp_path, digital_numbers(0, 2), offset=-1000, metres=METRES, sensed=CLEAR)
        (told,) = warnings_of(write_scene(tmp_path, cloudy, clear, margin=0))
        assert told.startswith(f"{clear}: band B")

    def test_whose_share_is_counted(self, tmp_path: Path) -> None:
        """Only the water's infrared, a half of the pixels, can be too low."""
        features = ["B02", "B11"]
        product = write_product(tmp_path, digital_numbers(0), offset=-1000, metres=METRES)
        view = {"layers": [{"name": "red", "expr": "B04"}]}
        (told,) = warnings_of(write_scene(tmp_path, product, margin=0, features=features, view=view))
        # B02 is 0.12 - 0.1 over land and 0.072 - 0.1 over water; B11 is 0.18 - 0.1, and 0.036 - 0.1.
        found = re.search(r"band (B\d\d) has a reflectance below -0.02 in (\d+) %", told)
        assert found is not None
        assert 49 <= int(found[2]) <= 51

    def test_whose_offset_the_metadata_do_not_name(self, tmp_path: Path) -> None:
        product = write_product(tmp_path, digital_numbers(1000), offset=0, metres=METRES)
        (told,) = warnings_of(write_scene(tmp_path, product, margin=0))
        assert told.startswith(f"{product}: band B10 has a reflectance above 0.08 in 100 % of the pixels")
        assert "the pixels probably contain an offset of 1000 that the metadata do not state" in told

    def test_with_dn_1_for_no_data(self, tmp_path: Path) -> None:
        bands = with_edge(digital_numbers(1000), 120, 1)
        product = write_product(tmp_path, bands, offset=-1000, metres=METRES)
        (told,) = warnings_of(write_scene(tmp_path, product, margin=0))
        # Two columns of 40 pixels of 60 m, of 40 x 40.
        assert told.startswith(f"{product}: all bands have a reflectance below -0.02 in 80 pixels (5 %), ")
        assert "DN 1 probably stands for no data there; set a larger margin, or write DN 0 there" in told

    def test_with_dn_0_there_none(self, tmp_path: Path) -> None:
        product = write_product(tmp_path, with_edge(digital_numbers(1000), 120, 0), offset=-1000, metres=METRES)
        assert warnings_of(write_scene(tmp_path, product, margin=120)) == []

    def test_of_which_the_margin_takes_most(self, tmp_path: Path) -> None:
        product = write_product(tmp_path, with_edge(digital_numbers(0), 240, 0), offset=0, metres=METRES)
        (told,) = warnings_of(write_scene(tmp_path, product, margin=1500))
        # Of 36 columns with data, 11 are farther than 25 pixels from the edge.
        assert told == (
            "the margin of 1500 m along the edge of the data leaves 31 % of the pixels with data; "
            "set a smaller 'margin'"
        )
        (told,) = warnings_of(write_scene(tmp_path, product, margin=3000))
        assert told == (
            "no pixel is valid: the margin of 3000 m along the edge of the data leaves nothing of the scene; "
            "set a smaller 'margin'"
        )


CLASSES = {1: "low", 2: "high"}
TEMPLATE: dict[str, Any] = {
    "classes": [{"name": name, "code": code, "colour": "#008ed0"} for code, name in CLASSES.items()],
    "bands": ["VV", "VH"],
    "margin": 0,
    "features": ["VV", {"name": "ratio", "expr": "VH - VV"}],
    "view": {"layers": [{"name": "red", "expr": "VV"}]},
    "samples": {"growth": 0},
    "classifier": {"classifier": "rf", "classifier.rf.nbtrees": 5, "classifier.rf.acc": 0},
}


def stack_scene(folder: Path, bands: dict[str, Pixels], **keys: Any) -> Path:
    (folder / "template.json").write_text(json.dumps(TEMPLATE), "utf-8")
    stack = write_stack(folder / "s1.tif", bands, **keys)
    file = folder / "scene.json"
    content = {"stack": str(stack), "workspace": "work", "template": "template.json", "samples": "points.geojson"}
    file.write_text(json.dumps(content), "utf-8")
    return file


def backscatter(kind: Any = np.float32) -> dict[str, Pixels]:
    random = np.random.default_rng(3)
    scale = 1 if kind is np.float32 else 100
    return {name: (scale * random.normal(-12, 3, (120, 120))).astype(kind) for name in ("VV", "VH")}


class TestStacks:
    @pytest.mark.parametrize("kind", [np.float32, np.int16])
    def test_whose_values_are_right(self, tmp_path: Path, kind: Any) -> None:
        bands = backscatter(kind)
        # A few outliers, and what is declared.
        bands["VV"][5, 5], bands["VV"][6, 6] = 3000, -9999
        bands["VH"][:, :20] = -9999
        assert warnings_of(stack_scene(tmp_path, bands, no_data=-9999)) == []

    @pytest.mark.parametrize(
        ("kind", "value"),
        [(np.float32, -9999), (np.int16, -9999), (np.int16, -32768), (np.int16, 32767), (np.float32, 1e20),
         (np.float32, -3.4028234663852886e38)],
    )  # fmt: skip
    def test_with_a_number_for_no_data_that_is_not_declared(self, tmp_path: Path, kind: Any, value: float) -> None:
        bands = backscatter(kind)
        bands["VV"][:, :30] = value
        (told,) = warnings_of(stack_scene(tmp_path, bands))
        found = re.fullmatch(
            rf"{re.escape(str(tmp_path))}/s1.tif: band 'VV' is (\S+) in (\d+) % of the pixels, and .* in all others: "
            r"\1 probably means no data; declare it, such as: gdal_edit.py -a_nodata \1 s1.tif",
            told,
        )
        assert found is not None, told
        assert float(found[1]) == pytest.approx(float(kind(value)), rel=1e-14)
        assert 20 <= int(found[2]) <= 30

    def test_bands_alike_are_told_once_and_the_remedy_helps(self, tmp_path: Path) -> None:
        bands = backscatter()
        for pixels in bands.values():
            pixels[100:] = -9999
        (told,) = warnings_of(stack_scene(tmp_path, bands))
        assert "band 'VH' is -9999 in" in told
        assert "in all others, and so are VV in part: -9999 probably" in told
        assert warnings_of(stack_scene(tmp_path, bands, no_data=-9999)) == []

    def test_run_status_and_report_tell_it_again(self, tmp_path: Path) -> None:
        bands, codes = backscatter(), np.ones((120, 120), np.uint8)
        codes[:, 60:] = 2
        for pixels in bands.values():
            pixels[:, 60:] += 20
            pixels[110:] = -9999
        scene = stack_scene(tmp_path, bands)
        write_points(tmp_path / "points.geojson", codes[:100], CLASSES, 10, 10, 2)
        told = "-9999 probably means no data"
        first, second = alcd("run", scene), alcd("run", scene)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr
        assert (first.stderr.count(told), second.stderr.count(told)) == (1, 1)
        assert told in alcd("status", scene).stdout
        assert told in json.loads(alcd("status", scene, "--json").stdout)["warnings"][0]
        iteration = tmp_path / "work" / "iterations" / "002"
        assert told in json.loads((iteration / "metrics.json").read_text("utf-8"))["warnings"][0]
        assert told in (iteration / "report.html").read_text("utf-8")
