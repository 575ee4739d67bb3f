"""A real Slurm for the tests of this folder; they are skipped, with the reason, where it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.slurm.cluster import Slurm


@pytest.fixture(scope="package")
def slurm(tmp_path_factory) -> Iterator[Slurm]:
    """A running cluster of four processors."""
    folder = tmp_path_factory.mktemp("slurm")
    try:
        cluster = Slurm(folder)
        cluster.start()
    except (RuntimeError, OSError) as error:
        pytest.skip(str(error))
    yield cluster
    cluster.stop()
