"""The desktop tests wait for what is not there yet, and show a real error with its traceback."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis_desktop import Desktop, QuestionError

MISSING = QuestionError("layer('corrections').featureCount()\nTraceback: 'NoneType' object has no attribute")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Desktop]:
    """Return the function that makes a desktop which gives answers in turn, the last one for ever."""

    def made(*answers: Any) -> Desktop:
        turn = itertools.chain(answers, itertools.repeat(answers[-1]))

        def ask(*_: Any) -> Any:
            answer = next(turn)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(Desktop, "ask", ask)
        return Desktop(":0", tmp_path, None, tmp_path)  # type: ignore[arg-type]

    return made


def test_a_layer_that_is_not_there_yet_is_waited_for(answering: Callable[..., Desktop]) -> None:
    assert answering(MISSING, MISSING, False, 1).wait("anything", seconds=20) == 1


def test_an_error_is_shown_when_the_time_is_over(answering: Callable[..., Desktop]) -> None:
    with pytest.raises(QuestionError, match="Traceback"):
        answering(MISSING).wait("anything", seconds=0.2)


def test_a_value_that_stays_is_shown_when_the_time_is_over(answering: Callable[..., Desktop]) -> None:
    with pytest.raises(AssertionError, match="anything is still 2"):
        answering(MISSING, 2).wait("anything", seconds=0.2, wanted=lambda value: value == 3)
