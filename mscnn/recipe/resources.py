"""The number of trainings that this machine can run at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mscnn import jobs
from mscnn.device import choose_device
from mscnn.log import get_logger
from mscnn.recipe.memory import measure

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig


def fit(setups: Sequence[ExperimentConfig], nj: int, jobs_per_device: int = 1) -> tuple[int, list[str]]:
    """Number of trainings at a time, at most ``nj``, and the GPUs that they are distributed over (none: the CPU).

    Processors, memory, and ``jobs_per_device`` per GPU limit the number; the log says which of them lowers ``nj``.
    """
    from mscnn.training.sources import Reader

    nj, devices = places(setups[0].device if setups else "cpu", nj, jobs_per_device)
    if nj > 1:
        reader = Reader()
        sizes = {setup.exp: measure(setup, reader) or 0 for setup in setups}
        largest = max(sizes, key=lambda exp: sizes[exp])
        free = jobs.memory()
        if sizes[largest]:
            reason = f"{free / 1e9:.1f} GB of memory, of which a training of {largest} takes {sizes[largest] / 1e9:.1f}"
            nj = _lowered(nj, int(jobs.MEMORY_SHARE * free / sizes[largest]), reason)
    return nj, devices


def places(device: str, nj: int, jobs_per_device: int = 1) -> tuple[int, list[str]]:
    """As :func:`fit`, limited by processors and GPUs only."""
    devices: list[str] = []
    if choose_device(device) == "cuda":
        devices = jobs.gpus()
        nj = _lowered(nj, len(devices) * jobs_per_device, f"{len(devices)} GPUs, {jobs_per_device} jobs on each")
    return _lowered(nj, jobs.processors(), f"{jobs.processors()} processors"), devices


def _lowered(nj: int, most: int, reason: str) -> int:
    """``nj``, but at most ``most`` and at least 1; a lowered number is logged with the reason."""
    if nj > most:
        get_logger("jobs").warning("--nj %d is lowered to %d: there are %s", nj, max(most, 1), reason)
    return max(1, min(nj, most))
