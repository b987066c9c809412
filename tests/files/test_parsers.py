"""XML, JSON and zip archives that others wrote: each is read, or refused in one line; and all go through one parser."""

import ast
import json
import random
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from places import ROOT

from alcd_otb.files.json_file import parse_json, read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.xml_file import parse_xml, read_xml
from alcd_otb.files.zip_file import read_member, zip_members

ENTITIES = '<!ENTITY a "ten times ten">' + "".join(f'<!ENTITY {key} "{"&a;" * 10}">' for key in "bcd")


def refusal(action: Callable[[], object]) -> str:
    """The message of an UnreadableError, which is one line."""
    with pytest.raises(UnreadableError) as caught:
        action()
    message = str(caught.value)
    assert message.isprintable()
    return message


class TestXml:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
    @pytest.mark.parametrize(
        "doctype",
        [
            "<!DOCTYPE a>",
            "<!-- first --><?pi x?>\n<!DOCTYPE a [<!ENTITY e 'x'>]>",
            '<!DOCTYPE a SYSTEM "http://localhost:9/a.dtd">',
            "<!DOCTYPE a PUBLIC 'b' 'file:///etc/passwd'>",
            f"<!DOCTYPE a [{ENTITIES}]>",
            "<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>",
            "<!DOCTYPE qgis [<!ENTITY e 'x'>]>",
        ],
    )
    def test_with_a_document_type_is_refused_in_every_encoding(self, doctype: str, encoding: str) -> None:
        mark = b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff" if encoding == "utf-16-be" else b""
        declared = "utf-16" if encoding.startswith("utf-16") else encoding
        text = f'<?xml version="1.0" encoding="{declared}"?>{doctype}<a>b</a>'
        assert "declares a DTD" in refusal(lambda: parse_xml(mark + text.encode(encoding)))
        assert "declares a DTD" in refusal(lambda: parse_xml(mark + text.encode(encoding), doctype="qgis"))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
    def test_without_one_is_read_in_every_encoding(self, encoding: str) -> None:
        text = f'<?xml version="1.0" encoding="{encoding}"?><!-- - --><a b="é">&lt;<![CDATA[<!DOCTYPE x>]]></a>'
        root = parse_xml(text.encode(encoding))
        assert (root.get("b"), root.text) == ("é", "<<!DOCTYPE x>")

    def test_the_document_type_of_qgis_is_allowed_in_its_projects_alone(self) -> None:
        project = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'><qgis><!-- kept --></qgis>"
        assert len(parse_xml(project, doctype="qgis")) == 1
        assert "declares a DTD" in refusal(lambda: parse_xml(project))

    def test_of_more_bytes_than_the_limit_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "a.xml"
        file.write_bytes(b"<a>" + b" " * 93 + b"</a>")
        assert read_xml(file, 100).tag == "a"
        assert "is larger than 99 bytes" in refusal(lambda: read_xml(file, 99))

    @pytest.mark.parametrize(
        "content",
        [
            b"<a>" * 300 + b"</a>" * 300,
            b"<a>" + b"<a/>" * 600_000 + b"</a>",
            b"<a " + b" ".join(b'x%d=">"' % number for number in range(50_000)) + b"/>",
        ],
        ids=["deep", "many elements", "many attributes"],
    )
    def test_that_would_take_memory_or_time_is_refused(self, content: bytes) -> None:
        refusal(lambda: parse_xml(content, 2**24))

    @pytest.mark.parametrize(
        "content",
        [b"", b"\0", b"<a", b"<a>&b;</a>", b'<?xml version="1.0" encoding="utf-7"?><a/>', b"<a>\xff</a>", b"\xff\xfe<"],
    )
    def test_that_is_not_well_formed_is_refused(self, content: bytes) -> None:
        assert "well-formed" in refusal(lambda: parse_xml(content))

    def test_with_bytes_changed_at_random_is_read_or_refused(self) -> None:
        random_, refusals = random.Random(1), list[str]()
        whole = b'<?xml version="1.0" encoding="UTF-8"?><n:a xmlns:n="http://n"><b c="1">&amp;<!-- d --></b></n:a>'
        for _ in range(2000):
            try:
                parse_xml(_changed(whole, random_))
            except UnreadableError as error:
                refusals.append(str(error))
        assert 0 < len(refusals) < 2000
        assert all(message.isprintable() for message in refusals)


class TestJson:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"a": 1, "a": 2}', "key 'a' occurs twice"),
            ("[NaN]", "NaN"),
            ("[-Infinity]", "-Infinity"),
            ("[1e999]", "too large"),
            ("[" + "1" * 5000 + "]", "5000 digits"),
            ("[" * 100 + "]" * 100, "nested deeper than 64"),
            ("[" * 100_000, "nested deeper than 64"),
            ('{"a":' * 100_000, "nested deeper than 64"),
            ('["\\ud800"]', "invalid character"),
            ('{"\\udfff": 1}', "invalid character"),
            ('["a\\u0000b"]', "invalid character"),
            ("", "is not valid JSON"),
        ],
    )
    def test_that_cannot_be_used_is_refused(self, text: str, expected: str) -> None:
        assert expected in refusal(lambda: parse_json(text.encode()))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
    @pytest.mark.parametrize("text", ['{"name": "Arles"}', "[1]", '{"é": 1}'])
    def test_of_wide_characters_is_told_by_name(self, text: str, encoding: str) -> None:
        name = encoding[:6].upper()
        assert refusal(lambda: parse_json(text.encode(encoding))) == (
            f"is not valid JSON (it is in {name}; save it as UTF-8)"
        )

    @pytest.mark.parametrize("content", [b"\xff\xfe[\0]\0", b'["\xff"]', '["é"]'.encode("latin-1")])
    def test_that_is_no_utf_8_is_refused(self, content: bytes) -> None:
        assert "save it as UTF-8" in refusal(lambda: parse_json(content))

    @pytest.mark.parametrize("value", [None, [], {}, [1.5e300, -(10**18), "é\U0001f600"], {"a": [{"b": "c\n"}]}])
    def test_is_read_as_python_reads_it(self, value: object) -> None:
        assert parse_json(json.dumps(value).encode()) == value
        assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8-sig")) == value

    def test_the_last_of_repeated_keys_counts_where_they_are_allowed(self) -> None:
        assert parse_json(b'{"a": 1, "a": 2}', repeated_keys=True) == {"a": 2}

    def test_that_is_absent_or_too_large_is_refused(self, tmp_path: Path) -> None:
        assert "No such file" in refusal(lambda: read_json(tmp_path / "absent.json"))
        assert "cannot be read" in refusal(lambda: read_json(tmp_path))
        assert "cannot be read" in refusal(lambda: read_json(tmp_path / "a\0b"))
        (tmp_path / "large.json").write_bytes(b" " * 101)
        assert "is larger" in refusal(lambda: read_json(tmp_path / "large.json", most=100))

    def test_with_bytes_changed_at_random_is_read_or_refused(self) -> None:
        random_, refusals = random.Random(2), list[str]()
        whole = json.dumps({"name": "é", "list": [1, 2.5, None, True, {"a": "\u2028"}], "n": -1e5}).encode()
        for _ in range(3000):
            try:
                json.dumps(parse_json(_changed(whole, random_)), allow_nan=False, ensure_ascii=False).encode()
            except UnreadableError as error:
                refusals.append(str(error))
        assert 0 < len(refusals) < 3000
        assert all(message.isprintable() for message in refusals)


class TestZip:
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Path:
        file = tmp_path / "a.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a/b.xml", b"<b/>" * 1000)
            packed.writestr("a/c.xml", b"<c/>" * 1000)
        return file

    def test_a_member_is_read_up_to_the_limit(self, archive: Path) -> None:
        assert [member.name for member in zip_members(archive)] == ["a/b.xml", "a/c.xml"]
        assert read_member(archive, "a/b.xml", 4000) == b"<b/>" * 1000
        assert "is larger than 3999 bytes" in refusal(lambda: read_member(archive, "a/b.xml", 3999))

    def test_a_size_that_is_stated_too_small_does_not_help(self, archive: Path) -> None:
        content = archive.read_bytes()
        assert content.count(struct.pack("<I", 4000)) == 4
        archive.write_bytes(content.replace(struct.pack("<I", 4000), struct.pack("<I", 40)))
        assert "damaged" in refusal(lambda: read_member(archive, "a/b.xml", 100))

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("../b", "leads out"),
            ("/b", "leads out"),
            ("a/../../b", "leads out"),
            ("..\\b", "leads out"),
            ("C:\\b", "leads out"),
            ("a\nb", "leads out"),
            ("a\x1bb", "leads out"),
        ],
    )
    def test_names_that_lead_out_are_refused(self, tmp_path: Path, name: str, expected: str) -> None:
        file = tmp_path / "a.zip"
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        with zipfile.ZipFile(file, "w") as packed:
            packed.writestr(entry, b"x")
        (member,) = zip_members(file)
        assert expected in str(member.problem)
        assert expected in refusal(lambda: read_member(file, member.name, 100))

    def test_backslashes_are_read_as_gdal_reads_them(self, tmp_path: Path) -> None:
        entry = zipfile.ZipInfo("x")
        entry.filename = "a\\b\\c.txt"
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
            packed.writestr(entry, b"content")
        assert [member.name for member in zip_members(tmp_path / "a.zip")] == ["a/b/c.txt"]
        assert read_member(tmp_path / "a.zip", "a/b/c.txt", 100) == b"content"

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_what_is_twice_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
            packed.writestr("a", b"1")
            packed.writestr("./a", b"2")
        assert {member.problem for member in zip_members(tmp_path / "a.zip")} == {
            "occurs twice in the archive; pack it again"
        }

    def test_links_and_packing_that_is_not_read_are_refused(self, tmp_path: Path) -> None:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
            packed.writestr(link, b"/etc/passwd")
            packed.writestr("lzma", b"x", zipfile.ZIP_LZMA)
            packed.writestr("whole", b"x")
        content = (tmp_path / "a.zip").read_bytes()
        problems = {member.name: member.problem for member in zip_members(tmp_path / "a.zip")}
        assert "is a link" in str(problems["link"])
        assert "unpack the archive" in str(problems["lzma"])
        assert problems["whole"] is None
        place = content.rindex(b"PK\x01\x02") + 8
        encrypted = content[:place] + b"\x01" + content[place + 1 :]
        assert "is encrypted" in str(zip_members(encrypted)[-1].problem)

    def test_that_is_cut_off_or_changed_at_random_is_read_or_refused(self, archive: Path) -> None:
        whole, random_, refusals = archive.read_bytes(), random.Random(3), list[str]()
        broken = [whole[:end] for end in range(0, len(whole), 7)]
        broken += [_changed(whole, random_) for _ in range(1000)]
        for content in broken:
            try:
                for member in zip_members(content):
                    read_member(content, member.name, 5000)
            except UnreadableError as error:
                refusals.append(str(error))
        assert 0 < len(refusals) < len(broken)
        assert all(message.isprintable() for message in refusals)
        assert "cut off" in refusal(lambda: zip_members(whole[:-30]))

    def test_a_list_of_members_that_is_too_large_is_refused(self, archive: Path) -> None:
        content = bytearray(archive.read_bytes())
        content[-10:-6] = struct.pack("<I", 2**30)
        assert "lists its files" in refusal(lambda: zip_members(bytes(content)))


def test_a_member_of_hundreds_of_megabytes_takes_no_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed, packed.open("MTD", "w") as member:
        for _ in range(400):
            member.write(bytes(2**20))
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from alcd_otb.files.zip_file import read_member\nfrom alcd_otb.files.reading import UnreadableError\n"
        "try:\n    read_member(Path(sys.argv[1]), 'MTD', 2**23)\n"
        "except UnreadableError as error:\n    print(error)\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(*[int(line.split()[1]) // 1024 for line in lines if line.startswith('VmHWM')])"
    )
    printed = subprocess.run([sys.executable, "-c", program, bomb], capture_output=True, text=True, check=True).stdout
    message, megabytes = printed.splitlines()
    assert "is larger than 8 MB" in message
    assert int(megabytes) < 150


SOURCES = [*ROOT.glob("alcd_otb/**/*.py"), *ROOT.glob("otb_pipelines/**/*.py")]
PARSERS = {
    "xml": r"(etree|ElementTree)\.(XML|HTML|parse|iterparse|fromstring)\w*|expat\.ParserCreate|.*minidom",
    "json": r"json\.loads?|.*JSONDecoder",
    "zip": r".*\.(extract|extractall|is_zipfile)",
    "time": r".*\.(strptime|fromisoformat)",
}
ALLOWED = {
    "xml": {"alcd_otb/files/xml_file.py"},
    "json": {"alcd_otb/files/json_file.py"},
    "zip": set(),
    "time": {"alcd_otb/products/times.py"},
}
OF_OUR_OWN = {
    # What the program itself has written.
    "otb_pipelines/messages.py",
    "alcd_otb/files/holder.py",
    "alcd_otb/export/target.py",
    # Looks for a key that GDAL must not see.
    "alcd_otb/raster/descriptions.py",
}


@pytest.fixture(scope="module")
def attributes() -> dict[str, list[str]]:
    """What is taken from a module or an object, such as etree.parse, by source."""
    return {
        source.relative_to(ROOT).as_posix(): [
            ast.unparse(node)
            for node in ast.walk(ast.parse(source.read_text("utf-8")))
            if isinstance(node, ast.Attribute)
        ]
        for source in SOURCES
    }


@pytest.mark.parametrize("kind", PARSERS)
def test_there_is_one_parser_for_each(kind: str, attributes: dict[str, list[str]]) -> None:
    users = {source for source, taken in attributes.items() if any(re.fullmatch(PARSERS[kind], name) for name in taken)}
    assert users - (OF_OUR_OWN if kind == "json" else set()) == ALLOWED[kind]


def _changed(content: bytes, random_: random.Random) -> bytes:
    """Change, insert or remove one to four bytes, or cut the content off."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 4)):
        place = random_.randrange(len(changed) + 1)
        match random_.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([random_.randrange(256)])
            case 1:
                changed[place:place] = random_.choice(
                    [b"\0", b"<", b"&", b'"', b"[", b"{", b"9" * 30, b"\xc3", b"\\u0000"]
                )
            case 2:
                del changed[place : place + random_.randint(1, 9)]
            case _:
                del changed[place if random_.random() < 0.1 else len(changed) :]
    return bytes(changed)
