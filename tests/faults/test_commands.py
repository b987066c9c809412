"""Commands that are disturbed: a call fails, the process is killed, a link lies where they write.

The ordinary tests try one place of each kind a command, drawn by a seed; the slow ones try all of them, and print what
they tried. Another seed is tried with FAULTS_SEED in the environment.
"""

import os
import random
from collections import Counter

import pytest
from fault_checks import disturbed, failing, killing
from fault_jobs import JOBS, Bench, Job
from fault_links import LINKS, planted, written_paths
from faults import Fault

SEED = os.environ.get("FAULTS_SEED", "1")
_LONG = ("demo", "run with other settings", "kfold again", "compare again")
QUICK = [job for job in JOBS if job.name not in _LONG]
"""Commands of the ordinary tests. The others take long, or differ little from these."""

each_quick = pytest.mark.parametrize("job", QUICK, ids=str)
each = pytest.mark.parametrize("job", JOBS, ids=str)


def drawn(job: Job, kind: str) -> random.Random:
    return random.Random(f"{SEED} {job} {kind}")


def told(bench: Bench, job: Job, faults: list[Fault], wrong: list[str]) -> None:
    """Print what was tried."""
    calls = bench.undisturbed(job)[1].calls
    errors = Counter(fault.error or f"killed {fault.kill}" for fault in faults)
    tried = ", ".join(f"{name} {count}" for name, count in sorted(errors.items()))
    print(f"\n{job}: {len(faults)} tries at {len(calls)} calls ({tried}), {len(wrong)} findings")


@each_quick
class TestAnyPlace:
    def test_of_a_failing_call_ends_in_one_line_and_loses_nothing(self, bench: Bench, job: Job) -> None:
        draw = drawn(job, "fails")
        fault = draw.choice(failing(bench, job, draw))
        assert not disturbed(bench, job, fault)

    def test_of_a_kill_loses_nothing(self, bench: Bench, job: Job) -> None:
        faults = killing(bench, job)
        if faults:
            assert not disturbed(bench, job, drawn(job, "killed").choice(faults))

    def test_of_a_link_leaves_what_it_leads_to(self, bench: Bench, job: Job) -> None:
        draw = drawn(job, "link")
        assert not planted(bench, job, draw.choice(written_paths(bench, job)), draw.choice(LINKS))


@pytest.mark.parametrize(
    ("name", "function", "path", "error"),
    [("next", "lock", "samples.gpkg", "EPERM"), ("kfold", "unlink", "folds/model_", "ENOMEM")],
)
def test_a_reason_is_told_in_the_words_of_the_system(
    bench: Bench, name: str, function: str, path: str, error: str
) -> None:
    job = next(job for job in JOBS if job.name == name)
    calls = bench.undisturbed(job)[1].calls
    number = next(call.number for call in calls if call.function == function and any(path in one for one in call.paths))
    assert not disturbed(bench, job, Fault(number, error))


@each
@pytest.mark.slow
class TestEveryPlace:
    def test_of_a_failing_call_ends_in_one_line_and_loses_nothing(self, bench: Bench, job: Job) -> None:
        faults = failing(bench, job, drawn(job, "all fail"))
        wrong = [line for fault in faults for line in disturbed(bench, job, fault)]
        told(bench, job, faults, wrong)
        assert not wrong, "\n".join(wrong)

    def test_of_a_kill_loses_nothing(self, bench: Bench, job: Job) -> None:
        faults = killing(bench, job)
        wrong = [line for fault in faults for line in disturbed(bench, job, fault)]
        told(bench, job, faults, wrong)
        assert not wrong, "\n".join(wrong)

    def test_of_a_link_leaves_what_it_leads_to(self, bench: Bench, job: Job) -> None:
        paths = written_paths(bench, job)
        wrong = [line for path in paths for kind in LINKS for line in planted(bench, job, path, kind)]
        print(f"\n{job}: {len(LINKS)} kinds of links at {len(paths)} paths, {len(wrong)} findings")
        assert not wrong, "\n".join(wrong)
