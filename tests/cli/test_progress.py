"""The progress: a bar that is silent on short work and leaves nothing behind; lines of JSON for programs."""

import io
import json

import pytest

from alcd_otb.cli import progress
from alcd_otb.cli.progress import ProgressBar, ProgressLines


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    return io.StringIO()


def test_short_work_draws_nothing() -> None:
    stream = io.StringIO()
    bar = ProgressBar(stream)
    for share in (0.0, 0.5, 1.0):
        bar("classify", share)
    assert stream.getvalue() == ""


def test_long_work_draws_a_line_and_wipes_it(stream: io.StringIO) -> None:
    bar = ProgressBar(stream)
    bar("classify", 0.5)
    drawn = stream.getvalue()
    assert drawn.startswith("\rclassify")
    assert "[" + 20 * "#" + 20 * " " + "]  50%" in drawn
    bar("classify", 1.0)
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


def test_the_same_line_is_not_drawn_again(stream: io.StringIO) -> None:
    bar = ProgressBar(stream)
    bar("train", 0.5)
    drawn = stream.getvalue()
    bar("train", 0.5001)
    assert stream.getvalue() == drawn


def test_the_next_step_wipes_the_last(stream: io.StringIO) -> None:
    bar = ProgressBar(stream)
    bar("train", 0.5)
    bar("classify", 0.25)
    assert "\r\x1b[K\rclassify" in stream.getvalue()


def test_programs_get_a_line_for_each_hundredth() -> None:
    stream = io.StringIO()
    lines = ProgressLines(stream)
    for share in (0.0, 0.001, 0.5, 0.5, 1.0):
        lines("train", share)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert told == [{"stage": "train", "done": done, "of": 100} for done in (0, 50, 100)]
