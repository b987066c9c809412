"""Mark a process that runs only this program, so that settings of the whole process may be changed.

A notebook, or a service that imports these packages, keeps its own.
"""

import ctypes
import os

_claimed: list[bool] = []

_MOST_ARENAS = -8
"""The parameter of glibc's mallopt that limits the number of its heaps."""


def own_process() -> None:
    """Mark this process as running only this program. The command line calls it, and a script may.

    From then on all threads share one heap, the C library's memory is tuned while a scene is prepared
    (`otb_pipelines.process.kept_memory`), and GDAL's warnings go to the log once OTB is loaded.
    """
    _claimed.append(True)
    _share_one_heap()


def is_own_process() -> bool:
    """Return whether `own_process` was called."""
    return bool(_claimed)


def _share_one_heap() -> None:
    """Let all threads take their memory from one heap, unless the user has set how many there are.

    By default glibc makes heaps for each thread. Each of them keeps what its threads have freed: with a whole tile at
    60 m, 190 MB of the peak while it is prepared and 150 MB in an iteration. With another C library, nothing is done.
    """
    library = ctypes.CDLL(None)
    if "MALLOC_ARENA_MAX" not in os.environ and hasattr(library, "mallopt"):
        library.mallopt(_MOST_ARENAS, 1)
