"""The options that all sub-commands share, wherever they stand, and the types of the values of options."""

import argparse
from datetime import UTC, datetime

import pytest

from alcd_otb.cli import shared_options
from alcd_otb.cli.main import command_parser
from otb_pipelines.settings import default_settings


def parsed(*words: str) -> argparse.Namespace:
    return command_parser().parse_args(words)


class TestCommonOptions:
    @pytest.mark.parametrize(
        ("words", "verbosity"),
        [
            (("status", "scene.json"), []),
            (("-v", "status", "scene.json"), [1]),
            (("status", "scene.json", "-v"), [1]),
            (("-v", "status", "-v", "scene.json"), [1, 1]),
            (("-vv", "status", "scene.json", "-q"), [1, 1, -1]),
            (("-q", "accuracy", "--quiet", "plan", "-q", "scene.json"), [-1, -1, -1]),
        ],
    )
    def test_verbosity_counts_before_and_after_the_sub_command(
        self, words: tuple[str, ...], verbosity: list[int]
    ) -> None:
        assert parsed(*words).verbosity == verbosity

    @pytest.mark.parametrize("words", [("--threads", "3", "run", "a.json"), ("run", "a.json", "--threads", "3")])
    def test_threads_may_stand_before_and_after(self, words: tuple[str, ...]) -> None:
        assert shared_options.settings_of(parsed(*words)).threads == 3

    def test_the_value_after_the_sub_command_wins(self) -> None:
        settings = shared_options.settings_of(
            parsed("--threads", "3", "--ram", "64", "run", "--threads", "5", "a.json")
        )
        assert (settings.threads, settings.ram) == (5, 64)

    def test_without_them_the_machine_decides(self) -> None:
        assert shared_options.settings_of(parsed("run", "a.json")) == default_settings()

    @pytest.mark.parametrize(
        ("words", "json"),
        [(("schema",), False), (("--json", "schema"), True), (("schema", "--json"), True)],
    )
    def test_json_may_stand_before_and_after(self, words: tuple[str, ...], json: bool) -> None:
        assert parsed(*words).json is json

    def test_each_command_line_counts_for_itself(self) -> None:
        parser = command_parser()
        assert parser.parse_args(["-v", "schema"]).verbosity == [1]
        assert command_parser().parse_args(["schema"]).verbosity == []


class TestValues:
    def test_times_are_utc(self) -> None:
        expected = datetime(2017, 10, 2, 10, 30, tzinfo=UTC)
        assert shared_options.utc("2017-10-02T10:30") == expected
        assert shared_options.utc("2017-10-02T12:30+02:00") == expected

    def test_metres_as_range_or_list(self) -> None:
        assert shared_options.metres("0:300:100") == (0, 100, 200, 300)
        assert shared_options.metres("0,180") == (0, 180)

    @pytest.mark.parametrize(
        "words",
        [
            ("run", "a.json", "--from", "two"),
            ("run", "a.json", "--threads", "0"),
            ("--ram", "1.5", "run", "a.json"),
            ("next", "a.json", "-n", "-1"),
            ("accuracy", "plan", "a.json", "--seed", "-1"),
            ("demo", "folder", "--size", "large"),
            ("export", "a", "b", "--layout", "cog", "--acquired", "yesterday"),
            ("compare", "a", "b", "--dilate", "wide"),
        ],
    )
    def test_a_wrong_value_is_named_without_a_name_of_python(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            parsed(*words)
        assert ended.value.code == 2
        message = capsys.readouterr().err.splitlines()[-1]
        wrong = next(word for word in words if word in ("two", "0", "1.5", "-1", "large", "yesterday", "wide"))
        assert repr(wrong) in message
        assert "invalid" not in message
        assert not any(name in message for name in ("int", "float", "positive", "whole_number", "utc", "metres"))
