"""Memory of the C library: what is freed is kept for the next step of a training."""

import contextlib
import platform
from collections.abc import Iterator

TRIM, MAPPED = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
KEPT = 2**28  # bytes: larger arrays are returned to the system when they are freed
DEFAULT = 2**17


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Context in which glibc keeps the memory that is freed; at its end it is returned to the system.

    Otherwise the maps of a network are returned at each step and asked for at the next, when the system fills every
    page with zeros: this took more than half of the time of a step. Other C libraries: no effect.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    import ctypes

    library = ctypes.CDLL(None)
    library.mallopt(TRIM, -1)
    library.mallopt(MAPPED, KEPT)
    try:
        yield
    finally:
        library.mallopt(TRIM, DEFAULT)
        library.mallopt(MAPPED, DEFAULT)
        library.malloc_trim(0)
