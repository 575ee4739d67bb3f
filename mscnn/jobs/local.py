"""Jobs on this machine: in processes, or in the calling process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from queue import SimpleQueue

from mscnn.errors import UserError
from mscnn.jobs import child, inprocess
from mscnn.jobs.job import Job
from mscnn.jobs.worker import Worker


@dataclass
class Place:
    """What runs one job at a time: a GPU, if any is assigned, and its process, once there is one."""

    device: str
    worker: Worker | None = None

    def run(self, job: Job, append: bool) -> bool:
        """Run a job; returns whether it failed, and then its process is ended."""
        if self.worker is None:
            self.worker = Worker({"CUDA_VISIBLE_DEVICES": self.device} if self.device else {})
        try:
            failed = self.worker.call(child.run_logged, job.json(), append) != 0
        except UserError as error:  # the process died
            failed = True
            with open(job.log, "a", encoding="utf-8") as out:
                out.write(f"error[{error.code}]: {error}\n")
        if failed:
            self.end()
        return failed

    def end(self) -> None:
        """End the process."""
        if self.worker:
            self.worker.kill()
        self.worker = None


def run(
    jobs: Sequence[Job], nj: int, devices: Sequence[str] = (), append: bool = False
) -> Generator[tuple[Job, bool], None, None]:
    """Run jobs, ``nj`` at a time; yields each, and whether it failed.

    Where ``nj`` is above 1, each of ``nj`` processes runs one job after another, and so imports its packages once. A
    new process takes the place of one whose job failed.

    Args:
        devices: values of CUDA_VISIBLE_DEVICES, assigned to the processes in turn; empty: that of the environment.
        append: keep what logs have already.
    """
    if nj == 1:
        for job in jobs:
            yield job, inprocess.run_logged(job, append) != 0
        return
    places = [Place(devices[number % len(devices)] if devices else "") for number in range(nj)]
    free: SimpleQueue[Place] = SimpleQueue()
    for place in places:
        free.put(place)

    def call(job: Job) -> tuple[Job, bool]:
        place = free.get()
        try:
            return job, place.run(job, append)
        finally:
            free.put(place)

    threads = ThreadPoolExecutor(nj)
    try:
        for future in as_completed([threads.submit(call, job) for job in jobs]):
            yield future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in [place.worker for place in places]:
            if worker:
                worker.process.kill()  # a job that still runs ends, and its thread
        threads.shutdown()
        for place in places:
            place.end()


def debug(jobs: Sequence[Job]) -> Generator[tuple[Job, bool], None, None]:
    """Run jobs one after another in this process, where breakpoints work; errors propagate to the caller."""
    for job in jobs:
        inprocess.run_plain(job)
        yield job, False
