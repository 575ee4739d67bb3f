"""The commands of Slurm that the queue uses: sbatch, squeue, scancel and scontrol; sacct is never needed."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from mscnn.errors import UserError
from mscnn.log import get_logger

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol")
ARRAY_SIZE = 1001  # MaxArraySize of Slurm where the cluster does not say
ANSWER = 60.0  # s that a command may take
ENDED = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "COMPLETING", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
)  # fmt: skip
LAUNCH_FAILED = "launch failed requeued held"  # a reason: it will never start again by itself
log = get_logger("slurm")


@dataclass(frozen=True)
class TaskState:
    """A task of an array: its state, and the reason that Slurm gives."""

    array: str
    index: int
    state: str
    reason: str

    @property
    def lives(self) -> bool:
        """Whether it runs, or will."""
        return self.state not in ENDED and self.reason.replace("_", " ").lower() != LAUNCH_FAILED


class NotNow(Exception):
    """Slurm did not answer, or takes no more jobs (``full``); it may later."""

    def __init__(self, message: str, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


def require_commands() -> None:
    """Raise UserError where a command of Slurm is missing (``slurm-missing``)."""
    if missing := [name for name in COMMANDS if not shutil.which(name)]:
        raise UserError(
            f"backend slurm: not found: {', '.join(missing)}; run this on a machine that submits jobs, or choose "
            "another backend in cmd.sh",
            code="slurm-missing",
        )


def submit(command: Sequence[str]) -> str:
    """Run sbatch; returns the id of the array.

    Raises:
        UserError: Slurm refuses the jobs (``slurm-refused``).
        NotNow: Slurm does not answer, or takes no more jobs.
    """
    result = _run(command)
    message = result.stderr.strip()
    number = re.match(r"\d+", result.stdout.strip())
    if result.returncode == 0 and number:
        return number[0]
    if re.search(r"contact|connect|timed out|temporarily|not respond|shutdown", message, re.I):
        raise NotNow(message)
    if re.search(r"limit|policy", message, re.I):
        raise NotNow(message, full=True)
    raise UserError(f"sbatch refuses the jobs: {message}\n  {' '.join(command)}", code="slurm-refused")


def tasks(name: str) -> list[TaskState]:
    """All tasks of the arrays with a name, also those that ended in the last minutes; raises NotNow."""
    form = "%F|%K|%T|%r"
    result = _run(["squeue", "-h", "-r", "-u", getpass.getuser(), "-n", name, "-t", "all", "-o", form])
    if result.returncode:
        raise NotNow(result.stderr.strip())
    found = []
    for line in result.stdout.splitlines():
        array, index, state, reason = [*line.strip().split("|", 3), "", "", ""][:4]
        if index.isdecimal():
            found.append(TaskState(array, int(index), state, reason.strip("()")))
    return found


def cancel(arguments: Sequence[str]) -> None:
    """Cancel jobs; it goes on where this process is killed meanwhile."""
    command = ["scancel", "-u", getpass.getuser(), *arguments]
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        process.wait(ANSWER)
    except (OSError, subprocess.TimeoutExpired):
        log.warning("Slurm does not answer; later, run: %s", " ".join(command))


def array_size() -> int:
    """Most tasks of an array."""
    try:
        result = _run(["scontrol", "show", "config"])
    except NotNow:
        return ARRAY_SIZE - 1
    size = re.search(r"^MaxArraySize\s*=\s*(\d+)", result.stdout, re.M)
    return max(1, int(size[1] if size else ARRAY_SIZE) - 1)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # variables of a job that this process is part of would be options of the new ones
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith("SLURM_") or k in ("SLURM_CONF", "SLURM_CLUSTERS")
    }
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=ANSWER, env=environment, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotNow(f"{command[0]} does not answer") from None
    except OSError as error:
        raise UserError(f"{command[0]}: {error.strerror}", code="slurm-missing") from None
