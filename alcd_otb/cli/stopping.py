"""Signals that stop a command: it cleans up, and ends with a documented exit code."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar

_MEANINGS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "the terminal was closed"}
_PATIENCE = 10.0
"""Seconds that the cleaning up has. A signal after them ends the process at once; the next run removes what is left."""


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end. Whoever cleans up after Ctrl-C does so after this, too.

    Parameters
    ----------
    number
        The signal.
    """

    INTERRUPTED: ClassVar[int] = 128 + signal.SIGINT

    def __init__(self, number: int) -> None:
        super().__init__(_MEANINGS[signal.Signals(number)])
        self.exit_code = 128 + number


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` at the first signal that asks to end, until the block ends.

    More signals do not disturb the cleaning up, as when Ctrl-C is pressed twice. A signal that whoever started the
    process has chosen to ignore, as ``nohup`` does, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner, first = os.getpid(), [0.0]

    def stop(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:
            # A copy of this process, which has nothing to clean up.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not first[0]:
            first[0] = time.monotonic()
            raise Stopped(number)
        elif time.monotonic() - first[0] > _PATIENCE:
            os._exit(128 + number)

    former = {number: signal.getsignal(number) for number in _MEANINGS}
    for number, handler in former.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in former.items():
            if handler is not None:
                signal.signal(number, handler)
