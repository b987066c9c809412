"""Applications as Python objects: parameters, chains in memory, outputs, failures."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from osgeo import gdal

from otb_pipelines.app import Application, Target
from otb_pipelines.errors import OtbError, OtbMissingError
from otb_pipelines.masks import build_formula, build_morphology
from otb_pipelines.process import available_applications
from otb_pipelines.settings import Settings, default_settings, machine_memory, machine_threads
from otb_pipelines.train import build_statistics, needs_scaling

SETTINGS = Settings(ram=64, threads=1)


def write(path: Path, pixels: npt.NDArray[Any]) -> Path:
    pixels = np.asarray(pixels, np.float32)
    bands = pixels[None] if pixels.ndim == 2 else pixels
    driver = gdal.GetDriverByName("GTiff")
    dataset = driver.Create(str(path), bands.shape[2], bands.shape[1], bands.shape[0], gdal.GDT_Float32)
    dataset.WriteArray(bands)
    del dataset
    return path


def read(path: Path) -> Any:
    dataset = gdal.Open(str(path))
    return dataset.ReadAsArray()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write(tmp_path / "image.tif", np.arange(20).reshape(4, 5))


class TestChains:
    def test_pixels_flow_through_memory(self, image: Path, tmp_path: Path) -> None:
        twice = build_formula([image], "im1b1*2", SETTINGS)
        both = build_formula([twice["out"], image], "im1b1+im2b1", SETTINGS)
        both.write({"out": Target(tmp_path / "out.tif")})
        np.testing.assert_array_equal(read(tmp_path / "out.tif"), 3 * np.arange(20).reshape(4, 5))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tif", "out.tif"]

    def test_an_application_whose_output_is_used_lives_on(self, image: Path, tmp_path: Path) -> None:
        output = build_formula([image], "im1b1+1", SETTINGS)["out"]
        for _ in range(5):
            output = build_formula([output], "im1b1+1", SETTINGS)["out"]
        build_formula([output], "im1b1", SETTINGS).write({"out": Target(tmp_path / "out.tif")})
        assert read(tmp_path / "out.tif")[0, 0] == 6

    def test_images_in_memory_and_files_keep_their_order_in_a_list(self, image: Path, tmp_path: Path) -> None:
        other = build_formula([image], "im1b1*10", SETTINGS)
        mixed: list[Any] = [image, other["out"], str(image)]
        Application("ConcatenateImages", {"il": mixed}, SETTINGS).write({"out": Target(tmp_path / "out.tif")})
        assert read(tmp_path / "out.tif")[:, 0, 3].tolist() == [3, 30, 3]

    def test_values_come_back(self, image: Path) -> None:
        information = Application("ReadImageInfo", {"in": image}, SETTINGS)
        assert (information.value("sizex"), information.value("sizey")) == (5, 4)


class TestTargets:
    @pytest.mark.parametrize(
        ("pixel_type", "gdal_type"),
        [("uint8", "Byte"), ("int16", "Int16"), ("uint16", "UInt16"), ("int32", "Int32"), ("uint32", "UInt32"),
         ("float", "Float32"), ("double", "Float64")],
    )  # fmt: skip
    def test_pixel_types(self, image: Path, tmp_path: Path, pixel_type: str, gdal_type: str) -> None:
        build_formula([image], "im1b1", SETTINGS).write({"out": Target(tmp_path / "out.tif", pixel_type)})
        dataset = gdal.Open(str(tmp_path / "out.tif"))
        assert gdal.GetDataTypeName(dataset.GetRasterBand(1).DataType) == gdal_type

    def test_options_and_no_data(self, image: Path, tmp_path: Path) -> None:
        target = Target(tmp_path / "a b é.tif", "uint8", {"COMPRESS": "DEFLATE", "TILED": "YES"}, nodata=0)
        build_formula([image], "im1b1", SETTINGS).write({"out": target})
        dataset = gdal.Open(str(tmp_path / "a b é.tif"))
        assert dataset.GetMetadata("IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert dataset.GetRasterBand(1).GetNoDataValue() == 0
        assert dataset.GetRasterBand(1).GetBlockSize() == [256, 256]

    def test_an_extended_name(self) -> None:
        assert Target(Path("a.tif")).extended_name == "a.tif"
        assert Target(Path("a.tif"), "uint8", {"TILED": "YES"}, 0).extended_name == "a.tif?&gdal:co:TILED=YES&nodata=0"

    def test_a_question_mark_in_a_path_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(OtbError, match="question mark"):
            build_formula([tmp_path / "what?.tif"], "im1b1", SETTINGS)


class TestFailures:
    def test_name_the_application_its_parameters_and_otb_s_words_in_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(OtbError) as caught:
            build_formula([tmp_path / "none.tif"], "im1b1", SETTINGS).write({"out": Target(tmp_path / "out.tif")})
        message = str(caught.value)
        assert message.startswith("OTB application FormulaEvaluation failed: ")
        assert f"{tmp_path}/none.tif" in message
        assert message.endswith(f"[FormulaEvaluation -il {tmp_path}/none.tif -exp im1b1]")
        assert "\n" not in message

    def test_repeats_are_counted(self, image: Path) -> None:
        source = build_formula([image], "im1b1", SETTINGS)["out"]
        with pytest.raises(
            OtbError, match=r"\[FormulaEvaluation -il 2 x <FormulaEvaluation.out> .*image.tif -exp bad\(\]"
        ):
            build_formula([source, source, image], "bad(", SETTINGS).write({"out": Target(image.with_name("o.tif"))})

    def test_an_unknown_application(self) -> None:
        with pytest.raises(OtbMissingError, match="OTB application NoSuch is missing"):
            Application("NoSuch", {}, SETTINGS)

    def test_an_unknown_parameter(self) -> None:
        with pytest.raises(OtbError, match="OTB application BandMath has no parameter 'expr'"):
            Application("BandMath", {"expr": "im1b1"}, SETTINGS)

    def test_after_one_the_next_works(self, image: Path, tmp_path: Path) -> None:
        with pytest.raises(OtbError):
            build_formula([tmp_path / "none.tif"], "im1b1", SETTINGS).execute()
        build_formula([image], "im1b1", SETTINGS).write({"out": Target(tmp_path / "out.tif")})
        assert read(tmp_path / "out.tif")[3, 4] == 19


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    large = write(tmp_path / "large.tif", np.zeros((600, 600)))
    settings = Settings(ram=1, threads=1, progress=lambda step, share: told.append((step, share)))
    build_formula([large], "im1b1+1", settings).write({"out": Target(tmp_path / "out.tif")})
    shares = [share for _, share in told]
    assert shares
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


class TestMorphology:
    def test_a_dilation_by_hand(self, tmp_path: Path) -> None:
        mask = np.zeros((9, 9))
        mask[4, 4] = 1
        path = write(tmp_path / "mask.tif", mask)
        build_morphology(path, "dilate", 2, SETTINGS).write({"out": Target(tmp_path / "out.tif", "uint8")})
        rows, columns = np.mgrid[-4:5, -4:5]
        np.testing.assert_array_equal(read(tmp_path / "out.tif"), rows**2 + columns**2 <= 2.5**2)

    def test_an_opening_removes_specks(self, tmp_path: Path) -> None:
        mask = np.zeros((9, 9))
        mask[1, 1] = 1
        mask[4:8, 4:8] = 1
        path = write(tmp_path / "mask.tif", mask)
        build_morphology(path, "opening", 1, SETTINGS).write({"out": Target(tmp_path / "out.tif", "uint8")})
        expected = mask.copy()
        expected[1, 1] = 0
        np.testing.assert_array_equal(read(tmp_path / "out.tif"), expected)


def test_statistics_by_hand(tmp_path: Path) -> None:
    bands = np.random.default_rng(6).normal(3, 2, (2, 30, 40)).astype(np.float32)
    bands[:, 0, :5] = np.nan
    build_statistics(write(tmp_path / "image.tif", bands), tmp_path / "statistics.xml", SETTINGS).execute()
    text = (tmp_path / "statistics.xml").read_text()
    values = [float(part.split('"')[0]) for part in text.split('value="')[1:]]
    assert values[:2] == pytest.approx(np.nanmean(bands, axis=(1, 2)), rel=1e-4)
    assert values[-2:] == pytest.approx(np.nanstd(bands, axis=(1, 2)), rel=1e-2)
    assert [needs_scaling(name) for name in ("rf", "dt", "boost", "libsvm", "ann", "bayes", "knn")] == [
        False, False, False, True, True, True, True,
    ]  # fmt: skip


class TestSettings:
    def test_defaults_are_of_the_machine(self) -> None:
        settings = default_settings()
        assert settings.threads == machine_threads() == len(os.sched_getaffinity(0))
        assert 1 <= settings.ram <= 256
        pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        assert 0 < machine_memory() <= pages >> 20

    def test_threads_are_those_that_a_scheduler_leaves(self) -> None:
        command = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        command += "from otb_pipelines.settings import machine_threads; print(machine_threads())"
        assert subprocess.run([sys.executable, "-c", command], capture_output=True, check=True).stdout == b"1\n"

    def test_applications_are_there(self) -> None:
        assert {"BandMath", "ImageClassifier"} <= set(available_applications(SETTINGS))
