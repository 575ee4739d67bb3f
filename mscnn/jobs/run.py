"""The job queue: every backend runs the same jobs and writes the same logs and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from mscnn import log
from mscnn.errors import UserError
from mscnn.jobs import cluster, local
from mscnn.jobs.job import Job, Need
from mscnn.jobs.settings import Settings
from mscnn.jobs.slurm_conf import SlurmConf

BACKENDS = ("local", "debug", "slurm")
STEPS = ("audit", "xvector", "extract", "transcribe", "train", "predict")  # of a recipe
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
    needs: Sequence[Need] | None = None,
    devices: Sequence[str] = (),
) -> None:
    """Run ``function(*args)`` for every ``args`` in ``jobs``, where ``cmd.sh`` says (:mod:`mscnn.jobs.settings`).

    Each job has one compute thread, so that its result depends neither on the backend nor on ``nj`` nor on other jobs.
    The output of a job is written to its log: ``logs``, or ``log_dir/step.JOB.log``, JOB counting from 1. No job runs
    twice at a time, on any machine: a lock file beside what it writes says which process works on it.

    Args:
        function: function of a module, which processes import by name.
        jobs: arguments, as :mod:`mscnn.jobs.codec` takes them.
        nj: jobs at a time on this machine, in processes; 1: one after another in this process. Clusters have their own.
        log_dir: folder of what the queue writes for itself; by default that of the first log.
        writes: files of each job that must exist at its end; None: not checked.
        needs: what each job is expected to take, for clusters.
        devices: values of CUDA_VISIBLE_DEVICES, assigned to the processes in turn; empty: that of the environment.

    Raises:
        UserError: the backend is unknown (``backend-unknown``), or jobs failed (``jobs-failed``): lists the logs of
            all failed jobs and the last lines of the first three.
    """
    check_backend(step)
    settings = Settings.of(step)
    if logs is None:
        logs = [Path(log_dir or "log") / f"{step}.{number}.log" for number in range(1, len(jobs) + 1)]
    for folder in {path.parent for path in logs}:
        folder.mkdir(parents=True, exist_ok=True)
    outputs = writes or [()] * len(jobs)
    queue = [
        Job.of(function, tuple(args), path, tuple(written))
        for args, path, written in zip(jobs, logs, outputs, strict=True)
    ]
    if settings.backend == "debug":
        ended = local.debug(queue)
    elif settings.elsewhere and queue:
        from mscnn.jobs import slurm

        ended = slurm.run(queue, settings, step, Path(log_dir or logs[0].parent), needs or ())
    else:
        ended = local.run(queue, max(1, nj), devices)
    with closing(ended):  # what runs ends with this process
        failures = {job.log for job, failed in log.progress(ended, total=len(queue), desc=step) if failed}
    if failures:
        failed = [job for job in queue if job.log in failures]
        raise UserError(
            f"{step}: {len(failed)} of {len(jobs)} jobs failed; their logs:\n"
            + "\n".join(_report(job, number < MAX_TAILS) for number, job in enumerate(failed))
            + "\nfix the cause, then run the same command again",
            code="jobs-failed",
        )


def check_backend(step: str = "") -> str:
    """The backend of a step.

    Raises:
        UserError: there is no such backend (``backend-unknown``), its options are wrong, or Slurm is missing.
    """
    settings = Settings.of(step)
    if settings.backend not in BACKENDS:
        raise UserError(
            f"MSCNN_BACKEND={settings.backend}: unknown backend; cmd.sh selects one of: {', '.join(BACKENDS)}",
            code="backend-unknown",
        )
    if settings.elsewhere:
        cluster.require_commands()
        SlurmConf.find(settings.config).words(settings.options)
    return settings.backend


def _report(job: Job, tail: bool) -> str:
    """Path of the log of a failed job, and with ``tail`` its last lines."""
    if not tail:
        return f"  {job.log}"
    lines = job.log.read_text(encoding="utf-8", errors="replace").splitlines() if job.log.exists() else ["(no log)"]
    return "\n".join([f"  {job.log} ends with:", *(f"    {line}" for line in lines[-TAIL_LINES:])])
