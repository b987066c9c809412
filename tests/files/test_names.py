"""Which texts may name a file."""

import pytest

from alcd_otb.files.names import is_file_name


@pytest.mark.parametrize(
    "text",
    ["31TFJ", "S2A_MSIL1C_20171002T103009_N0205_R108_T31TFJ_20171002T103209.SAFE", "Orléans 2", "a" * 255, "ü" * 127],
)
def test_names_of_files(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert is_file_name(text)
    (tmp_path_factory.getbasetemp() / text).mkdir(exist_ok=True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "../x",
        "/x",
        "a/b",
        "a\\b",
        ".hidden",
        "a\nb",
        "a\0b",
        "a\x1b[31m",
        "a" * 256,
        "ü" * 128,
        "\ud800",
        31,
        None,
    ],
)
def test_what_is_none(value: object) -> None:
    assert not is_file_name(value)
