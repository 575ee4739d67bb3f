"""Resources of a process: the minimum over machine, cgroups and Slurm."""

import os
import subprocess
import sys

import pytest

from mscnn.jobs import machine

GB = 1 << 30


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine of 16 processors and 32 GB, whose files are in ``tmp_path``."""
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)))
    for name in ("CPUS_PER_TASK", "CPUS_ON_NODE", "MEM_PER_NODE", "MEM_PER_CPU"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {32 * GB >> 10} kB\n")

    def write(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_without_limits(host, monkeypatch):
    assert (machine.processors(), machine.memory()) == (12, 32 * GB)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert machine.processors() == 3


def test_what_slurm_gives_a_job(host, monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "4")
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "2048")
    assert (machine.processors(), machine.memory()) == (4, 8 * GB)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "3072")
    assert (machine.processors(), machine.memory()) == (2, 3 * GB)
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "0")  # all of the node
    monkeypatch.delenv("SLURM_MEM_PER_CPU")
    assert machine.memory() == 32 * GB


def test_a_script_prints_the_processors_of_the_process():
    """As recipes do, where the number of threads of a library must not count."""
    only = "import os, runpy, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
    command = [sys.executable, "-I", "-c", f"{only} runpy.run_path(sys.argv[1], run_name='__main__')", machine.__file__]
    assert subprocess.run(command, env={"OMP_NUM_THREADS": "7"}, capture_output=True, text=True).stdout == "1\n"


def test_cgroups_of_version_2_and_those_above_them(host):
    host("0::/a/b\n", a__b__cpu_DOT_max="max 100000\n", a__cpu_DOT_max="250000 100000\n")
    assert (machine.processors(), machine.memory()) == (2, 32 * GB)
    host("0::/a/b\n", a__b__memory_DOT_max=f"{8 * GB}\n", memory_DOT_max="max\n", cpu_DOT_max="50000 100000\n")
    assert (machine.processors(), machine.memory()) == (1, 8 * GB)


def test_memory_that_a_cgroup_uses_is_not_available_but_its_cache_is(host):
    host("0::/a\n", a__memory_DOT_max=f"{8 * GB}\n", a__memory_DOT_current=f"{6 * GB}\n")
    assert machine.memory() == 2 * GB
    host("0::/a\n", a__memory_DOT_stat=f"anon {GB}\nfile {5 * GB}\ninactive_file {4 * GB}\nactive_file {GB}\n")
    assert machine.memory() == 6 * GB
    host("0::/a\n", a__memory_DOT_current=f"{13 * GB}\n")
    assert machine.memory() == 0
    host("0::/a\n", memory_DOT_max=f"{9 * GB}\n", memory_DOT_current=f"{8 * GB}\n", a__memory_DOT_current="0\n")
    assert machine.memory() == GB  # of the cgroup above


def test_cgroups_of_version_1(host):
    host(
        "4:memory:/j\n3:cpu,cpuacct:/j\n0::/\n",
        cpu__j__cpu_DOT_cfs_quota_us="400000\n",
        cpu__j__cpu_DOT_cfs_period_us="100000\n",
        cpu__cpu_DOT_cfs_quota_us="-1\n",
        cpu__cpu_DOT_cfs_period_us="100000\n",
        memory__j__memory_DOT_limit_in_bytes=f"{4 * GB}\n",
        memory__j__memory_DOT_usage_in_bytes=f"{3 * GB}\n",
        memory__j__memory_DOT_stat=f"inactive_file 0\ntotal_inactive_file {2 * GB}\n",
    )
    assert (machine.processors(), machine.memory()) == (4, 3 * GB)


def test_a_child_process_asks_for_the_memory_of_gpus(tmp_path, monkeypatch):
    """What asks has a context on every GPU until it ends."""
    (tmp_path / "torch.py").write_text(
        "import os\n\nclass cuda:\n    device_count = lambda: 2\n"
        "    mem_get_info = lambda number: (os.getpid() + number, 0)\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    child = machine.gpu_memory()
    assert child != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
