"""What becomes of a scene, as a table: how its attempts ended, what follows, and the memory of the next one."""

import pytest

from alcd_otb.batch.rules import Cause, End, Verdict, memory_for, verdict

MEMORY, TIME, PREEMPTED, NODE, KILLED = Cause.MEMORY, Cause.TIME, Cause.PREEMPTED, Cause.NODE, Cause.UNKNOWN


@pytest.mark.parametrize(
    ("ends", "expected", "memory"),
    [
        ([], Verdict.TO_DO, 2000),
        ([End(0)], Verdict.DONE, 2000),
        # What a person must mend.
        ([End(2)], Verdict.FAILED, 2000),
        ([End(3)], Verdict.FAILED, 2000),
        ([End(4)], Verdict.FAILED, 2000),
        # Once more.
        ([End(5)], Verdict.AGAIN_NOW, 2000),
        ([End(5), End(5)], Verdict.FAILED, 2000),
        ([End(5), End(0)], Verdict.DONE, 2000),
        ([End(5), End(143, TIME), End(5)], Verdict.FAILED, 2000),
        ([End(5), End(0), End(5)], Verdict.AGAIN_NOW, 2000),
        # A crash, or an interpreter that does not start.
        ([End(139)], Verdict.AGAIN_NOW, 2000),
        ([End(139), End(134)], Verdict.FAILED, 2000),
        ([End(1)], Verdict.AGAIN_NOW, 2000),
        ([End(6)], Verdict.STOP, 2000),
        ([End(7)], Verdict.LATER, 2000),
        ([End(7)] * 9, Verdict.LATER, 2000),
        # Twice more, each time with half as much again.
        ([End(None, MEMORY)], Verdict.MORE_MEMORY, 3000),
        ([End(None, MEMORY), End(137, MEMORY)], Verdict.MORE_MEMORY, 4500),
        ([End(None, MEMORY)] * 3, Verdict.FAILED, 4500),
        ([End(None, MEMORY), End(143, TIME)], Verdict.AGAIN, 3000),
        ([End(None, MEMORY), End(None, NODE), End(0)], Verdict.DONE, 3000),
        # Somebody ended it.
        ([End(143)], Verdict.AGAIN, 2000),
        ([End(143, TIME)] * 5, Verdict.AGAIN, 2000),
        ([End(143, PREEMPTED)], Verdict.AGAIN, 2000),
        ([End(130)], Verdict.AGAIN, 2000),
        ([End(129)], Verdict.AGAIN, 2000),
        ([End(None)], Verdict.AGAIN, 2000),
        ([End(None, KILLED)] * 5, Verdict.AGAIN, 2000),
        ([End(None, NODE)], Verdict.AGAIN, 2000),
    ],
)
def test_what_becomes_of_a_scene(ends: list[End], expected: Verdict, memory: int) -> None:
    assert verdict(ends) is expected
    assert memory_for(ends, 2000) == memory
