"""How many trainings at a time this machine can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mscnn import jobs
from mscnn.device import choose_device
from mscnn.log import get_logger
from mscnn.recipe.memory import need

if TYPE_CHECKING:
    from mscnn.training.experiment import Setup


def fit(setups: Sequence[Setup], nj: int, jobs_per_device: int = 1) -> tuple[int, list[str]]:
    """Trainings at a time, at most ``nj``, and the GPUs that they are handed round to (none: they share the CPU).

    A notice says what lowers ``nj``: processors, memory, or GPUs, each of which takes ``jobs_per_device``.
    """
    from mscnn.training.sources import Reader

    nj, devices = places(setups[0].device if setups else "cpu", nj, jobs_per_device)
    if nj > 1:
        reader = Reader()
        sizes = {setup.exp: need(setup, reader) or 0 for setup in setups}
        largest = max(sizes, key=lambda exp: sizes[exp])
        free = jobs.memory()
        if sizes[largest]:
            reason = f"{free / 1e9:.1f} GB of memory, and a training of {largest} takes {sizes[largest] / 1e9:.1f} GB"
            nj = _lowered(nj, int(jobs.SHARE * free / sizes[largest]), reason)
    return nj, devices


def places(device: str, nj: int, jobs_per_device: int = 1) -> tuple[int, list[str]]:
    """As :func:`fit`, of processors and GPUs alone."""
    devices: list[str] = []
    if choose_device(device) == "cuda":
        devices = jobs.gpus()
        nj = _lowered(nj, len(devices) * jobs_per_device, f"{len(devices)} GPUs, {jobs_per_device} jobs on each")
    return _lowered(nj, jobs.processors(), f"{jobs.processors()} processors"), devices


def _lowered(nj: int, most: int, reason: str) -> int:
    """At most ``most``, at least 1."""
    if nj > most:
        get_logger("jobs").warning("--nj %d is lowered to %d: there are %s", nj, max(most, 1), reason)
    return max(1, min(nj, most))
