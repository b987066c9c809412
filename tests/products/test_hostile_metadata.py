"""Names, dates and bytes of metadata that no product has: refused in one line, or read."""

import random
import shutil
from datetime import date
from pathlib import Path

import pytest
from sentinel2_files import compact_name, one_line_error, product_xml, tile_xml, write_compact

from alcd_otb.errors import AlcdError, ProductError
from alcd_otb.masks.acquisition import acquisition_in, acquisition_of_granule
from alcd_otb.products.names import compact_name as read_name
from alcd_otb.products.names import is_l1c_name, sensed_in
from alcd_otb.products.sentinel2_l1c import read_product
from alcd_otb.products.sentinel2_metadata import parse_product_metadata, parse_tile_metadata
from alcd_otb.products.times import day_in_name, time_in_name, utc_time

INSERTED = ("9" * 30, "<", "..", "99", "\u2028", "<!DOCTYPE a>", "1e999")
BAD_DATES = ("20179999T999999", "20180230T000000", "00000000T000000", "20180101T240000", "20180101T106100")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_compact(tmp_path_factory.mktemp("whole"), bands=("B02",))


@pytest.fixture
def safe(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def with_text(safe: Path, before: str, after: str) -> Path:
    """Write the product's metadata with another text."""
    file = safe / "MTD_MSIL1C.xml"
    content = file.read_text("utf-8")
    assert before in content
    file.write_text(content.replace(before, after), "utf-8")
    return safe


@pytest.mark.parametrize(
    "uri",
    ["../../x", "/abs/x", "..", ".", "a/b", "x" * 300, "12345", "a&#10;b", "S2A_MSIL1C_a/../../b", "S2A_MSIL1C_&#x7f;",
     "S2A_MSIL1C_" + "x" * 200, "été", "S2A_MSIL1C_\u0662"],
)  # fmt: skip
def test_a_uri_that_is_no_product_s_name_is_refused(safe: Path, uri: str) -> None:
    message = one_line_error(lambda: read_product(with_text(safe, f"{compact_name()}.SAFE", uri)))
    assert "PRODUCT_URI is '" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "uri",
    [
        "S2A_MSIL1C_20171002T103009_N0205_R108_T31TFJ_20171002T103209",
        "S2A_OPER_PRD_MSIL1C_PDMC_20160606T232310_R108_V20160606T103026_20160606T103026",
    ],
)
def test_the_names_of_both_formats_are_known(uri: str) -> None:
    assert is_l1c_name(uri)


@pytest.mark.parametrize("date", BAD_DATES)
def test_a_date_that_there_is_not_is_refused_in_folder_and_uri(whole: Path, tmp_path: Path, date: str) -> None:
    named = tmp_path / whole.name.replace("20240305T104819", date, 1)
    shutil.copytree(whole, named)
    assert f"{date}, which is not a date" in one_line_error(lambda: read_product(named))
    stated = Path(shutil.copytree(whole, tmp_path / "renamed.SAFE"))
    with_text(stated, f"{compact_name()}.SAFE", f"{compact_name(date)}.SAFE".replace("_20240305T104819", f"_{date}"))
    assert f"{date}, which is not a date" in one_line_error(lambda: read_product(stated))
    assert sensed_in(named.name) is None
    assert acquisition_in(named.name) is None
    parts = read_name(named.stem)
    assert parts is not None
    assert parts.time is None


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z", "20179999T999999", "x" * 999],
)
def test_a_time_of_no_satellite_is_refused(safe: Path, time: str) -> None:
    with_text(safe, "2024-03-05T10:48:19.024Z", time)
    assert "DATATAKE_SENSING_START is '" in one_line_error(lambda: read_product(safe))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "", None, 3, "20179999T999999"])
def test_only_a_value_error_tells_of_no_time(time: object) -> None:
    with pytest.raises(ValueError, match="not a valid time"):
        utc_time(time)


def test_digits_of_other_scripts_are_no_date() -> None:
    assert time_in_name("\u0662\u0660\u0661\u0667\u0661\u0660\u0660\u0662T103009") is None


def test_a_tile_s_time_that_overflows_leaves_the_names(safe: Path) -> None:
    (granule,) = (safe / "GRANULE").iterdir()
    file = granule / "MTD_TL.xml"
    text = file.read_text("utf-8").replace(
        "</TILE_ID>", "</TILE_ID><SENSING_TIME>0001-01-01T00:00+14:00</SENSING_TIME>"
    )
    file.write_text(text, "utf-8")
    assert acquisition_of_granule(granule).name == "31TCJ_20240305"


@pytest.mark.parametrize("name", ["a\nb.SAFE", "a\x1b[2Jb.SAFE", "x" * 240 + ".SAFE"])
def test_a_folder_after_which_nothing_can_be_named_is_refused(safe: Path, name: str) -> None:
    named = safe.rename(safe.parent / name)
    with pytest.raises(ProductError, match="no file can be named after"):
        read_product(named)


def test_metadata_changed_at_random_are_read_or_refused() -> None:
    random_, refusals = random.Random(4), list[str]()
    product, tile = product_xml(f"{compact_name()}.SAFE"), tile_xml()
    for number in range(3000):
        text, parse = ((product, parse_product_metadata), (tile, parse_tile_metadata))[number % 2]
        try:
            parse(_changed(text, random_).encode("utf-8", "surrogatepass"), "MTD.xml")
        except AlcdError as error:
            refusals.append(str(error))
    assert 300 < len(refusals) < 3000
    assert all(message.isprintable() and message.startswith("MTD.xml: ") for message in refusals)
    assert not [message for message in refusals if "Error" in message or "codec" in message or len(message) > 400]


def test_names_changed_at_random_are_read_or_refused(whole: Path, tmp_path: Path) -> None:
    random_, refusals = random.Random(5), list[str]()
    text = (whole / "MTD_MSIL1C.xml").read_text("utf-8")
    safe = Path(shutil.copytree(whole, tmp_path / whole.name))
    for _ in range(60):
        name = _changed(f"{compact_name()}", random_).replace("/", "-").replace("\0", "")[:120] or "x"
        acquisition_in(name)
        (safe / "MTD_MSIL1C.xml").write_text(text.replace(compact_name(), _escaped(name)), "utf-8")
        safe = safe.rename(tmp_path / f"{name}.SAFE")
        try:
            read_product(safe)
        except ProductError as error:
            refusals.append(str(error).replace(str(safe), ""))
    assert refusals
    assert all(message.isprintable() for message in refusals)


def _changed(text: str, random_: random.Random) -> str:
    """Change, insert or remove some characters, digits above all."""
    for _ in range(random_.randint(1, 5)):
        place = random_.randrange(len(text) + 1)
        match random_.randrange(3):
            case 0:
                text = text[:place] + random_.choice("0123456789TZ:+-.<>&/\n\té\u0662") + text[place + 1 :]
            case 1:
                text = text[:place] + random_.choice(INSERTED) + text[place:]
            case _:
                text = text[:place] + text[place + random_.randint(1, 20) :]
    return text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("20171002", date(2017, 10, 2)),
        ("2017275", date(2017, 10, 2)),
        ("2016366", date(2016, 12, 31)),
        ("2017366", None),
        ("20171302", None),
        ("201710", None),
        ("\u0662017275", None),
        ("2017-10-", None),
    ],
)
def test_a_day_in_a_name(digits: str, day: date | None) -> None:
    assert day_in_name(digits) == day
