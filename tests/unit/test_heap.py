"""Memory that is freed in ``heap.kept`` is not asked for again."""

import platform
import resource

import numpy as np
import pytest

from mscnn import heap

PAGES = 2**26 // 4096


def new_pages() -> int:
    """Pages that the system gave while an array of 64 MB was made again."""
    np.ones(2**26, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**26, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_is_kept_within_the_context():
    with heap.kept():
        assert new_pages() < PAGES / 10


def test_another_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with heap.kept():
        assert np.ones(3).sum() == 3
