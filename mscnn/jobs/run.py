"""The job queue: every backend runs the same jobs and writes the same logs and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from mscnn import log
from mscnn.errors import UserError
from mscnn.jobs import child, inprocess
from mscnn.jobs.job import Job
from mscnn.jobs.worker import Worker

TAIL_LINES = 12  # lines shown of the log of a failed job
MAX_TAILS = 3  # failed jobs whose logs are shown


def run_jobs(
    function: Callable[..., object],
    jobs: Sequence[tuple],
    *,
    nj: int,
    step: str,
    log_dir: str | os.PathLike | None = None,
    logs: Sequence[Path] | None = None,
    writes: Sequence[Sequence[Path]] | None = None,
    devices: Sequence[str] = (),
) -> None:
    """Run ``function(*args)`` for every ``args`` in ``jobs``, at most ``nj`` at a time.

    Each job has one compute thread, and its own process where ``nj`` is above 1, so that its result depends neither on
    ``nj`` nor on other jobs. With ``nj`` 1 jobs run one after another in this process. The output of a job is written
    to its log: ``logs``, or ``log_dir/step.JOB.log``, JOB counting from 1.

    Args:
        function: function of a module, which processes import by name.
        writes: files of each job that must exist at its end; None: not checked.
        devices: values of CUDA_VISIBLE_DEVICES, assigned to the processes in turn; empty: that of the environment.

    Raises:
        UserError: the backend is unknown (``backend-unknown``), or jobs failed (``jobs-failed``): lists the logs of
            all failed jobs and the last lines of the first three.
    """
    backend = os.environ.get("MSCNN_BACKEND", "local")
    if backend not in BACKENDS:
        raise UserError(
            f"MSCNN_BACKEND={backend}: unknown backend; cmd.sh selects one of: {', '.join(BACKENDS)}",
            code="backend-unknown",
        )
    if logs is None:
        logs = [Path(log_dir or "log") / f"{step}.{number}.log" for number in range(1, len(jobs) + 1)]
    for folder in {path.parent for path in logs}:
        folder.mkdir(parents=True, exist_ok=True)
    outputs = writes or [()] * len(jobs)
    queue = [
        Job.of(function, tuple(args), path, tuple(written))
        for args, path, written in zip(jobs, logs, outputs, strict=True)
    ]
    failed = BACKENDS[backend](queue, max(1, nj), devices, step)
    if failed:
        raise UserError(
            f"{step}: {len(failed)} of {len(jobs)} jobs failed; their logs:\n"
            + "\n".join(_report(job, number < MAX_TAILS) for number, job in enumerate(failed))
            + "\nfix the cause, then run the same command again",
            code="jobs-failed",
        )


def _local(jobs: Sequence[Job], nj: int, devices: Sequence[str], step: str) -> list[Job]:
    """Run jobs in ``nj`` processes of this machine; returns those that failed."""
    if nj == 1:
        done = ((job, inprocess.run_logged(job)) for job in jobs)
        return [job for job, status in log.progress(done, total=len(jobs), desc=step) if status]
    slots: SimpleQueue[str] = SimpleQueue()
    for slot in range(nj):
        slots.put(devices[slot % len(devices)] if devices else "")
    running: set[Worker] = set()

    def run(job: Job) -> tuple[Job, bool]:
        device = slots.get()
        worker = Worker({"CUDA_VISIBLE_DEVICES": device} if device else {})
        running.add(worker)
        try:
            return job, worker.call(child.run_logged, job.json(), job.package) != 0
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
        ended = (future.result() for future in as_completed([threads.submit(run, job) for job in jobs]))
        failures = {job.log for job, failed in log.progress(ended, total=len(jobs), desc=step) if failed}
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in list(running):
            worker.process.kill()
    return [job for job in jobs if job.log in failures]


def _debug(jobs: Sequence[Job], nj: int, devices: Sequence[str], step: str) -> list[Job]:
    """Run jobs one after another in this process, where breakpoints work; errors propagate to the caller."""
    for job in jobs:
        inprocess.run_plain(job)
    return []


def _report(job: Job, tail: bool) -> str:
    """Path of the log of a failed job, and with ``tail`` its last lines."""
    if not tail:
        return f"  {job.log}"
    lines = job.log.read_text(encoding="utf-8", errors="replace").splitlines() if job.log.exists() else ["(no log)"]
    return "\n".join([f"  {job.log} ends with:", *(f"    {line}" for line in lines[-TAIL_LINES:])])


BACKENDS: dict[str, Callable[[Sequence[Job], int, Sequence[str], str], list[Job]]] = {"local": _local, "debug": _debug}
