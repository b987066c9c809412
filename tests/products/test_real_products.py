"""Real L1C products; the values were read by eye from their XML."""

from datetime import UTC, datetime

import pytest
from places import REAL_DATA
from sentinel2_files import BANDS, one_line_error

from alcd_otb.products.dates import check_pair
from alcd_otb.products.sentinel2_l1c import check_bands, read_product
from alcd_otb.raster.grid import Grid

TOULOUSE = REAL_DATA / "alcd_toulouse" / "s2" / "Toulouse"

pytestmark = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="the folder of real products, shared/data beside the project, is absent"
)


def test_toulouse_cloudy() -> None:
    name = "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347"
    product = read_product(TOULOUSE / f"{name}.SAFE")
    check_bands(product, BANDS)
    assert product.name == name
    assert (product.tile, product.relative_orbit, product.spacecraft) == ("31TCJ", 51, "Sentinel-2B")
    assert product.acquired == datetime(2024, 3, 5, 10, 48, 19, 24000, tzinfo=UTC)
    assert (product.baseline, product.quantification) == ("05.10", 10000)
    assert (product.no_data, product.saturated) == (0, 65535)
    assert (product.sun_zenith, product.sun_azimuth) == (51.816936554549, 158.39725727483)
    assert product.cloud_cover == 63.9606139329332
    assert [(band.name, band.resolution, band.offset) for band in product.bands] == [
        (band, 10, -1000) for band in BANDS
    ]
    assert product.grids == {10: Grid("EPSG:32631", 350000, 4850020, 10, 30, 30)}


def test_toulouse_clear_and_pair() -> None:
    clear = read_product(TOULOUSE / "S2A_MSIL1C_20240120T105341_N0510_R051_T31TCJ_20240120T125244.SAFE")
    assert clear.acquired == datetime(2024, 1, 20, 10, 53, 41, 24000, tzinfo=UTC)
    assert (clear.sun_zenith, clear.sun_azimuth) == (65.7554034542734, 162.689190122297)
    assert (clear.spacecraft, clear.cloud_cover) == ("Sentinel-2A", 0)
    assert {band.offset for band in clear.bands} == {-1000}
    cloudy = read_product(TOULOUSE / "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE")
    (warning,) = check_pair(cloudy, clear)
    assert "precedes" in warning


@pytest.mark.parametrize("date", ["20180210", "20180307", "20180705", "20180720"])
def test_rome(date: str) -> None:
    (path,) = (REAL_DATA / "rome_l1c" / "L1C").glob(f"S2?_MSIL1C_{date}T*.SAFE")
    product = read_product(path)
    check_bands(product, BANDS)
    assert f"{product.acquired:%Y%m%dT%H%M%S}" == f"{date}T100031"
    assert (product.tile, product.relative_orbit, product.baseline) == ("33TUG", 108, "02.06")
    assert (product.sun_zenith, product.sun_azimuth, product.cloud_cover) == (48.5, 163.2, 30)
    assert {band.offset for band in product.bands} == {0}
    assert product.grids == {
        10: Grid("EPSG:32633", 310740, 4660680, 10, 192, 258),
        20: Grid("EPSG:32633", 310740, 4660680, 20, 96, 129),
        60: Grid("EPSG:32633", 310740, 4660680, 60, 32, 43),
    }


def test_rome_pairs() -> None:
    products = {path.name[11:19]: read_product(path) for path in (REAL_DATA / "rome_l1c" / "L1C").glob("*.SAFE")}
    assert check_pair(products["20180705"], products["20180720"]) == ()
    assert len(check_pair(products["20180307"], products["20180210"])) == 1


def test_zip_of_one_band() -> None:
    (path,) = (REAL_DATA / "eodag_T31TDH_20180101").glob("*.zip")
    product = read_product(path)
    check_bands(product, ["B01"])
    assert product.name == "S2A_MSIL1C_20180101T105441_N0206_R051_T31TDH_20180101T124911"
    assert (product.tile, product.relative_orbit, product.baseline) == ("31TDH", 51, "02.06")
    assert product.acquired == datetime(2018, 1, 1, 10, 54, 41, 26000, tzinfo=UTC)
    assert (product.sun_zenith, product.sun_azimuth) == (67.0354071200132, 166.328513490143)
    assert product.cloud_cover == 11.9204
    assert product.grids == {60: Grid("EPSG:32631", 399960, 4800000, 60, 1830, 1830)}
    assert "B02 has no file (present: B01)" in one_line_error(lambda: check_bands(product, ["B01", "B02"]))
