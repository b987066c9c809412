"""The metadata reader gives back what was written, and refuses in one line what it cannot read."""

import random
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from places import REAL_DATA
from sentinel2_files import BANDS, product_xml, tile_xml

from alcd_otb.errors import ProductError
from alcd_otb.products.sentinel2_metadata import parse_product_metadata, parse_tile_metadata, tile_in

REAL_TILE_METADATA = REAL_DATA / "T55JGF_20180617_reduced" / "metadata.xml"
SOURCE = "MTD.xml"
OFFSETS = st.lists(st.integers(-65535, 65535), min_size=13, max_size=13)
TILES = st.from_regex(r"[0-9]{2}[A-Z]{3}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)

PRODUCT = product_xml("S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE").encode()
TILE = tile_xml().encode()


def replaced(xml: bytes, element: str, text: str) -> bytes:
    """The document with the text of the first element of a name replaced."""
    result, count = re.subn(
        f"(<{element}(?: [^>]*)?>)[^<]*(</{element}>)", lambda m: m[1] + text + m[2], xml.decode(), count=1
    )
    assert count == 1
    return result.encode()


unhurried = settings(deadline=None)
"""A loaded machine is no reason to fail."""


class TestWhatIsWrittenIsRead:
    @unhurried
    @given(
        sensed=st.datetimes(datetime(2015, 6, 23), datetime(2040, 1, 1)).map(lambda one: one.replace(microsecond=0)),
        letter=st.sampled_from("ABCD"),
        orbit=st.integers(1, 143),
        baseline=st.tuples(st.integers(4, 9), st.integers(0, 99)),
        offsets=OFFSETS,
        psd=st.integers(12, 16),
    )
    def test_product(
        self,
        sensed: datetime,
        letter: str,
        orbit: int,
        baseline: tuple[int, int],
        offsets: list[int],
        psd: int,
    ) -> None:
        written = "{:02}.{:02}".format(*baseline)
        xml = product_xml(
            "x.SAFE",
            sensed=f"{sensed:%Y%m%dT%H%M%S}",
            letter=letter,
            orbit=orbit,
            baseline=written,
            offsets=offsets,
            psd=psd,
        )
        read = parse_product_metadata(xml.encode(), SOURCE)
        assert read.uri == "x"
        assert read.acquired == sensed.replace(microsecond=24000, tzinfo=UTC)
        assert read.spacecraft == f"Sentinel-2{letter}"
        assert read.relative_orbit == orbit
        assert read.baseline == written
        assert read.offsets == tuple(offsets)
        assert (read.no_data, read.saturated, read.quantification) == (0, 65535, 10000)

    @unhurried
    @given(OFFSETS, st.permutations(range(13)))
    def test_offsets_go_by_band_id_and_not_by_order(self, offsets: list[int], order: list[int]) -> None:
        elements = [f'<RADIO_ADD_OFFSET band_id="{index}">{offsets[index]}</RADIO_ADD_OFFSET>' for index in order]
        xml = re.sub(
            r"<Radiometric_Offset_List>.*</Radiometric_Offset_List>",
            f"<Radiometric_Offset_List>{''.join(elements)}</Radiometric_Offset_List>",
            PRODUCT.decode(),
        )
        assert parse_product_metadata(xml.encode(), SOURCE).offsets == tuple(offsets)

    @unhurried
    @given(st.integers(0, 3), st.integers(0, 99))
    def test_offsets_are_zero_before_baseline_0400(self, major: int, minor: int) -> None:
        xml = product_xml("x", baseline=f"{major:02}.{minor:02}", offsets=None)
        assert parse_product_metadata(xml.encode(), SOURCE).offsets == (0,) * len(BANDS)

    @unhurried
    @given(
        tile=TILES,
        metres=st.integers(1, 2000).map(lambda one: 60 * one),
        left=st.integers(-1_000_000, 10_000_000),
        top=st.integers(-1_000_000, 10_000_000),
        psd=st.integers(12, 16),
    )
    def test_tile(self, tile: str, metres: int, left: int, top: int, psd: int) -> None:
        read = parse_tile_metadata(tile_xml(tile, metres=metres, left=left, top=top, psd=psd).encode(), SOURCE)
        assert read.tile == tile
        assert sorted(read.layouts) == [10, 20, 60]
        for resolution, layout in read.layouts.items():
            assert layout.resolution == resolution
            assert layout.extent == (left, top - metres, left + metres, top)
            assert layout.crs == "EPSG:32631"

    @unhurried
    @given(st.floats(0, 180), st.floats(0, 360))
    def test_sun_angles_keep_every_digit(self, zenith: float, azimuth: float) -> None:
        start = TILE.index(b"<Mean_Sun_Angle>")
        sun = replaced(replaced(TILE[start:], "ZENITH_ANGLE", repr(zenith)), "AZIMUTH_ANGLE", repr(azimuth))
        read = parse_tile_metadata(TILE[:start] + sun, SOURCE)
        assert (read.sun_zenith, read.sun_azimuth) == (zenith, azimuth)

    @unhurried
    @given(st.text(" \t\n", max_size=5), st.sampled_from(["", "<!-- note -->", "<?note?>"]))
    def test_blanks_comments_and_instructions_around_a_value_do_not_matter(self, blank: str, aside: str) -> None:
        xml = replaced(PRODUCT, "QUANTIFICATION_VALUE", f"{blank}{aside}12{aside}345{blank}{aside}")
        assert parse_product_metadata(xml, SOURCE).quantification == 12345

    @unhurried
    @given(st.sampled_from(["n1", "ns2", "psd"]), st.sampled_from(["", "urn:x", "https://psd-99.example/"]))
    def test_the_namespace_and_its_prefix_do_not_matter(self, prefix: str, namespace: str) -> None:
        xml = re.sub(r'xmlns:n1="[^"]*"', f'xmlns:n1="{namespace or "urn:none"}"', PRODUCT.decode())
        xml = xml.replace("n1:", f"{prefix}:").replace("xmlns:n1", f"xmlns:{prefix}")
        if not namespace:
            xml = re.sub(rf' xmlns:{prefix}="[^"]*"', "", xml).replace(f"{prefix}:", "")
        assert parse_product_metadata(xml.encode(), SOURCE) == parse_product_metadata(PRODUCT, SOURCE)


class TestWhateverItMeets:
    @staticmethod
    def read(xml: bytes, tile: bool) -> None:
        """Read, or be refused by a ProductError of one line that names the file; nothing else."""
        message = f"{SOURCE}: one line"
        try:
            parse_tile_metadata(xml, SOURCE) if tile else parse_product_metadata(xml, SOURCE)
        except ProductError as error:
            message = str(error)
        assert message.startswith(f"{SOURCE}: ")
        assert "\n" not in message

    @unhurried
    @given(st.binary(max_size=200), st.booleans())
    @example(b"", False)
    @example(b"\xff\xfe<\x00a\x00/\x00>\x00", True)
    def test_arbitrary_bytes_are_refused(self, xml: bytes, tile: bool) -> None:
        with pytest.raises(ProductError, match=f"^{SOURCE}: "):
            parse_tile_metadata(xml, SOURCE) if tile else parse_product_metadata(xml, SOURCE)

    @settings(max_examples=300, deadline=None)
    @given(st.booleans(), st.integers(0, 2**32 - 1), st.binary(max_size=8))
    def test_damaged_files(self, tile: bool, seed: int, inserted: bytes) -> None:
        xml = TILE if tile else PRODUCT
        chance = random.Random(seed)
        start = chance.randrange(len(xml))
        self.read(xml[:start] + inserted + xml[start + chance.randrange(40) :], tile)

    @settings(max_examples=300, deadline=None)
    @given(
        st.booleans(),
        st.data(),
        st.text(st.characters(exclude_characters="<&\r", exclude_categories=["Cs", "Cc"]), max_size=12)
        | NUMBERS.map(repr)
        | st.integers().map(str)
        | st.sampled_from(["nan", "inf", "1_0", "\uff10", "0x10", "1e400", "0001-01-01T00:00:00+23:59", "9999-12-31"]),
    )
    def test_any_text_in_any_element(self, tile: bool, data: st.DataObject, text: str) -> None:
        xml = TILE if tile else PRODUCT
        names = sorted(set(re.findall(r"<(\w+)(?: [^>]*)?>[^<]+</", xml.decode())))
        element = data.draw(st.sampled_from(names))
        self.read(replaced(xml, element, text.replace("]]>", "")), tile)

    @unhurried
    @given(st.text(alphabet="0123456789-:TZ.+W", max_size=30))
    def test_any_time(self, text: str) -> None:
        self.read(replaced(PRODUCT, "DATATAKE_SENSING_START", text), False)

    @unhurried
    @given(st.text(alphabet="0123456789'\"[]/@=. ", max_size=10))
    def test_any_resolution(self, text: str) -> None:
        quoted = text.replace('"', "&quot;")
        self.read(TILE.replace(b'<Size resolution="20"', f'<Size resolution="{quoted}"'.encode()), True)


@unhurried
@given(TILES, st.text(alphabet="ABT0123456789", max_size=8))
def test_tile_in_an_identifier(tile: str, rest: str) -> None:
    assert tile_in(f"L1C_T{tile}_{rest}") == tile
    assert tile_in(f"S2A_OPER_T{tile}") == tile
    assert tile_in(f"T{tile}_{rest}") is None


@pytest.mark.skipif(
    not REAL_TILE_METADATA.is_file(),
    reason="the folder of real products, shared/data beside the project, is absent",
)
def test_a_real_tile_of_the_southern_hemisphere() -> None:
    """Values read by eye from the file."""
    read = parse_tile_metadata(REAL_TILE_METADATA.read_bytes(), SOURCE)
    assert (read.tile, read.crs) == ("55JGF", "EPSG:32755")
    assert (read.sun_zenith, read.sun_azimuth, read.cloud_cover) == (60.25415978281, 28.329529500752, 41.1953)
    assert {metres: (grid.width, grid.height) for metres, grid in read.layouts.items()} == {
        10: (10980, 10980),
        20: (5490, 5490),
        60: (1830, 1830),
    }
    assert {(grid.left, grid.top) for grid in read.layouts.values()} == {(699960, 6600040)}
