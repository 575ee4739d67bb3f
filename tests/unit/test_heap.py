"""Memory that is freed in ``heap.kept`` is not asked for again."""

import ctypes
import platform
import resource
from types import SimpleNamespace

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
def test_memory_is_kept_within_the_context(monkeypatch):
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    with heap.kept():
        assert new_pages() < PAGES / 10


def test_another_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with heap.kept():
        assert np.ones(3).sum() == 3


@pytest.fixture
def older(monkeypatch):
    """Thresholds of an older glibc, which refuses to map only arrays of more than 32 MB."""
    found = {}

    def mallopt(name, value):
        if name == heap.MAPPED and value > 2**25:
            return 0
        found[name] = value
        return 1

    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt, malloc_trim=lambda pad: 1))
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    return found


def test_an_older_library_keeps_as_much_as_it_can(older):
    with heap.kept():
        assert older == {heap.MAPPED: 2**25, heap.TRIM: -1}
    assert older == {heap.MAPPED: 2**25, heap.TRIM: 2**26}


def test_thresholds_of_the_environment_are_left_alone(older, monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", str(2**31))
    with heap.kept():
        pass
    assert older == {}
