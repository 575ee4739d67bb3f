"""One task of an array of the backend slurm: ``python -m mscnn.jobs.task FOLDER NUMBER`` runs the jobs in its file.

A line of ``FOLDER/NUMBER.jsonl`` is a key and a job. The result of each is written as ``results/KEY`` beside FOLDER, so
that a task that Slurm starts again goes on with the next.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from mscnn import log
from mscnn.files import atomic
from mscnn.jobs import local
from mscnn.jobs.job import MOST, Job
from mscnn.jobs.machine import gpus

RESULTS = "results"


def read(path: Path) -> dict[str, Job]:
    """The jobs of a task, by their keys; raises UserError where the file is damaged (``job-invalid``)."""
    found = {}
    with open(path, encoding="ascii", errors="replace") as lines:
        while line := lines.readline(MOST + 100):
            key, _, text = line.partition("\t")
            found[key] = Job.from_json(text)
    return found


def run(folder: Path, number: int, at_a_time: int, with_gpus: bool) -> int:
    """Run the jobs of a task that have no result yet; returns the number of those that failed."""
    results = folder.parent / RESULTS
    jobs = {key: job for key, job in read(folder / f"{number}.jsonl").items() if not (results / key).exists()}
    keys = {job.log: key for key, job in jobs.items()}
    failures = 0
    for job, failed in local.run([*jobs.values()], at_a_time, _devices() if with_gpus else (), append=True):
        failures += failed
        with atomic(results / keys[job.log]) as out:
            json.dump({"failed": failed}, out)
    return failures


def _devices() -> list[str]:
    """GPUs that Slurm gives this task, or else those that are found, each as a value of CUDA_VISIBLE_DEVICES."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",") if given else gpus()


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)  # releases lock files


def main() -> None:
    """Run a task: FOLDER NUMBER JOBS-AT-A-TIME GPUS."""
    signal.signal(signal.SIGTERM, _end)
    log.setup()
    folder, number, at_a_time, with_gpus = sys.argv[1:]
    raise SystemExit(1 if run(Path(folder), int(number), int(at_a_time), with_gpus != "0") else 0)


if __name__ == "__main__":
    main()
