"""What a person reads of OTB's errors."""

import pytest

from otb_pipelines.errors import OtbError


@pytest.mark.parametrize(
    ("message", "summary"),
    [
        ("OTB application A failed: no such file", "OTB application A failed: no such file"),
        ("/build/itkFoo.cxx:123:\nitk::ERROR: Foo(0x55d0c0): no such file", "no such file"),
        ("A failed: In GetNextRawFeature(): sqlite3_step() : disk I/O error", "A failed: disk I/O error"),
        ("sqlite3_exec(INSERT INTO a VALUES (1)) failed: disk I/O error", "disk I/O error"),
        ("sqlite3_step() failed:\n  disk I/O error", "disk I/O error"),
        ("value (2): too large", "value (2): too large"),
    ],
)
def test_the_summary_names_no_function_of_a_library(message: str, summary: str) -> None:
    assert OtbError(message).summary == summary


def test_the_summary_is_short() -> None:
    assert OtbError("a" * 1000).summary == "a" * 296 + " ..."
