"""Signals that stop a command: it cleans up, and ends with a documented exit code."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar

_MEANINGS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "the terminal was closed"}
_PATIENCE = 10.0
"""Seconds for the cleaning up. A later signal ends the process at once; the next run then removes unfinished files."""
_AGAIN = 0.02
"""Seconds after which a signal is sent again that came while Python could not raise it."""


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end. Code that cleans up after Ctrl-C cleans up after this, too.

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

    former_hook = sys.unraisablehook
    sys.unraisablehook = _sending_again(owner, first)
    former = {number: signal.getsignal(number) for number in _MEANINGS}
    for number, handler in former.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        sys.unraisablehook = former_hook
        for number, handler in former.items():
            if handler is not None:
                signal.signal(number, handler)


def _sending_again(owner: int, first: list[float]) -> "Callable[[sys.UnraisableHookArgs], None]":
    """Return a hook that sends a signal again which came while Python could not raise it.

    Python drops what is raised while it destroys an object, which may be the very moment of the signal.

    Parameters
    ----------
    owner
        ID of the process.
    first
        Time of the first signal, which is set back.
    """
    former = sys.unraisablehook

    def hook(dropped: "sys.UnraisableHookArgs") -> None:
        if isinstance(dropped.exc_value, Stopped):
            first[0] = 0.0
            threading.Timer(_AGAIN, os.kill, (owner, dropped.exc_value.exit_code - 128)).start()
        else:
            former(dropped)

    return hook
