"""The C library's memory: kept by the process while buffers of tiles come and go."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_DEFAULTS = {_TRIM_THRESHOLD: 128 << 10, _TOP_PAD: 0, _MMAP_THRESHOLD: 128 << 10}
# The largest that glibc takes for what it maps apart.
_KEPT = {_TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20, _MMAP_THRESHOLD: 32 << 20}


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let glibc keep freed memory for the next buffer, and give it back at the end; elsewhere, do nothing.

    OpenJPEG allocates and frees megabytes for each tile. By default each goes back to the kernel at once, which then
    has to clear the pages of the next: a sixth of the time of decoding a scene.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        yield
        return
    try:
        for parameter, value in _KEPT.items():
            library.mallopt(parameter, value)
        yield
    finally:
        for parameter, value in _DEFAULTS.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)
