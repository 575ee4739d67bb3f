"""Outages of a cluster, each at a random moment of a run while its jobs run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.slurm.recipe import SECONDS, Recipe, wait_for

FILLER = "full.bin"


@dataclass
class Round:
    """One run with an outage.

    Attributes:
        random: of this round, by its seed.
        bodies: seconds of the processor, the least that it takes, of each body of a job, as they began without outage.
        process: run.sh.
        said: what was done, and when.
    """

    recipe: Recipe
    random: random.Random
    bodies: list[float]
    process: subprocess.Popen
    said: str = ""

    def moment(self) -> list[int]:
        """Sleep until a random moment of the body of a random job; returns the tasks that run."""
        number = self.random.randrange(len(self.bodies))
        self._until(lambda: self.recipe.events()["begin"] > number)
        seconds = self.random.uniform(0, self.bodies[number])
        begin = time.monotonic()
        self._until(lambda: time.monotonic() - begin >= seconds)
        self.said = f"{seconds:.1f} s after begin {number + 1} of {len(self.bodies)}"
        self._until(self.recipe.slurm.jobs)
        if self.process.poll() is not None:
            self.said += " (after the end)"
        return self.recipe.slurm.jobs()

    def anywhere(self) -> None:
        """Sleep until a random moment, as :meth:`moment`, or before the first job runs."""
        if self.random.randrange(len(self.bodies) + 1):
            self.moment()
            return
        seconds = self.random.uniform(0, 20)
        time.sleep(seconds)
        self.said = f"{seconds:.1f} s after the start"

    def _until(self, condition: Callable[[], object]) -> None:
        wait_for(lambda: condition() or self.process.poll() is not None, SECONDS)

    def pause(self, least: float, most: float) -> None:
        """Sleep for a random time."""
        seconds = self.random.uniform(least, most)
        self.said += f", for {seconds:.0f} s"
        time.sleep(seconds)


def job(now: Round) -> None:
    """A job is killed."""
    if tasks := now.moment():
        _kill([now.random.choice(tasks)])


def step(now: Round) -> None:
    """The step daemons are killed; their jobs go on without them."""
    now.moment()
    _kill(now.recipe.slurm.steps())


def node(now: Round) -> None:
    """The node is lost, with what runs there or without it, and comes back."""
    slurm = now.recipe.slurm
    now.moment()
    lost = now.random.choice(("all", "daemons", "slurmd"))
    slurm.kill("slurmd")
    _kill(slurm.steps() if lost != "slurmd" else [])
    _kill(slurm.jobs() if lost == "all" else [])
    now.said += f" ({lost})"
    now.pause(5, 45)
    slurm.node()


def controller(now: Round) -> None:
    """The controller is killed, and started again."""
    now.moment()
    now.recipe.slurm.kill("slurmctld")
    now.pause(1, 45)
    now.recipe.slurm.controller()


def time_limit(now: Round) -> None:
    """A job hangs until its time is over."""
    if tasks := now.moment():
        with suppress(ProcessLookupError):
            os.kill(now.random.choice(tasks), signal.SIGSTOP)


def submitter(now: Round) -> None:
    """run.sh and its processes are killed, and it is started again."""
    now.anywhere()
    with suppress(ProcessLookupError):
        os.killpg(now.process.pid, signal.SIGKILL)
    now.process.wait()
    now.pause(0, 15)
    now.process = now.recipe.start("slurm")


def end(now: Round) -> None:
    """run.sh receives a signal that ends it, cancels its arrays, and is started again."""
    now.anywhere()
    number = now.random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    now.said += f" ({number.name})"
    with suppress(ProcessLookupError):
        os.killpg(now.process.pid, number)
    if not wait_for(lambda: now.process.poll() is not None, 60):
        raise AssertionError(f"no end after {number.name}: {now.recipe.tail()}")
    if not wait_for(lambda: not now.recipe.slurm.queued(), 30):
        raise AssertionError(f"arrays go on after {number.name}: {now.recipe.tail()}")
    now.process = now.recipe.start("slurm")


def disk(now: Round) -> None:
    """The disk of the recipe is full for some time; it has a file system of its own."""
    now.anywhere()
    filler = now.recipe.folder / FILLER
    with suppress(OSError), open(filler, "wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    out.write(bytes(size))
    now.pause(1, 90)
    filler.unlink()


def two(now: Round) -> None:
    """Another recipe uses the same cluster, and another run the same folder."""
    recipe = now.recipe
    now.anywhere()
    same = recipe.start("slurm", "--tag", "other")
    other = Recipe(recipe.folder.with_name(recipe.folder.name + "_two"), recipe.slurm, recipe.kind, recipe.prepared)
    beside = other.start("slurm")
    if (beside.wait(SECONDS), same.wait(SECONDS)) != (0, 0):
        raise AssertionError(other.tail() + recipe.tail())
    now.process.wait(SECONDS)
    ours, others = recipe.digests(), other.digests()
    if {name: ours.get(name) for name in others if "/score_" not in name} != {
        name: digest for name, digest in others.items() if "/score_" not in name
    }:
        raise AssertionError("two recipes at once have different results")
    if other.events()["twice"]:
        raise AssertionError("a job of the other recipe ran twice at a time")
    shutil.rmtree(recipe.path / "exp/other", ignore_errors=True)
    shutil.rmtree(other.folder)


STRIKES: dict[str, tuple[Callable[[Round], None], str]] = {
    "job": (job, ""),
    "step": (step, ""),
    "node": (node, ""),
    "controller": (controller, ""),
    "time": (time_limit, " --time 2"),
    "submitter": (submitter, ""),
    "end": (end, ""),
    "disk": (disk, " --max-retries 1"),
    "two": (two, ""),
}


def _kill(processes: list[int]) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def own_disk(folder: Path, megabytes: int = 120) -> bool:
    """Mount a small file system at a folder; returns whether that is possible here."""
    image = folder.with_suffix(".img")
    folder.mkdir()
    with open(image, "wb") as out:
        out.truncate(megabytes << 20)
    commands = ["mkfs.ext4", "-q", "-m", "0", image], ["mount", "-o", "loop", image, folder]
    return all(shutil.which(str(one[0])) and not subprocess.run(one, check=False).returncode for one in commands)
