"""Images of otbApplication as arrays, both ways; geometry and metadata."""

import gc

import numpy as np
import otbApplication as otb  # noqa: N813
import pytest
from osgeo import gdal, osr

SHARED_TYPES = [
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "float32",
    "float64",
]


@pytest.fixture(autouse=True)
def _quiet():
    token = otb.AddLogCallback(lambda _level, _message: None)
    yield
    otb.RemoveLogCallback(token)


def extract(parameter: str = "in", value: object = None) -> otb.Application:
    """ExtractROI over the whole image: hands its input on unchanged."""
    application = otb.Registry.CreateApplication("ExtractROI")
    if value is not None:
        application.SetParameterString(parameter, value)
    return application


@pytest.mark.parametrize("dtype", SHARED_TYPES)
def test_vector_image_goes_in_and_comes_out(dtype):
    pixels = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(dtype)
    application = extract()
    application.SetVectorImageFromNumpyArray("in", pixels)
    application.Execute()
    result = application.GetVectorImageAsNumpyArray("out")
    assert result.shape == (2, 3, 4)
    np.testing.assert_array_equal(result, pixels)


@pytest.mark.parametrize("dtype", SHARED_TYPES)
def test_single_band_goes_in_and_comes_out(dtype):
    pixels = np.arange(6).reshape(2, 3).astype(dtype)
    application = otb.Registry.CreateApplication("BandMath")
    application.SetImageFromNumpyArray("il", pixels)
    application.SetParameterString("exp", "im1b1")
    application.Execute()
    result = application.GetImageAsNumpyArray("out")
    assert result.shape == (2, 3)
    np.testing.assert_array_equal(result, pixels)


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool", "float16"])
def test_types_that_otb_lacks_are_refused(dtype):
    with pytest.raises(ValueError, match=dtype):
        extract().SetVectorImageFromNumpyArray("in", np.zeros((2, 2, 2), dtype))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="2 or 3 dimensions"):
        extract().SetVectorImageFromNumpyArray("in", np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="2 bands"):
        extract().SetImageFromNumpyArray("in", np.zeros((2, 2, 2), np.float32))


def test_strided_and_big_endian_arrays_are_read_right():
    pixels = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    for view in (
        pixels[::-1, ::2],
        np.moveaxis(pixels, 2, 0),
        pixels.astype(">f4"),
        np.asfortranarray(pixels),
    ):
        application = extract()
        application.SetVectorImageFromNumpyArray("in", view)
        application.Execute()
        np.testing.assert_array_equal(application.GetVectorImageAsNumpyArray("out"), view)


def test_contiguous_array_is_shared_not_copied():
    pixels = np.zeros((2, 2, 1), np.float32)
    application = extract()
    application.SetVectorImageFromNumpyArray("in", pixels)
    pixels[:] = 5
    application.Execute()
    assert application.GetVectorImageAsNumpyArray("out").max() == 5


def test_array_lives_as_long_as_the_image_that_reads_it():
    application = extract()
    application.SetVectorImageFromNumpyArray("in", np.full((500, 500, 2), 3, np.float32))
    gc.collect()
    filler = [np.full((500, 500, 2), 9, np.float32) for _ in range(4)]
    application.Execute()
    assert application.GetVectorImageAsNumpyArray("out").sum() == 3 * 500 * 500 * 2
    assert len(filler) == 4


def test_result_outlives_its_application_and_is_writable():
    application = otb.Registry.CreateApplication("BandMathX")
    application.SetVectorImageFromNumpyArray("il", np.full((400, 400, 2), 3, np.float32))
    application.SetParameterString("exp", "im1 mult {2, 2}")
    application.Execute()
    result = application.GetVectorImageAsNumpyArray("out")
    del application
    gc.collect()
    assert result.min() == result.max() == 6
    result += 1
    assert result.max() == 7


def test_earlier_result_is_untouched_by_a_later_execution():
    application = otb.Registry.CreateApplication("BandMath")
    application.SetImageFromNumpyArray("il", np.ones((50, 50), np.float32))
    application.SetParameterString("exp", "im1b1 * 2")
    application.Execute()
    first = application.GetImageAsNumpyArray("out")
    again = application.GetImageAsNumpyArray("out")
    application.SetParameterString("exp", "im1b1 * 3")
    application.Execute()
    second = application.GetImageAsNumpyArray("out")
    assert first.max() == again.max() == 2
    assert second.max() == 3
    first[:] = 0
    assert again.min() == 2


def test_array_before_execution_is_an_error():
    application = otb.Registry.CreateApplication("BandMath")
    with pytest.raises(RuntimeError, match="Execute"):
        application.GetImageAsNumpyArray("out")
    with pytest.raises(RuntimeError, match="no image in parameter out"):
        application.GetImageSize("out")


def test_many_bands_need_the_vector_function():
    application = extract()
    application.SetVectorImageFromNumpyArray("in", np.zeros((2, 2, 3), np.float32))
    application.Execute()
    with pytest.raises(ValueError, match="3 bands"):
        application.GetImageAsNumpyArray("out")


def test_arrays_fill_an_image_list():
    application = otb.Registry.CreateApplication("BandMath")
    application.SetImageFromNumpyArray("il", np.full((2, 2), 4, np.uint8), 0)
    application.SetImageFromNumpyArray("il", np.full((2, 2), 7, np.float32), 1)
    application.SetParameterString("exp", "im1b1 * 10 + im2b1")
    application.Execute()
    np.testing.assert_array_equal(application.GetImageAsNumpyArray("out"), np.full((2, 2), 47))


def test_whole_image_comes_out_after_a_streamed_write(tmp_path):
    pixels = np.arange(10000, dtype=np.float32).reshape(100, 100)
    application = otb.Registry.CreateApplication("BandMath")
    application.SetImageFromNumpyArray("il", pixels)
    application.SetParameterString("exp", "im1b1")
    application.SetParameterString("out", f"{tmp_path / 'o.tif'}?&streaming:type=stripped&streaming:sizevalue=10")
    application.ExecuteAndWriteOutput()
    np.testing.assert_array_equal(application.GetImageAsNumpyArray("out"), pixels)


def test_geometry_of_a_file(raster):
    application = extract(value=raster)
    application.Execute()
    for key in ("in", "out"):
        assert tuple(application.GetImageSize(key)) == (5, 4)
        assert tuple(application.GetImageSpacing(key)) == (10, -10)
        assert tuple(application.GetImageOrigin(key)) == (600005, 4899995)
        assert application.GetImageNbBands(key) == 2
        reference = osr.SpatialReference(application.GetImageProjection(key))
        assert reference.GetAuthorityCode(None) == "32631"
    # ExtractROI reads and hands on floats, whatever the file holds.
    assert application.GetImageBasePixelType("out") == otb.ImagePixelType_float


def test_metadata_of_a_file(raster):
    application = extract(value=raster)
    application.Execute()
    metadata = application.GetImageMetadata("out")
    assert osr.SpatialReference(metadata.GetProjectionWKT()).GetAuthorityCode(None) == "32631"
    assert len(metadata.Bands) == 2
    assert [band["NoData"] for band in metadata.Bands] == [7, 7]
    assert metadata["NoSuchKey"] is None
    dictionary = dict(application.GetMetadataDictionary("out"))
    assert dictionary["GeoTransform"] == [600000, 10, 0, 4900000, 0, -10]
    assert dictionary["DriverShortName"] == "GTiff"


def test_metadata_is_set_by_type():
    application = extract()
    application.SetVectorImageFromNumpyArray("in", np.zeros((2, 2, 1), np.float32))
    metadata = application.GetImageMetadata("in")
    metadata["SensorID"] = "S2A"
    metadata["SunElevation"] = 40.5
    metadata["AcquisitionDate"] = otb.TimePoint("2017-10-02T10:30:09")
    metadata["own"] = "word"
    application.SetImageMetadata(metadata, "in")
    metadata = application.GetImageMetadata("in")
    assert metadata.get_str("SensorID") == "S2A"
    assert metadata.get_num("SunElevation") == 40.5
    assert metadata.get_time("AcquisitionDate").GetMonth() == 10
    assert metadata["own"] == "word"
    assert set(metadata.keys()) == {"SensorID", "SunElevation", "AcquisitionDate", "own"}
    with pytest.raises(KeyError, match="SunAzimuth"):
        metadata.get_num("SunAzimuth")


def test_export_and_import_keep_georeference(tmp_path, raster):
    first = extract(value=raster)
    first.Execute()
    image = first.ExportImage("out")
    assert set(image) == {"array", "origin", "spacing", "size", "region", "metadata"}
    expected = gdal.Open(str(raster)).ReadAsArray()
    np.testing.assert_array_equal(np.moveaxis(image["array"], 2, 0), expected)
    image["array"] = image["array"] + np.float32(100)
    second = extract()
    second.ImportVectorImage("in", image)
    second.SetParameterString("out", tmp_path / "out.tif")
    second.ExecuteAndWriteOutput()
    written = gdal.Open(str(tmp_path / "out.tif"))
    np.testing.assert_array_equal(written.ReadAsArray(), expected + 100)
    assert written.GetGeoTransform() == (600000, 10, 0, 4900000, 0, -10)
    assert written.GetSpatialRef().GetAuthorityCode(None) == "32631"


def test_import_with_another_number_of_bands(tmp_path, raster):
    first = extract(value=raster)
    first.Execute()
    image = first.ExportImage("out")
    image["array"] = np.concatenate([image["array"]] * 2, axis=2)
    second = extract()
    second.ImportVectorImage("in", image)
    second.SetParameterString("out", tmp_path / "out.tif")
    second.ExecuteAndWriteOutput()
    assert gdal.Open(str(tmp_path / "out.tif")).RasterCount == 4


def test_import_takes_plain_sequences_and_checks_them():
    image = {"array": np.zeros((3, 4), np.float32), "origin": [1, 2], "spacing": (10, -10), "size": (4, 3)}
    application = otb.Registry.CreateApplication("BandMath")
    application.ImportImage("il", image)
    application.SetParameterString("exp", "im1b1 + idxPhyX")
    application.Execute()
    assert application.GetImageAsNumpyArray("out")[0].tolist() == [1, 11, 21, 31]
    image["region"] = otb.itkRegion((0, 0), (4, 4))
    with pytest.raises(ValueError, match="does not match its region"):
        application.ImportImage("il", image)
    del image["region"]
    image["size"] = (2, 2)
    with pytest.raises(ValueError, match="outside"):
        application.ImportImage("il", image)
    with pytest.raises(KeyError, match="array"):
        application.ImportImage("il", {})


def test_requested_region_is_what_comes_out(raster):
    application = otb.Registry.CreateApplication("BandMathX")
    application.SetParameterStringList("il", [raster])
    application.SetParameterString("exp", "im1")
    application.Execute()
    region = otb.itkRegion()
    region.GetIndex()[0] = 1
    region.GetIndex()[1] = 2
    region.GetSize()[0] = 3
    region.GetSize()[1] = 2
    assert application.PropagateRequestedRegion("out", region) > 0
    assert application.GetImageRequestedRegion("out") == region
    expected = gdal.Open(str(raster)).ReadAsArray(1, 2, 3, 2)
    np.testing.assert_array_equal(np.moveaxis(application.GetVectorImageAsNumpyArray("out"), 2, 0), expected)
    exported = application.ExportImage("out")
    assert exported["region"] == region
    again = extract()
    again.ImportVectorImage("in", exported)
    assert tuple(again.GetImageSize("in")) == (5, 4)


def test_pairs_behave_as_lists_of_two():
    size = otb.itkSize()
    size[0], size[1] = 20, 30
    assert list(size) == [20, 30]
    assert size == (20, 30)
    assert len(size) == 2
    assert size[-1] == 30
    with pytest.raises(IndexError):
        size[2]
    point = otb.itkPoint((1.5, -2))
    assert str(point) == "[1.5, -2]"
    region = otb.itkRegion((1, 2), (3, 4))
    assert {key: list(region[key]) for key in region.keys()} == {  # noqa: SIM118
        "index": [1, 2],
        "size": [3, 4],
    }
    assert region.IsInside((3, 5))
    assert not region.IsInside((4, 5))


def test_pixel_type_names():
    names = [otb.Registry.CreateApplication("BandMath").ConvertPixelTypeToNumpy(code) for code in range(7)]
    assert names == SHARED_TYPES
    with pytest.raises(ValueError, match="7"):
        otb.Registry.CreateApplication("BandMath").ConvertPixelTypeToNumpy(otb.ImagePixelType_cint16)
