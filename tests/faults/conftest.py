"""Make the folders that commands start from once for all tests of this part."""

from collections.abc import Iterator

import pytest
from fault_jobs import Bench
from faults import Faults


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return the place where commands are disturbed."""
    with Faults(tmp_path_factory.mktemp("faults")) as faults:
        made = Bench(faults)
        yield made
        assert made.same_outside(), "a command changed its input"
