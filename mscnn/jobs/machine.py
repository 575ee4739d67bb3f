"""Resources available to this process: processors, memory, GPUs.

Recipes run this file as a script, before there is an environment: it prints the number of processors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

MEMORY_SHARE = 0.9  # share of the memory that jobs may use
CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
MEMINFO = Path("/proc/meminfo")


def processors() -> int:
    """Number of processors: the minimum over the machine, CPU affinity, cgroup quotas and the Slurm allocation."""
    counts = [float(os.cpu_count() or 1)]
    if hasattr(os, "sched_getaffinity"):
        counts.append(len(os.sched_getaffinity(0)))
    counts += [_slurm(name) for name in ("CPUS_PER_TASK", "CPUS_ON_NODE") if _slurm(name)]
    for folder in _cgroups("cpu"):
        limits = _fields(folder / "cpu.max")  # version 2 has quota and period in one file, version 1 in two
        limits = limits or _fields(folder / "cpu.cfs_quota_us") + _fields(folder / "cpu.cfs_period_us")
        if len(limits) == 2 and limits[0].isdecimal():
            counts.append(int(limits[0]) / int(limits[1]))
    return max(1, int(min(counts)))


def memory() -> int:
    """Available memory in bytes: the minimum over the machine, the Slurm allocation, and what cgroups leave."""
    slurm = _slurm("MEM_PER_NODE") or _slurm("MEM_PER_CPU") * processors()  # megabytes
    sizes = [_available(), *([slurm << 20] if slurm else [])]
    for folder in _cgroups("memory"):
        limit = _fields(folder / "memory.max") or _fields(folder / "memory.limit_in_bytes")
        if limit and limit[0].isdecimal():
            sizes.append(max(0, int(limit[0]) - _used(folder)))
    return min(sizes)


def gpus() -> list[str]:
    """Available GPUs, each as a value of CUDA_VISIBLE_DEVICES; empty where there is none."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return visible.split(",")[:count] if visible else [str(number) for number in range(count)]


def gpu_memory() -> int:
    """Free memory in bytes: the minimum over the GPUs.

    A child process asks and ends: the answer takes a context on every GPU, which would stay as long as this process.
    """
    from mscnn.jobs.worker import Worker

    with Worker() as worker:
        return cast(int, worker.call(_gpu_memory))


def _gpu_memory() -> int:
    import torch

    return min(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))


def _slurm(name: str) -> int:
    """A number that Slurm states of this job; 0 outside of one."""
    value = os.environ.get(f"SLURM_{name}", "")
    return int(value) if value.isdecimal() else 0


def _used(folder: Path) -> int:
    """Bytes that a cgroup uses, without the cache of files that the kernel gives back when memory is short."""
    used = _fields(folder / "memory.current") or _fields(folder / "memory.usage_in_bytes") or ["0"]
    words = _fields(folder / "memory.stat")
    stat = dict(zip(words[::2], words[1::2], strict=False))
    cache = stat.get("total_inactive_file") or stat.get("inactive_file", "0")  # total: with children, in version 1
    return max(0, int(used[0]) - int(cache))


def _available() -> int:
    for line in MEMINFO.read_text().splitlines() if MEMINFO.exists() else []:
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cgroups(controller: str) -> Iterator[Path]:
    """Folders of the cgroups (version 1 and 2) of this process that limit ``controller``, and their parents."""
    for line in MEMBERSHIP.read_text().splitlines() if MEMBERSHIP.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controller if controllers else CGROUPS
        folder = root / path.lstrip("/")
        yield from [folder, *(parent for parent in folder.parents if parent == root or root in parent.parents)]


def _fields(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


if __name__ == "__main__":
    print(processors())
