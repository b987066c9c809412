"""Damaged JPEG 2000 bands: most are found, whatever the damage, and whole ones of any encoder never are."""

import contextlib
import hashlib
import importlib.util
import random
import re
import shutil
import struct
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from osgeo import gdal
from places import REAL_DATA, ROOT
from scenes import refused, write_scene
from sentinel2_files import one_line_error

from alcd_otb.errors import ProductError
from alcd_otb.pictures.quicklooks import find_dates
from alcd_otb.products.codestream import check_codestream
from alcd_otb.products.damage import check_file
from alcd_otb.synthetic.scene import SyntheticScene

BAND = "GRANULE/L1C_T31TFJ_A014477_20180331T103015/IMG_DATA/T31TFJ_20180331T103021_B02.jp2"


@pytest.fixture(scope="module")
def damage() -> ModuleType:
    """The benchmark that damages files."""
    spec = importlib.util.spec_from_file_location("damage_benchmark", ROOT / "benchmarks" / "damage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ground(columns: int, rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Pixels like those of a band: smooth, with edges, noise and an empty corner."""
    numbers = np.random.default_rng(7)
    y, x = np.mgrid[:rows, :columns]
    field = 2000 + 900 * np.sin(x / 23) * np.cos(y / 31) + 1500 * ((x // 50 + y // 70) % 2)
    pixels = (field + numbers.normal(0, 40, field.shape)).astype(np.uint16)
    pixels[: rows // 3, : columns // 3] = 0
    return pixels


def encode(file: Path, options: list[str], columns: int = 400, rows: int = 300) -> Path:
    """Write such pixels by OpenJPEG, with creation options of GDAL."""
    memory = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_UInt16)
    memory.SetGeoTransform((600000, 10, 0, 4900020, 0, -10))
    memory.SetProjection("EPSG:32631")
    memory.GetRasterBand(1).WriteArray(ground(columns, rows))
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), memory, options=options)
    return file


LOSSLESS = ["REVERSIBLE=YES", "QUALITY=100"]


@pytest.fixture
def band(tmp_path: Path) -> Path:
    """A lossless band of six tiles, of one layer."""
    return encode(tmp_path / "band_B02.jp2", [*LOSSLESS, "BLOCKXSIZE=144", "BLOCKYSIZE=160"])


def packets(content: bytes) -> range:
    """Return the places of the first tile-part's packets."""
    start = content.index(b"\xff\x90")
    return range(content.index(b"\xff\x93", start) + 2, start + struct.unpack_from(">I", content, start + 6)[0])


def changed(file: Path, place: int, value: bytes) -> Path:
    content = bytearray(file.read_bytes())
    content[place : place + len(value)] = value
    file.write_bytes(content)
    return file


class TestRandomDamage:
    """Of damaged files that OpenJPEG decodes to other pixels."""

    # Somewhat less than what docs/reference/scene.md states of more files.
    @pytest.mark.parametrize(
        ("kind", "least"),
        [
            ("one bit changed", 0.9),
            ("random bytes", 0.95),
            ("zeros", 0.95),
            ("a block copied", 0.9),
            ("two blocks exchanged", 0.9),
        ],
    )
    def test_most_is_found(self, damage: ModuleType, band: Path, tmp_path: Path, kind: str, least: float) -> None:
        counted = damage.count(band, kind, 20, 5, tmp_path)
        assert counted.wrong > 15
        assert counted.found >= least * counted.wrong

    @pytest.mark.parametrize("kind", ["cut off", "bytes left out", "bytes put between"])
    def test_a_file_of_another_length_is_always_refused(
        self, damage: ModuleType, band: Path, tmp_path: Path, kind: str
    ) -> None:
        counted = damage.count(band, kind, 20, 5, tmp_path)
        assert (counted.mutants, counted.wrong) == (20, counted.found)


class TestWhatCompressedDataNeverHold:
    def test_a_forbidden_pair_is_named_with_its_place(self, band: Path) -> None:
        place = packets(band.read_bytes())[500]
        message = one_line_error(lambda: check_codestream(str(changed(band, place, b"\xff\xa3"))))
        assert message == (
            f"{band}: is damaged at byte {place}: 0xFF is followed by 0xA3, which compressed data cannot contain; "
            "download the product again"
        )

    def test_zeros_are_named_with_their_place(self, band: Path) -> None:
        place = packets(band.read_bytes())[500]
        message = one_line_error(lambda: check_codestream(str(changed(band, place, bytes(2000)))))
        found = re.search(r"is damaged at byte (\d+): more than (\d+) zeros follow", message)
        assert found is not None
        # The byte before may be 0 itself.
        assert place - 3 <= int(found[1]) <= place
        assert 1024 < int(found[2]) < 1200

    @pytest.mark.parametrize("shift", range(-3, 4))
    def test_a_pair_across_pieces_is_found(self, band: Path, shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("alcd_otb.products.codestream._PIECE", 200)
        place = packets(band.read_bytes())[200 * 3 + shift]
        assert f"byte {place}" in one_line_error(lambda: check_codestream(str(changed(band, place, b"\xff\xa3"))))

    @pytest.mark.parametrize("offset", [0, 100, 199])
    def test_zeros_across_pieces_are_found(self, band: Path, offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("alcd_otb.products.codestream._PIECE", 200)
        place = packets(band.read_bytes())[600 + offset]
        assert "zeros" in one_line_error(lambda: check_codestream(str(changed(band, place, bytes(1300)))))

    @pytest.mark.parametrize(("east", "south"), [(1, 0), (2, 0.5), (20, 5), (120, 30), (0, 100), (64, 64)])
    @pytest.mark.parametrize("options", [LOSSLESS, ["QUALITY=25"], [*LOSSLESS, "BLOCKXSIZE=128", "BLOCKYSIZE=128"]])
    def test_even_surfaces_are_no_damage(self, tmp_path: Path, east: float, south: float, options: list[str]) -> None:
        y, x = np.mgrid[:384, :384]
        memory = gdal.GetDriverByName("MEM").Create("", 384, 384, 1, gdal.GDT_UInt16)
        memory.GetRasterBand(1).WriteArray((2000 + east * x + south * y).astype(np.uint16))
        gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(tmp_path / "ramp.jp2"), memory, options=options)
        check_file(str(tmp_path / "ramp.jp2"))

    def test_empty_tiles_are_no_damage(self, tmp_path: Path) -> None:
        # Each precinct without data is a packet of one byte. OpenJPEG writes 0x80, other encoders write 0.
        file = tmp_path / "empty.jp2"
        memory = gdal.GetDriverByName("MEM").Create("", 640, 640, 1, gdal.GDT_UInt16)
        memory.SetGeoTransform((600000, 10, 0, 4900020, 0, -10))
        memory.SetProjection("EPSG:32631")
        options = [*LOSSLESS, "PRECINCTS={8,8},{8,8},{8,8}", "BLOCKXSIZE=640", "BLOCKYSIZE=640"]
        gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), memory, options=options)
        content = file.read_bytes()
        assert b"\x80" * 1000 in content
        file.write_bytes(content.replace(b"\x80" * 1000, bytes(1000)))
        assert (gdal.Open(str(file)).ReadAsArray() == 0).all()
        check_file(str(file))


class TestStructure:
    def test_a_tile_part_of_another_length(self, band: Path) -> None:
        start = band.read_bytes().index(b"\xff\x90")
        length = struct.unpack_from(">I", band.read_bytes(), start + 6)[0]
        message = one_line_error(lambda: check_codestream(str(changed(band, start + 6, struct.pack(">I", length - 5)))))
        assert f"byte {start + length - 5}: no tile-part begins here" in message

    def test_a_tile_part_beyond_the_end(self, band: Path) -> None:
        start = band.read_bytes().index(b"\xff\x90")
        changed(band, start + 6, struct.pack(">I", 2**31))
        assert f"byte {start}: the tile-part" in one_line_error(lambda: check_codestream(str(band)))

    def test_an_image_that_ends_early(self, band: Path) -> None:
        content = band.read_bytes()
        second = packets(content).stop
        changed(band, second, b"\xff\xd9")
        assert f"byte {second}: the image ends here" in one_line_error(lambda: check_codestream(str(band)))

    def test_a_missing_tile(self, band: Path) -> None:
        content = band.read_bytes()
        tile_parts = [place.start() for place in re.finditer(rb"\xff\x90\x00\x0a", content)]
        # The last tile gives its number to none but the one before.
        changed(band, tile_parts[-1] + 4, content[tile_parts[-2] + 4 : tile_parts[-2] + 6])
        assert "5 of its 6 tiles" in one_line_error(lambda: check_codestream(str(band)))

    @pytest.mark.parametrize("marker", [b"\xff\x51", b"\xff\x52", b"\xff\x5c"])
    def test_a_main_header_without_a_marker(self, band: Path, marker: bytes) -> None:
        place = band.read_bytes().index(marker)
        assert "main header" in one_line_error(lambda: check_codestream(str(changed(band, place, b"\xff\x64"))))

    @pytest.mark.parametrize("seed", range(10))
    def test_a_damaged_header_is_no_other_error(self, band: Path, seed: int) -> None:
        content = bytearray(band.read_bytes())
        numbers = random.Random(seed)
        header = range(content.index(b"\xff\x4f") + 2, packets(bytes(content)).start)
        for place in numbers.sample(header, 4):
            content[place] = numbers.randrange(256)
        band.write_bytes(content)
        with contextlib.suppress(ProductError):
            check_codestream(str(band))


class TestWholeFiles:
    @pytest.mark.parametrize("style", ["BYPASS", "TERMALL", "RESET", "VSC", "PREDTERM", "SEGSYM"])
    @pytest.mark.parametrize("quality", [LOSSLESS, ["QUALITY=25"], ["QUALITY=5"], ["QUALITY=3,10,40"]])
    def test_of_any_style_of_code_blocks(
        self, damage: ModuleType, tmp_path: Path, quality: list[str], style: str
    ) -> None:
        file = encode(tmp_path / "band.jp2", [*quality, f"CODEBLOCK_STYLE={style}", "CODEBLOCK_WIDTH=16"], 150, 150)
        assert not damage.is_found(file, tmp_path)

    @pytest.mark.parametrize("progression", ["LRCP", "RLCP", "RPCL", "PCRL", "CPRL"])
    @pytest.mark.parametrize(
        "markers", [[], ["SOP=YES"], ["EPH=YES"], ["SOP=YES", "EPH=YES"], ["PLT=YES"], ["TLM=YES"]]
    )
    def test_of_any_progression_and_markers(
        self, damage: ModuleType, tmp_path: Path, progression: str, markers: list[str]
    ) -> None:
        # More than 256 packets, whose numbers follow their markers.
        small = [*markers, f"PROGRESSION={progression}", "PRECINCTS={64,64},{32,32}", "BLOCKXSIZE=128", "BLOCKYSIZE=96"]
        for number, quality in enumerate((LOSSLESS, ["QUALITY=3,10,40"])):
            file = encode(tmp_path / f"{number}.jp2", [*quality, *small], 130, 120)
            assert not damage.is_found(file, tmp_path)
        file = encode(tmp_path / "untiled.jp2", ["QUALITY=25", "PRECINCTS={16,16}", *small[:-3]], 256, 256)
        assert not damage.is_found(file, tmp_path)

    @pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real products is absent")
    def test_of_real_products(self) -> None:
        files = sorted(REAL_DATA.rglob("*.jp2"))
        assert len(files) > 100
        for file in files:
            check_file(str(file))

    @pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real products is absent")
    def test_of_real_products_are_decoded(self, damage: ModuleType, tmp_path: Path) -> None:
        # Of each place and encoder some.
        files = [
            *sorted(REAL_DATA.rglob("*_B0[158].jp2")),
            *sorted((REAL_DATA / "product_masks").rglob("*.jp2")),
            *sorted(REAL_DATA.glob("T55JGF*/B*.jp2")),
        ]
        assert len(files) > 30
        for file in files:
            if gdal.Open(str(file)).GetGeoTransform(can_return_null=True):
                assert not damage.is_found(file, tmp_path), file


def zipped(product: Path, archive: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(archive, "w", compression) as packed:
        for file in sorted(product.rglob("*")):
            if file.is_file():
                packed.write(file, f"{product.name}/{file.relative_to(product)}")
    return archive


def last_byte_of_a_code_block(content: bytes) -> int:
    """Return a place whose change changes hardly a pixel, which nothing but a checksum finds."""
    return packets(content).stop - 1


class TestChecksums:
    @pytest.fixture
    def product(self, tmp_path: Path, band: Path) -> Path:
        folder = tmp_path / "S2A_MSIL1C_20180331T103021_N0510_R108_T31TFJ_20231114T000000.SAFE"
        (folder / BAND).parent.mkdir(parents=True)
        shutil.move(band, folder / BAND)
        return folder

    def manifest(self, product: Path, algorithm: str, value: str, size: int | None = None) -> None:
        size = (product / BAND).stat().st_size if size is None else size
        (product / "manifest.safe").write_text(
            '<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1"><dataObjectSection><dataObject ID="B02">'
            f'<byteStream mimeType="application/octet-stream" size="{size}">'
            f'<fileLocation locatorType="URL" href="./{BAND}"/><checksum checksumName="{algorithm}">{value}</checksum>'
            "</byteStream></dataObject></dataObjectSection></xfdu:XFDU>"
        )

    @pytest.mark.parametrize("name", ["MD5", "SHA3-256"])
    def test_a_manifest_tells_the_least_change(self, product: Path, name: str) -> None:
        file = product / BAND
        self.manifest(product, name, hashlib.new(name.lower().replace("-", "_"), file.read_bytes()).hexdigest().upper())
        check_file(str(file))
        place = last_byte_of_a_code_block(file.read_bytes())
        changed(file, place, bytes([file.read_bytes()[place] ^ 1]))
        message = one_line_error(lambda: check_file(str(file)))
        assert f"{BAND}: is damaged: its {name} is not the one that manifest.safe states; download" in message

    def test_a_manifest_of_another_size_or_kind_is_not_followed(self, product: Path) -> None:
        self.manifest(product, "MD5", "0" * 32, size=12)
        check_file(str(product / BAND))
        self.manifest(product, "CRC-0", "0" * 32)
        check_file(str(product / BAND))

    def test_a_manifest_that_is_no_xml_is_told_of(self, product: Path, caplog: pytest.LogCaptureFixture) -> None:
        (product / "manifest.safe").write_text("<XFDU>")
        check_file(str(product / BAND))
        assert "is not compared with its checksum" in caplog.text

    @pytest.mark.parametrize("in_zip", [False, True])
    def test_a_zip_archive_tells_the_least_change(self, product: Path, tmp_path: Path, in_zip: bool) -> None:
        if in_zip:
            content = (product / BAND).read_bytes()
            self.manifest(product, "MD5", hashlib.md5(content).hexdigest())
        archive = zipped(product, tmp_path / "product.zip")
        path = f"/vsizip/{{{archive}}}/{product.name}/{BAND}"
        check_file(path)
        content = (product / BAND).read_bytes()
        place = archive.read_bytes().index(content) + last_byte_of_a_code_block(content)
        changed(archive, place, bytes([archive.read_bytes()[place] ^ 1]))
        message = one_line_error(lambda: check_file(path))
        assert "its CRC-32 is not the one that the zip archive states" in message

    def test_a_packed_member_is_compared_too(self, product: Path, tmp_path: Path) -> None:
        archive = zipped(product, tmp_path / "product.zip", zipfile.ZIP_DEFLATED)
        check_file(f"/vsizip/{{{archive}}}/{product.name}/{BAND}")
        # The archive's list states another checksum.
        with zipfile.ZipFile(archive) as packed:
            crc = struct.pack("<I", packed.getinfo(f"{product.name}/{BAND}").CRC)
        content = archive.read_bytes()
        archive.write_bytes(content.replace(crc, bytes(4)))
        with pytest.raises(ProductError, match=r"CRC-32|cannot be unpacked"):
            check_file(f"/vsizip/{{{archive}}}/{product.name}/{BAND}")


class TestReaders:
    @pytest.fixture
    def scene(self, tmp_path: Path, small_scene: SyntheticScene) -> tuple[Path, Path]:
        """A scene of its own, and the blue band of its cloudy date."""
        cloudy = tmp_path / small_scene.cloudy.name
        shutil.copytree(small_scene.cloudy, cloudy)
        (blue,) = cloudy.rglob("*_B02.jp2")
        return write_scene(tmp_path / "scene.json", small_scene, cloudy=str(cloudy)), blue

    def test_a_run_finds_a_bit(self, scene: tuple[Path, Path]) -> None:
        file, blue = scene
        # In the coarse levels, which come first.
        place = packets(blue.read_bytes())[2000]
        changed(blue, place, bytes([blue.read_bytes()[place] ^ 0x10]))
        message = refused(3, "run", file)
        assert re.fullmatch(
            rf"{re.escape(str(blue))}: is damaged: a code-block has \d+ bytes (more|less) than its symbols take, "
            r"in the rows \d+ to \d+; download the product again",
            message,
        )
        assert not (file.parent / "work" / "features.tif").exists()

    def test_a_run_finds_zeros_before_it_computes(self, scene: tuple[Path, Path]) -> None:
        file, blue = scene
        changed(blue, blue.stat().st_size // 2, bytes(2000))
        message = refused(3, "run", file)
        assert "is damaged at byte" in message
        assert "zeros" in message
        assert message.endswith("; download the product again")

    def test_quicklooks_name_the_band(self, scene: tuple[Path, Path]) -> None:
        file, blue = scene
        changed(blue, blue.stat().st_size // 2, bytes(2000))
        (date,) = find_dates(file.parent, "31TFJ").dates
        assert date.picture is None
        assert date.problem is not None
        assert f"{blue.name}: is damaged at byte" in date.problem
