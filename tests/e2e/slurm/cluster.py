"""A real Slurm of one machine, from Debian packages unpacked into a folder: nothing is installed, no accounting.

``python -m tests.e2e.slurm.cluster FOLDER COMMAND...`` runs a command beside it.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PACKAGES = (
    "slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "libslurm38", "libhwloc15", "libnuma1",
)  # fmt: skip
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SchedulerParameters=batch_sched_delay=1,sched_interval=2
PluginDir={root}/usr/lib/x86_64-linux-gnu/slurm-wlm
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdTimeout=20
KillWait=5
MinJobAge=30
DefMemPerCPU=1500
MaxArraySize={array}
MaxJobCount=20000
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory}
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """The cluster; ``environment`` makes its commands the first in PATH."""

    def __init__(self, folder: Path, cpus: int = 4, array: int = 1001) -> None:
        """Unpack it below ``folder``; raises RuntimeError where the packages cannot be had."""
        self.folder, self.root = folder, folder / "root"
        self.processes: dict[str, subprocess.Popen] = {}
        if not self.root.exists():
            unpack(folder)
        for name in ("state", "spool"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir()
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            ports = one.getsockname()[1], two.getsockname()[1]
        host = os.uname().nodename
        memory = (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20) - 100
        options = {"host": host, "ports": ports, "user": getpass.getuser(), "root": self.root, "folder": folder}
        text = CONF.format(**options, cpus=cpus, array=array, memory=memory)
        (folder / "slurm.conf").write_text(text)
        libraries = self.root / "usr/lib/x86_64-linux-gnu"
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{self.root}/usr/bin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{libraries}:{libraries}/slurm-wlm",
        }

    def start(self) -> None:
        """Start both daemons, and wait until the node is idle."""
        self.controller()
        self.node()
        deadline = time.monotonic() + 60
        while "idle" not in self.run("sinfo", "-h", "-o", "%T").stdout:
            if time.monotonic() > deadline:
                raise RuntimeError("slurm did not start: " + self.run("sinfo").stdout + self.run("sinfo").stderr)
            time.sleep(0.5)

    def controller(self) -> None:
        """Start slurmctld."""
        self._daemon("slurmctld", [f"{self.root}/usr/sbin/slurmctld-wlm", "-D"])

    def node(self) -> None:
        """Start slurmd."""
        self._daemon("slurmd", [f"{self.root}/usr/sbin/slurmd-wlm", "-D", "-d", f"{self.root}/usr/sbin/slurmstepd-wlm"])

    def kill(self, name: str) -> None:
        """End a daemon by SIGKILL."""
        self.processes[name].kill()
        self.processes[name].wait()

    def steps(self) -> list[int]:
        """Process ids of the step daemons."""
        return self._processes(b"slurmstepd")

    def jobs(self) -> list[int]:
        """Process ids of the tasks of mscnn."""
        return self._processes(b"mscnn.jobs.task")

    def queued(self) -> list[str]:
        """States of the tasks that run, or will."""
        return self.run("squeue", "-h", "-r", "-o", "%T").stdout.split()

    def resume(self) -> None:
        """As an administrator would: a node that Slurm drained takes jobs again.

        A controller that was killed may give the number of a job a second time ("Duplicate jobid").
        """
        if drained := self.run("sinfo", "-h", "-t", "drain", "-o", "%n").stdout.split():
            self.run("scontrol", "update", f"NodeName={drained[0]}", "State=RESUME")

    def _processes(self, name: bytes) -> list[int]:
        """Processes with a word in their command line, and with the folder in their environment."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                ours = str(self.folder).encode() in (path / "environ").read_bytes()
                words = (path / "cmdline").read_bytes()
                if ours and name in words and b"slurmd-wlm" not in words.split(b"\0")[0]:
                    found.append(int(path.name))
        return sorted(found)

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Run one of its commands."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def stop(self) -> None:
        """Cancel all jobs, end both daemons."""
        if "slurmctld" in self.processes and self.processes["slurmctld"].poll() is None:
            self.run("scancel", "-u", str(os.getuid()))
            time.sleep(1)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in self.steps() + self.jobs():
            with suppress(ProcessLookupError):
                os.kill(pid, 9)

    def _daemon(self, name: str, command: list[str]) -> None:
        with open(self.folder / f"{name}.out", "ab") as out:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )


def unpack(folder: Path) -> None:
    """Download the packages with apt, without installing them; raises RuntimeError where that is not possible."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise RuntimeError(f"no {tool}: Slurm is taken from Debian packages")
    packages = Path(os.environ.get("MSCNN_TEST_SLURM_PACKAGES", folder / "packages"))
    packages.mkdir(parents=True, exist_ok=True)
    if len([*packages.glob("*.deb")]) < len(PACKAGES):
        try:
            subprocess.run(
                ["apt-get", "download", *PACKAGES], cwd=packages, capture_output=True, text=True, timeout=60, check=True
            )
        except subprocess.SubprocessError as error:
            raise RuntimeError(f"packages of Slurm cannot be had: {error} {getattr(error, 'stderr', '')}") from None
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder / "root"], check=True)


def main() -> int:
    """Run a command beside the cluster."""
    slurm = Slurm(Path(sys.argv[1]).absolute())
    try:
        slurm.start()
        return subprocess.run(sys.argv[2:], env=slurm.environment, check=False).returncode
    finally:
        slurm.stop()


if __name__ == "__main__":
    raise SystemExit(main())
