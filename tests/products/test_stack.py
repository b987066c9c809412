"""Georeferenced stacks as inputs: their bands, values and grids, computed by hand for small files."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from preparing import Pixels, layers, prepared
from sentinel2_files import one_line_error, write_compact
from stacks import LEFT, TOP, write_stack

from alcd_otb.errors import ConfigurationError
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import pixel_counts
from alcd_otb.products.stack import read_stack
from alcd_otb.settings.scene_file import load_scene

# features.tif keeps 17 significant bits.
STORED = 2**-17

TEMPLATE: dict[str, Any] = {
    "classes": [
        {"name": "water", "code": 1, "colour": "#008ed0", "invalid": False},
        {"name": "land", "code": 2, "colour": "#009738", "invalid": False},
    ],
    "bands": ["VV", "VH"],
    "margin": 0,
    "features": ["VV", "VH", {"name": "ratio", "expr": "VH - VV"}],
    "view": {"layers": [{"name": "red", "expr": "VV", "step": 0.01, "minimum": -25, "maximum": 0}]},
    "classifier": {"classifier": "rf"},
}


def scene_of(folder: Path, stack: Path, template: dict[str, Any], **keys: Any) -> Path:
    """scene.json for a stack, with a template and a workspace ``work`` beside it."""
    (folder / "template.json").write_text(json.dumps(TEMPLATE | template), "utf-8")
    content = {"stack": str(stack), "workspace": "work", "template": "template.json", **keys}
    file = folder / "scene.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


def inputs_of(folder: Path, stack: Path, template: dict[str, Any] | None = None, **keys: Any) -> Inputs:
    return Inputs.read(load_scene(scene_of(folder, stack, template or {}, **keys)))


def backscatter(seed: int, side: int = 12) -> Pixels:
    return np.random.default_rng(seed).normal(-12, 3, (side, side)).astype(np.float32)


def means(values: Pixels, ratio: int) -> Pixels:
    """Of the pixels that have data; NaN where none has."""
    side = values.shape[0] // ratio
    blocks = values.astype(np.float64).reshape(side, ratio, side, ratio).swapaxes(1, 2).reshape(side, side, -1)
    there = np.isfinite(blocks)
    count = there.sum(-1)
    total = np.where(there, blocks, 0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class TestValues:
    def test_at_the_stack_s_own_resolution_unless_the_template_says(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"VV": backscatter(1), "VH": backscatter(2)}, resolution=15)
        work = prepared(scene_of(tmp_path, stack, {}))
        made = layers(work.features)
        assert list(made) == ["VV", "VH", "ratio"]
        np.testing.assert_allclose(made["VV"], backscatter(1), rtol=STORED)
        np.testing.assert_allclose(made["ratio"], backscatter(2) - backscatter(1), atol=2e-4)
        for raster in (work.features, work.view, work.valid):
            assert gdal.Open(str(raster)).GetGeoTransform() == (LEFT, 15, 0, TOP, 0, -15)
        assert pixel_counts(work).valid == 144

    def test_averages_of_what_has_data(self, tmp_path: Path) -> None:
        """A no-data value, NaN and the logarithm of 0, in one band or the other; overviews are not looked at."""
        bands = {"VV": backscatter(1, 240), "VH": backscatter(2, 240)}
        bands["VV"][:4, :4] = -999
        bands["VV"][7, 7] = np.nan
        bands["VV"][8:12, :4] = -np.inf
        bands["VH"][1, 9] = -np.inf
        bands["VH"][4:8, 4:8] = np.nan
        stack = write_stack(tmp_path / "s1.tif", bands, no_data=-999, options=("TILED=YES",))
        dataset = gdal.Open(str(stack), gdal.GA_Update)
        dataset.BuildOverviews("NEAREST", [2, 4])
        del dataset
        work = prepared(scene_of(tmp_path, stack, {"resolution": 40}))
        made = layers(work.features)
        bands["VV"][:4, :4] = np.nan
        for name in ("VV", "VH"):
            np.testing.assert_allclose(made[name], means(bands[name], 4), rtol=2 * STORED)
        empty = {(0, 0), (2, 0), (1, 1)}
        assert set(zip(*np.nonzero(np.isnan(made["ratio"])), strict=True)) == empty
        assert set(zip(*np.nonzero(layers(work.valid)["valid"] == 0), strict=True)) == empty

    def test_an_infinite_value_is_none(self, tmp_path: Path) -> None:
        vv = backscatter(1)
        vv[2:5, 2:5] = np.inf
        stack = write_stack(tmp_path / "s1.tif", {"VV": vv, "VH": backscatter(2)})
        work = prepared(scene_of(tmp_path, stack, {"features": [{"name": "ratio", "expr": "VH - VV"}]}))
        expected = np.zeros((12, 12), bool)
        expected[2:5, 2:5] = True
        np.testing.assert_array_equal(np.isnan(layers(work.features)["ratio"]), expected)
        np.testing.assert_array_equal(layers(work.valid)["valid"] == 0, expected)

    @pytest.mark.parametrize(
        ("kind", "no_data", "scale", "offset"),
        [
            (np.int16, -10000, 0.0001, None),
            (np.uint16, 0, 0.0000275, -0.2),
            (np.uint8, 255, 0.5, 10),
            (np.uint8, None, None, None),
            (np.float64, -1e300, None, None),
        ],
        ids=["Theia", "Landsat", "bytes", "plain", "double"],
    )
    def test_scales_offsets_and_types(
        self, tmp_path: Path, kind: type, no_data: float | None, scale: float | None, offset: float | None
    ) -> None:
        random = np.random.default_rng(1)
        stored = random.integers(1, 250, (12, 12)) * (1.0 if kind is np.uint8 else 40.0)
        if no_data is not None:
            stored[0:2, 0:2] = no_data
            stored[5, 5] = no_data
        bands = {"VV": stored.astype(kind), "VH": random.integers(1, 250, (12, 12)).astype(kind)}
        stack = write_stack(tmp_path / "s.tif", bands, resolution=30, no_data=no_data, scale=scale, offset=offset)
        values = stored * (scale or 1) + (offset or 0)
        values = np.where(stored == no_data, np.nan, values) if no_data is not None else values
        made = layers(prepared(scene_of(tmp_path, stack, {"resolution": 60})).features)["VV"]
        np.testing.assert_allclose(made, means(values, 2), rtol=2 * STORED, atol=1e-7)

    def test_digital_numbers_are_as_stored(self, tmp_path: Path) -> None:
        stored = np.arange(144, dtype=np.int16).reshape(12, 12)
        stack = write_stack(tmp_path / "s.tif", {"VV": stored, "VH": stored}, scale=0.1, offset=5, no_data=7)
        made = layers(prepared(scene_of(tmp_path, stack, {"radiometry": "digital_number"})).features)["VV"]
        np.testing.assert_array_equal(made, np.where(stored == 7, np.nan, stored))

    def test_masks_and_alpha_bands(self, tmp_path: Path) -> None:
        stored = np.random.default_rng(1).integers(0, 255, (12, 12)).astype(np.uint8)
        mask = np.full((12, 12), 255, np.uint8)
        mask[4:6, 2:4] = 0
        masked = write_stack(tmp_path / "masked.tif", {"VV": stored, "VH": stored}, mask=mask)
        bands = {"VV": stored, "VH": stored, "coverage": mask}
        see_through = write_stack(tmp_path / "alpha.tif", bands, options=("PHOTOMETRIC=MINISBLACK", "ALPHA=YES"))
        dataset = gdal.Open(str(see_through), gdal.GA_Update)
        dataset.GetRasterBand(2).SetColorInterpretation(gdal.GCI_Undefined)
        dataset.GetRasterBand(3).SetColorInterpretation(gdal.GCI_AlphaBand)
        del dataset
        assert [band.name for band in read_stack(see_through).bands] == ["VV", "VH"]
        for stack in (masked, see_through):
            made = layers(prepared(scene_of(tmp_path, stack, {"resolution": 20})).features)["VV"]
            np.testing.assert_allclose(made, means(np.where(mask, stored, np.nan), 2), rtol=STORED)

    def test_names_given_in_the_order_of_the_bands(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"": backscatter(1), "Gamma0 VV (dB)": backscatter(2)})
        made = layers(prepared(scene_of(tmp_path, stack, {}, bands=["VH", "VV"])).features)
        np.testing.assert_allclose(made["VH"], backscatter(1), rtol=STORED)
        np.testing.assert_allclose(made["VV"], backscatter(2), rtol=STORED)

    def test_a_clear_stack_beside_it(self, tmp_path: Path) -> None:
        before = write_stack(tmp_path / "before.tif", {"VV": backscatter(1), "VH": backscatter(2)})
        now = {"VH": backscatter(3), "VV": backscatter(4)}
        now["VH"][3:6, 3:6] = np.nan
        features = [{"name": "VH_change", "expr": "VH - clear.VH"}, {"name": "VV_change", "expr": "VV - clear.VV"}]
        stack = write_stack(tmp_path / "now.tif", now)
        work = prepared(scene_of(tmp_path, stack, {"features": features}, clear=str(before)))
        made = layers(work.features)
        np.testing.assert_allclose(made["VV_change"], now["VV"] - backscatter(1), atol=2e-4)
        assert np.isnan(made["VH_change"][3:6, 3:6]).all()
        np.testing.assert_array_equal(layers(work.valid)["valid"], np.isfinite(now["VH"]))


class TestView:
    def test_pixels_that_are_square_but_for_rounding(self, tmp_path: Path) -> None:
        """Of either date. All values are as with square pixels, and none is moved or mixed."""
        values = {name: backscatter(number) for number, name in enumerate(("VV", "VH"), start=1)}
        values["VV"][3, 4] = np.nan
        stacks = [write_stack(tmp_path / f"{name}.tif", values, resolution=60) for name in ("cloudy", "clear")]
        for stack, sides in zip(stacks, ((60, -60.0000001), (60.0000003, -59.9999998)), strict=True):
            dataset = gdal.Open(str(stack), gdal.GA_Update)
            dataset.SetGeoTransform((LEFT + 1e-7 * sides[1], sides[0], 0, TOP, 0, sides[1]))
            dataset = None
        template = {"resolution": 60, "features": ["VV", "clear.VV", {"name": "change", "expr": "VH - clear.VH"}]}
        work = prepared(scene_of(tmp_path, stacks[0], template, clear=str(stacks[1])))
        made = layers(work.features)
        np.testing.assert_allclose(made["VV"], values["VV"], rtol=STORED)
        np.testing.assert_array_equal(made["clear.VV"], made["VV"])
        assert (made["change"] == 0).all()
        assert gdal.Open(str(work.valid)).GetGeoTransform()[1:] == (60, 0, TOP, 0, -60)

    def test_no_data_is_no_data_in_every_kind_of_feature(self, tmp_path: Path) -> None:
        values = {name: backscatter(number) for number, name in enumerate(("VV", "VH"), start=1)}
        values["VV"][3, 4] = values["VV"][7:9, 2:5] = np.nan
        formulas = ["VV > -12", "min(0, VV)", "max(VH, VV)", "1 if VV < -12 else 0", "VV ** 0", "abs(VV) != VH"]
        features = [{"name": f"f{number}", "expr": text} for number, text in enumerate(formulas)]
        work = prepared(scene_of(tmp_path, write_stack(tmp_path / "s1.tif", values), {"features": features}))
        made, empty = layers(work.features), np.isnan(values["VV"])
        vv, vh = values["VV"][~empty], values["VH"][~empty]
        expected = [vv > -12, np.minimum(0, vv), np.maximum(vh, vv), vv < -12, vv**0, np.abs(vv) != vh]
        for name, right in zip(made, expected, strict=True):
            np.testing.assert_array_equal(np.isnan(made[name]), empty, err_msg=name)
            np.testing.assert_allclose(made[name][~empty], right, rtol=STORED, err_msg=name)
        np.testing.assert_array_equal(gdal.Open(str(work.valid)).ReadAsArray(), ~empty)

    def test_steps_of_any_sign_and_no_data_apart(self, tmp_path: Path) -> None:
        vv = backscatter(1)
        vv[0, :4] = [-12.344, -12.346, 0, np.nan]
        vv[1, :2] = [-400, 400]
        stack = write_stack(tmp_path / "s1.tif", {"VV": vv, "VH": np.zeros((12, 12), np.float32)})
        view = [
            {"name": "red", "expr": "VV", "step": 0.01, "minimum": -25, "maximum": 0},
            {"name": "difference", "expr": "VH - VV", "step": 0.1},
        ]
        work = prepared(scene_of(tmp_path, stack, {"view": {"layers": view}}))
        made = layers(work.view)
        assert made["red"][0, :4].tolist() == [-1234, -1235, 0, -32768]
        # What 16 bits do not hold is kept to them, and off the number of no data.
        assert made["red"][1, :2].tolist() == [-32767, 32767]
        assert made["difference"][0, :4].tolist() == [123, 123, 0, -32768]
        dataset = gdal.Open(str(work.view))
        band = dataset.GetRasterBand(1)
        assert (band.GetNoDataValue(), band.GetScale()) == (-32768, 0.01)

    def test_its_own_resolution(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"VV": backscatter(1), "VH": backscatter(2)})
        view = {"resolution": 30, "layers": TEMPLATE["view"]["layers"]}
        work = prepared(scene_of(tmp_path, stack, {"resolution": 20, "view": view}))
        assert gdal.Open(str(work.features)).RasterXSize == 6
        shown = layers(work.view)["red"]
        assert np.abs(shown - means(backscatter(1), 3) * 100).max() <= 0.51


class TestFingerprint:
    def test_follows_the_file_and_its_description(self, tmp_path: Path) -> None:
        bands = {"VV": backscatter(1), "VH": backscatter(2)}
        stack = write_stack(tmp_path / "s1.tif", bands)
        first = inputs_of(tmp_path, stack).fingerprint()
        assert inputs_of(tmp_path, stack).fingerprint() == first
        # What a viewer leaves beside the file.
        dataset = gdal.Open(str(stack))
        dataset.GetRasterBand(1).ComputeStatistics(False)
        del dataset
        assert inputs_of(tmp_path, stack).fingerprint() == first
        assert inputs_of(tmp_path, stack, bands=["VH", "VV"]).fingerprint() != first
        dataset = gdal.Open(str(stack), gdal.GA_Update)
        dataset.GetRasterBand(1).SetScale(2)
        del dataset
        assert inputs_of(tmp_path, stack).fingerprint() != first

    def test_follows_what_a_virtual_raster_is_made_from(self, tmp_path: Path) -> None:
        files = [write_stack(tmp_path / f"{name}.tif", {"": backscatter(1)}) for name in ("vv", "vh")]
        options = gdal.BuildVRTOptions(separate=True)
        gdal.BuildVRT(str(tmp_path / "inner.vrt"), list(map(str, files)), options=options).FlushCache()
        outer = tmp_path / "outer.vrt"
        gdal.Translate(str(outer), str(tmp_path / "inner.vrt"), format="VRT", noData=-999).FlushCache()
        first = inputs_of(tmp_path, outer, bands=["VV", "VH"]).fingerprint()
        assert inputs_of(tmp_path, outer, bands=["VV", "VH"]).fingerprint() == first
        files[1].touch()
        assert inputs_of(tmp_path, outer, bands=["VV", "VH"]).fingerprint() != first

    def test_follows_the_clear_stack(self, tmp_path: Path) -> None:
        bands = {"VV": backscatter(1), "VH": backscatter(2)}
        stacks = [write_stack(tmp_path / f"{name}.tif", bands) for name in ("one", "two", "three")]
        alone, *others = (
            inputs_of(tmp_path, stacks[0], **keys).fingerprint()
            for keys in ({}, {"clear": str(stacks[1])}, {"clear": list(map(str, stacks[1:]))})
        )
        assert len({alone, *others}) == 3


class TestRefused:
    @pytest.fixture
    def stack(self, tmp_path: Path) -> Path:
        return write_stack(tmp_path / "s1.tif", {"VV": backscatter(1), "": backscatter(2)})

    def test_a_band_that_the_file_lacks(self, tmp_path: Path, stack: Path) -> None:
        assert one_line_error(lambda: inputs_of(tmp_path, stack)) == (
            f"{stack}: has no band 'VH' (present: VV, one without a name); name its bands in their order by \"bands\""
        )

    def test_a_band_that_the_clear_file_lacks(self, tmp_path: Path) -> None:
        bands = {"VV": backscatter(1), "VH": backscatter(2)}
        stack, clear = write_stack(tmp_path / "a.tif", bands), write_stack(tmp_path / "b.tif", {"VV": backscatter(1)})
        template = {"features": [{"name": "change", "expr": "VH - clear.VH"}]}
        assert one_line_error(lambda: inputs_of(tmp_path, stack, template, clear=str(clear))) == (
            f"{clear}: has no band 'VH' (present: VV); name its bands in their order by \"bands\""
        )

    def test_a_band_that_is_not_used_may_lack(self, tmp_path: Path, stack: Path) -> None:
        assert inputs_of(tmp_path, stack, {"features": ["VV"]}).feature_names == ("VV",)

    def test_too_few_names(self, tmp_path: Path, stack: Path) -> None:
        with pytest.raises(ConfigurationError, match=re.escape('has 2 bands, and "bands" gives 1 names')):
            inputs_of(tmp_path, stack, bands=["VV"])

    def test_two_bands_of_one_name(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"VV": backscatter(1), "VH": backscatter(2)})
        dataset = gdal.Open(str(stack), gdal.GA_Update)
        dataset.GetRasterBand(2).SetDescription("VV")
        del dataset
        assert "has two bands named 'VV'" in one_line_error(lambda: inputs_of(tmp_path, stack))

    @pytest.mark.parametrize(
        ("crs", "corner", "resolution", "expected"),
        [
            (
                "EPSG:4326",
                (4.5, 44.0),
                0.0001,
                "in degrees, and metres are needed; warp it, such as: gdalwarp -t_srs EPSG:32631 -tr ",
            ),
            ("EPSG:4326", (-70.0, -33.0), 0.0001, "gdalwarp -t_srs EPSG:32719 "),
            ("EPSG:2263", (980000, 200000), 30, "in US survey foot, and metres are needed"),
        ],
        ids=["north", "south", "feet"],
    )
    def test_coordinates_that_are_no_metres(
        self, tmp_path: Path, crs: str, corner: tuple[float, float], resolution: float, expected: str
    ) -> None:
        bands = {"VV": backscatter(1), "VH": backscatter(2)}
        stack = write_stack(tmp_path / "s1.tif", bands, crs=crs, corner=corner, resolution=resolution)
        assert expected in one_line_error(lambda: inputs_of(tmp_path, stack))

    def test_the_remedy_for_degrees_helps(self, tmp_path: Path) -> None:
        bands = {"VV": backscatter(1, 100), "VH": backscatter(2, 100)}
        stack = write_stack(tmp_path / "s1.tif", bands, crs="EPSG:4326", corner=(4.5, 44.0), resolution=0.0001)
        message = one_line_error(lambda: inputs_of(tmp_path, stack))
        command = message.split("gdalwarp ")[1].split()
        target = str(tmp_path / command.pop())
        command.pop()
        gdal.Warp(target, str(stack), options=gdal.WarpOptions(options=command))
        assert inputs_of(tmp_path, Path(target), bands=["VV", "VH"]).grid.resolution == 10

    def test_no_crs(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"VV": backscatter(1)}, crs="")
        assert one_line_error(lambda: read_stack(stack)) == f"{stack}: has no coordinate reference system"

    def test_a_crs_that_is_no_map_s(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "s1.tif", {"VV": backscatter(1)}, crs='LOCAL_CS["grid", UNIT["metre", 1]]')
        message = one_line_error(lambda: read_stack(stack))
        assert message.startswith(f"{stack}: its coordinate reference system is not that of a map (LOCAL_CS")

    def test_complex_values(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "slc.tif", {"VV": np.ones((12, 12), np.complex64)})
        assert "band 1 is of type CFloat32" in one_line_error(lambda: read_stack(stack))

    def test_no_file(self, tmp_path: Path) -> None:
        assert one_line_error(lambda: read_stack(tmp_path / "none.tif")).startswith(f"{tmp_path}/none.tif: cannot be")

    @pytest.mark.parametrize(("resolution", "remedy"), [(20, 30), (45, 60), (100, 90)])
    def test_a_resolution_that_is_no_multiple(self, tmp_path: Path, resolution: float, remedy: float) -> None:
        stack = write_stack(tmp_path / "l8.tif", {"VV": backscatter(1), "VH": backscatter(2)}, resolution=30)
        with pytest.raises(ConfigurationError) as caught:
            inputs_of(tmp_path, stack, {"resolution": resolution})
        assert str(caught.value) == (
            f"{stack}: resolution {resolution} m is not a multiple of its pixels of 30 m; set {remedy}"
        )

    def test_a_template_for_finer_pixels_tells_its_key(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "l8.tif", {"VV": backscatter(1), "VH": backscatter(2)}, resolution=30)
        view = {"resolution": 20, "layers": TEMPLATE["view"]["layers"]}
        with pytest.raises(
            ConfigurationError, match=r": view\.resolution 20 m is not a multiple of its pixels of 30 m"
        ):
            inputs_of(tmp_path, stack, {"view": view})

    def test_a_clear_stack_on_another_grid(self, tmp_path: Path) -> None:
        bands = {"VV": backscatter(1), "VH": backscatter(2)}
        stack = write_stack(tmp_path / "a.tif", bands)
        clear = write_stack(tmp_path / "b.tif", bands, corner=(LEFT + 5, TOP))
        message = one_line_error(lambda: inputs_of(tmp_path, stack, clear=str(clear)))
        assert message.startswith(f"{clear}: its grid is 12 x 12 px from (500005, 4800000) of 10 m in EPSG:32631, ")

    def test_the_same_file_twice(self, tmp_path: Path) -> None:
        stack = write_stack(tmp_path / "a.tif", {"VV": backscatter(1), "VH": backscatter(2)})
        assert "is given twice" in one_line_error(lambda: inputs_of(tmp_path, stack, clear=str(stack)))

    def test_a_product_for_a_template_of_other_bands(self, tmp_path: Path) -> None:
        safe = write_compact(tmp_path, bands=["B02"])
        scene = scene_of(tmp_path, tmp_path / "x", {})
        content = json.loads(scene.read_text())
        del content["stack"]
        scene.write_text(json.dumps({**content, "cloudy": str(safe)}))
        with pytest.raises(ConfigurationError) as caught:
            Inputs.read(load_scene(scene))
        assert str(caught.value) == (
            f"{safe}: Sentinel-2 has no band 'VH', which the template uses; "
            'give a "stack" in place of "cloudy", or another template'
        )
