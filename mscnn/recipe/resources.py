"""The number of trainings that this machine can run at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn import jobs
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.recipe.memory import Taken, measure

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig


@dataclass(frozen=True)
class Fit:
    """How trainings are distributed over this machine.

    Attributes:
        nj: number of trainings at a time.
        devices: GPUs that they are distributed over; empty: the CPU.
        failed: folders of the experiments whose trainings cannot succeed, because the step that was measured fails.
    """

    nj: int
    devices: list[str]
    failed: list[Path] = field(default_factory=list)


def fit(setups: Sequence[ExperimentConfig], nj: int, jobs_per_device: int = 0) -> Fit:
    """How many trainings run at a time, at most ``nj``, and where.

    Processors and memory limit the number, and on GPUs ``jobs_per_device`` (0: their memory); the log says which of
    them lowers ``nj``. It also has the errors of experiments that fail.
    """
    from mscnn.training.sources import Reader

    if jobs.Settings.of("train").elsewhere:  # a cluster knows its machines
        return Fit(nj, [])
    nj, devices = places(setups[0].device if setups else "cpu", nj, jobs_per_device)
    failed: list[Path] = []
    if nj > 1:
        reader, sizes = Reader(), dict[Path, Taken]()
        for setup in setups:
            try:
                sizes[setup.exp] = measure(setup, reader) or Taken(0)
            except UserError as error:
                get_logger("train").error("error[%s]: %s", error.code, error)
                failed.append(setup.exp)
        nj = _limited(nj, {exp: size.host for exp, size in sizes.items()}, jobs.memory(), "memory")
        if devices and not jobs_per_device:
            on_gpu = {exp: size.gpu for exp, size in sizes.items()}
            nj = _limited(nj, on_gpu, jobs.gpu_memory(), "memory of a GPU", len(devices))
    return Fit(nj, devices, failed)


def places(device: str, nj: int, jobs_per_device: int = 0) -> tuple[int, list[str]]:
    """Number of jobs at a time and their GPUs, as :func:`fit`, limited by processors and ``jobs_per_device`` only."""
    devices: list[str] = []
    if choose_device(device) == "cuda":
        devices = jobs.gpus()
        if jobs_per_device:
            nj = _lowered(nj, len(devices) * jobs_per_device, f"{len(devices)} GPUs, {jobs_per_device} jobs on each")
    return _lowered(nj, jobs.processors(), f"{jobs.processors()} processors"), devices


def _limited(nj: int, sizes: Mapping[Path, int], free: int, what: str, places: int = 1) -> int:
    """``nj``, lowered to what fits ``places`` times into ``free`` bytes."""
    largest = max(sizes, key=lambda exp: sizes[exp], default=Path())
    if not sizes.get(largest):
        return nj
    reason = f"{free / 1e9:.1f} GB of {what}, of which a training of {largest} takes {sizes[largest] / 1e9:.1f}"
    return _lowered(nj, places * int(jobs.MEMORY_SHARE * free / sizes[largest]), reason)


def _lowered(nj: int, most: int, reason: str) -> int:
    """``nj``, but at most ``most`` and at least 1; a lowered number is logged with the reason."""
    if nj > most:
        get_logger("jobs").warning("--nj %d is lowered to %d: there are %s", nj, max(most, 1), reason)
    return max(1, min(nj, most))
