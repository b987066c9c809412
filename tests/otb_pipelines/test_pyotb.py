"""pyotb works on our otbApplication as it is."""

import logging

import numpy as np
import otbApplication as otb  # noqa: N813
import pytest
from osgeo import gdal, osr

pyotb = pytest.importorskip("pyotb")


@pytest.fixture(autouse=True)
def _quiet():
    token = otb.AddLogCallback(lambda _level, _message: None)
    logging.getLogger("pyotb").setLevel(logging.ERROR)
    yield
    otb.RemoveLogCallback(token)


@pytest.fixture
def bands() -> np.ndarray:
    """(bands, rows, columns) = (4, 30, 20), reflectances in counts, no two bands alike."""
    return np.random.default_rng(3).integers(1, 4000, (4, 30, 20)).astype(np.uint16)


@pytest.fixture
def image(tmp_path, bands) -> str:
    """`bands` as a GeoTIFF of 10 m in UTM 31N, upper left corner at (600000, 4900000)."""
    path = str(tmp_path / "image.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 20, 30, 4, gdal.GDT_UInt16)
    dataset.SetGeoTransform((600000, 10, 0, 4900000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.WriteArray(bands)
    return path


def test_input_knows_its_geometry(image):
    inp = pyotb.Input(image)
    assert inp.shape == (30, 20, 4)
    assert inp.dtype == "uint16"
    assert inp.transform == (10, 0, 600000, 0, -10, 4900000)
    assert inp.get_info()["sizex"] == 20
    assert inp.get_rowcol_from_xy(600015, 4899975) == (2, 1)


def test_to_numpy_gives_the_file_s_pixels(image, bands):
    array = pyotb.Input(image).to_numpy()
    assert array.dtype == np.uint16
    np.testing.assert_array_equal(np.moveaxis(array, 2, 0), bands)


def test_slicing_bands_rows_and_columns(image, bands):
    inp = pyotb.Input(image)
    part = inp[5:25, 3:13, :2]
    assert part.shape == (20, 10, 2)
    np.testing.assert_array_equal(np.moveaxis(part.to_numpy(), 2, 0), bands[:2, 5:25, 3:13])
    np.testing.assert_array_equal(inp[:, :, -1].to_numpy()[:, :, 0], bands[3])
    assert inp[2, 1] == bands[:, 2, 1].tolist()


def test_arithmetic_is_numpy_s(image, bands):
    inp = pyotb.Input(image)
    red, infrared = inp[:, :, 0], inp[:, :, 3]
    index = (infrared - red) / (infrared + red)
    b = bands.astype(np.float64)
    expected = (b[3] - b[0]) / (b[3] + b[0])
    np.testing.assert_allclose(index.to_numpy()[:, :, 0], expected, rtol=1e-6, atol=1e-7)
    chosen = pyotb.where(red > 2000, 1, 0)
    np.testing.assert_array_equal(chosen.to_numpy()[:, :, 0], (bands[0] > 2000).astype(int))


def test_in_memory_chain_is_written_once(tmp_path, image, bands):
    scaled = pyotb.BandMathX([image], exp="im1 mult {2,2,2,2}")
    sum_of_bands = pyotb.BandMath([scaled], exp="im1b1+im1b2+im1b3+im1b4")
    out = tmp_path / "out.tif"
    assert sum_of_bands.write(str(out), pixel_type="uint16", ext_fname="gdal:co:COMPRESS=DEFLATE")
    dataset = gdal.Open(str(out))
    assert dataset.GetMetadata("IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_UInt16
    assert dataset.GetGeoTransform() == (600000, 10, 0, 4900000, 0, -10)
    np.testing.assert_array_equal(dataset.ReadAsArray(), bands.sum(axis=0) * 2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["image.tif", "out.tif"]


def test_chain_outlives_the_names_of_its_parts(image, bands):
    def chain():
        first = pyotb.BandMathX([image], exp="im1 + {1,1,1,1}")
        return pyotb.DynamicConvert({"in": first, "type": "linear", "quantile.high": 0, "quantile.low": 0})

    result = chain().to_numpy()
    assert result.shape == (30, 20, 4)
    spread = np.moveaxis(result, 2, 0).astype(float)
    lowest = bands.min(axis=(1, 2), keepdims=True).astype(float)
    highest = bands.max(axis=(1, 2), keepdims=True).astype(float)
    # The ends come from a histogram: right to a few of the 255 levels.
    np.testing.assert_allclose(spread, (bands - lowest) / (highest - lowest) * 255, atol=4)


def test_numpy_functions_come_back_as_pipelines(tmp_path, image, bands):
    result = np.sqrt(pyotb.Input(image)[:, :, :3])
    assert isinstance(result, pyotb.core.App)
    out = tmp_path / "root.tif"
    result.write(str(out), pixel_type="float")
    np.testing.assert_allclose(gdal.Open(str(out)).ReadAsArray(), np.sqrt(bands[:3].astype(np.float32)), rtol=1e-3)
    assert gdal.Open(str(out)).GetGeoTransform() == (600000, 10, 0, 4900000, 0, -10)


def test_export_carries_georeference(image):
    exported = pyotb.Input(image).export()
    assert {"array", "origin", "spacing", "size", "region", "metadata"} <= set(exported)
    assert tuple(exported["origin"]) == (600005, 4899995)
    array, profile = pyotb.Input(image).to_rasterio()
    assert array.shape == (4, 30, 20)
    assert osr.SpatialReference(profile["crs"]).GetAuthorityCode(None) == "32631"


def test_metadata_is_a_dictionary(image):
    metadata = pyotb.Input(image).metadata
    assert metadata["GeoTransform"] == [600000, 10, 0, 4900000, 0, -10]
    assert osr.SpatialReference(metadata["ProjectionRef"]).GetAuthorityCode(None) == "32631"
    assert metadata["TileHintX"] == 20


def test_summary_holds_the_whole_chain(image):
    chain = pyotb.BandMath([pyotb.BandMathX([image], exp="im1")], exp="im1b1*2")
    summary = chain.summarize()
    assert summary["name"] == "BandMath"
    assert summary["parameters"]["exp"] == "im1b1*2"
    assert summary["parameters"]["il"][0]["name"] == "BandMathX"
    assert summary["parameters"]["il"][0]["parameters"]["il"] == [image]


def test_parameters_and_choices(image):
    smooth = pyotb.Smoothing({"in": image, "type": "mean", "type.mean.radius": 1})
    assert smooth.parameters["type"] == "mean"
    assert smooth.parameters["type.mean.radius"] == 1
    with pytest.raises(KeyError):
        pyotb.Smoothing({"in": image, "nosuch": 1})


def test_static_outputs_are_read_back(image):
    assert pyotb.ReadImageInfo(image)["numberbands"] == 4


def test_otb_s_error_reaches_pyotb_s_caller():
    with pytest.raises(RuntimeError, match=r"nothing\.tif"):
        pyotb.BandMath(["/nothing.tif"], exp="im1b1")
