"""Jobs on this machine: in processes, or in the calling process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from mscnn.errors import UserError
from mscnn.jobs import child, inprocess
from mscnn.jobs.job import Job
from mscnn.jobs.worker import Worker


def run(
    jobs: Sequence[Job], nj: int, devices: Sequence[str] = (), append: bool = False
) -> Generator[tuple[Job, bool], None, None]:
    """Run jobs, ``nj`` at a time, each in its own process where ``nj`` is above 1; yields each, and whether it failed.

    Args:
        devices: values of CUDA_VISIBLE_DEVICES, assigned to the processes in turn; empty: that of the environment.
        append: keep what logs have already.
    """
    if nj == 1:
        for job in jobs:
            yield job, inprocess.run_logged(job, append) != 0
        return
    slots: SimpleQueue[str] = SimpleQueue()
    for slot in range(nj):
        slots.put(devices[slot % len(devices)] if devices else "")
    running: set[Worker] = set()

    def call(job: Job) -> tuple[Job, bool]:
        device = slots.get()
        worker = Worker({"CUDA_VISIBLE_DEVICES": device} if device else {})
        running.add(worker)
        try:
            return job, worker.call(child.run_logged, job.json(), append) != 0
        except UserError as error:  # the process died
            with open(job.log, "a", encoding="utf-8") as out:
                out.write(f"error[{error.code}]: {error}\n")
            return job, True
        finally:
            running.discard(worker)
            worker.kill()
            slots.put(device)

    threads = ThreadPoolExecutor(nj)
    try:
        for future in as_completed([threads.submit(call, job) for job in jobs]):
            yield future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in list(running):
            worker.process.kill()


def debug(jobs: Sequence[Job]) -> Generator[tuple[Job, bool], None, None]:
    """Run jobs one after another in this process, where breakpoints work; errors propagate to the caller."""
    for job in jobs:
        inprocess.run_plain(job)
        yield job, False
