"""Memory of this process: what is freed is kept for the next step of a training, and a bound on what is taken."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

TRIM, MAPPED = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
KEPT = 2**28  # bytes: larger arrays are returned to the system when they are freed
SIZES = Path("/proc/self/statm")
LARGEST = 2**25  # DEFAULT_MMAP_THRESHOLD_MAX: glibc raises its threshold up to here by itself, and may refuse more


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Context in which glibc keeps the memory that is freed; at its end it is returned to the system.

    Otherwise the maps of a network are returned at each step and asked for at the next, when the system fills every
    page with zeros: this took more than half of the time of a step. Afterwards the thresholds are the largest that
    glibc would choose. No effect with other C libraries, or where MALLOC_MMAP_THRESHOLD_ is set, as in recipes.
    """
    if platform.libc_ver()[0] != "glibc" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        yield
        return
    import ctypes

    library = ctypes.CDLL(None)
    library.mallopt(MAPPED, KEPT) or library.mallopt(MAPPED, LARGEST)  # older versions refuse more than LARGEST
    library.mallopt(TRIM, -1)
    try:
        yield
    finally:
        library.mallopt(MAPPED, LARGEST)
        library.mallopt(TRIM, 2 * LARGEST)
        library.malloc_trim(0)


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """Context in which this process may take ``size`` bytes more: asking for further ones fails, instead of its end.

    No effect on systems without ``/proc``.
    """
    if not SIZES.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = int(SIZES.read_text().split()[0]) * resource.getpagesize() + size
    infinity = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *(one for one in (soft, hard) if one != infinity)]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
