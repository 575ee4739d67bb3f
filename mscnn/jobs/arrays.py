"""Arrays of Slurm: jobs with equal needs are packed into tasks, and tasks into arrays that the cluster takes."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.files import atomic
from mscnn.jobs import cluster
from mscnn.jobs.job import Need
from mscnn.jobs.settings import Settings
from mscnn.jobs.slurm_conf import SlurmConf
from mscnn.jobs.worker import ENVIRONMENT
from mscnn.log import get_logger

TASKS = 1000  # most tasks that jobs are packed into
PARALLEL = 32  # tasks that short jobs are never packed below
SECONDS = 300.0  # what a task of short jobs should take at least
SLACK = 2  # times the expected seconds: the time limit
MEMORY_SLACK = 1.5
# for clusters whose conf/slurm.conf has --export=NONE or PATH, as that of Kaldi
KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONUTF8", "KALDI_ROOT", "HF_HOME", "HF_HUB_OFFLINE",
        "GOOGLE_APPLICATION_CREDENTIALS")  # fmt: skip
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from mscnn.jobs.task import main; main()"
log = get_logger("slurm")


@dataclass(frozen=True)
class Place:
    """A task of an array."""

    array: str
    index: int

    def __str__(self) -> str:
        return f"{self.array}_{self.index}"


class Arrays:
    """The arrays of a queue, each with a folder ``1``, ``2``, … of its own: the jobs of task N are in ``N.jsonl``.

    ``lines`` are the jobs in JSON, by their keys; ``needs`` what they are expected to take.
    """

    def __init__(
        self, folder: Path, settings: Settings, name: str, lines: Mapping[str, str], needs: Mapping[str, Need]
    ) -> None:
        self.folder, self.name = folder, name
        self._settings, self._lines, self._needs = settings, lines, needs
        self._conf = SlurmConf.find(settings.config)
        self._conf.words(settings.options)  # what it does not know is said before anything is submitted
        self._size = 0
        self._folders: dict[str, Path] = {}

    def earlier(self) -> bool:
        """Read what an earlier process submitted; returns whether there is anything."""
        for record in self.folder.glob("*/array"):
            self._folders[record.read_text().strip()] = record.parent
        return any(path.is_dir() for path in self.folder.glob("[0-9]*"))

    def keys(self, place: Place) -> list[str]:
        """Keys of the jobs of a task; empty where it is not known."""
        folder = self._folders.get(place.array)
        path = folder / f"{place.index}.jsonl" if folder else Path()
        return [line.partition("\t")[0] for line in path.read_text().splitlines()] if path.is_file() else []

    def output(self, place: Place) -> Path:
        """File of what Slurm itself says about a task."""
        return self._folders[place.array] / f"{place.index}.log"

    def submit(self, keys: Sequence[str]) -> Iterator[tuple[Place, list[str]]]:
        """Submit jobs; yields each task with its jobs as soon as its array is accepted.

        Raises:
            UserError: Slurm refuses them.
            NotNow: Slurm does not answer, or takes no more; what was yielded is submitted.
        """
        self._size = self._size or cluster.array_size()
        for options, tasks in self._groups(keys):
            start = 0
            while start < len(tasks):
                part = tasks[start : start + self._size]
                try:
                    array = self._submit_array(part, options)
                except cluster.NotNow as error:
                    if not error.full or self._size == 1:
                        raise
                    self._size = max(1, min(self._size, len(part)) // 2)
                    continue
                start += len(part)
                for index, packed in enumerate(part, 1):
                    yield Place(array, index), packed

    def _submit_array(self, tasks: Sequence[Sequence[str]], options: Mapping[str, str]) -> str:
        numbers = [int(path.name) for path in self.folder.glob("[0-9]*")]
        folder = self.folder / str(max(numbers, default=0) + 1)
        folder.mkdir()
        for index, keys in enumerate(tasks, 1):
            with open(folder / f"{index}.jsonl", "w", encoding="ascii") as out:
                out.writelines(f"{key}\t{self._lines[key]}\n" for key in keys)
        script = folder / "task.sh"
        script.write_text(self._script(folder))
        most = self._settings.count("max_jobs_run", 0)
        command = [
            *self._conf.words(options),
            "--parsable",
            "--requeue",
            "--open-mode=append",
            f"--job-name={self.name}",
            f"--chdir={os.getcwd()}",
            f"--output={str(folder.absolute()).replace('%', '%%')}/%a.log",
            f"--array=1-{len(tasks)}" + (f"%{most}" if most else ""),
            str(script.absolute()),
        ]
        try:
            array = cluster.submit(command)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with atomic(folder / "array") as out:
            out.write(array)
        self._folders[array] = folder
        log.info("submitted %d tasks as array %s: %s", len(tasks), array, shlex.join(command[:-1]))
        return array

    def _script(self, folder: Path) -> str:
        """The script of every task: all that is not constant is quoted, or a number that Slurm gives."""
        modules = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        ours = {
            k: v for k, v in os.environ.items() if k.startswith("MSCNN_") and "BACKEND" not in k and k != "MSCNN_PARENT"
        }
        variables = {**kept, **ours, **ENVIRONMENT, "PYTHONPATH": modules, "MSCNN_BACKEND": "local"}
        exports = "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in variables.items() if name.isidentifier()
        )
        command = shlex.join([sys.executable, "-c", PROGRAM, str(folder.absolute())])
        places = f"{self._at_a_time} {self._settings.gpus}"
        return f'#!/bin/bash\n{exports}exec {command} "$SLURM_ARRAY_TASK_ID" {places}\n'

    @property
    def _at_a_time(self) -> int:
        """Jobs that a task runs at a time: one per processor that it is given, or per GPU."""
        return max(1, self._settings.count("num_threads", 1), self._settings.gpus)

    def _groups(self, keys: Sequence[str]) -> Iterator[tuple[dict[str, str], list[list[str]]]]:
        """Tasks with the same options of Slurm: those that were given, else what their jobs are expected to take."""
        groups: dict[tuple[str, str, int], list[str]] = {}
        for key in keys:
            need = self._needs.get(key, Need())
            gigabytes = math.ceil(MEMORY_SLACK * need.memory * self._at_a_time / 1e9 + 1) if need.memory else 0
            per_task = self._per_task(len(keys), need)
            hours = 0 if self._settings.gpus else math.ceil(SLACK * (need.seconds or 0) * per_task / 3600)
            limits = (f"{_rounded(gigabytes)}G" if gigabytes else "", f"{_rounded(hours)}:00:00" if hours else "")
            groups.setdefault((*limits, per_task), []).append(key)  # the time limit holds for tasks of this size only
        for (mem, time, size), group in groups.items():
            expected = {
                name: value for name, value in (("mem", mem), ("time", time)) if value and self._conf.takes(name)
            }
            yield {**expected, **self._settings.options}, [group[i : i + size] for i in range(0, len(group), size)]

    def _per_task(self, number: int, need: Need) -> int:
        """Jobs of a task, of ``number`` jobs like this."""
        few = _rounded(math.ceil(SECONDS / need.seconds)) if need.seconds else 1
        return max(self._at_a_time, math.ceil(number / TASKS), min(few, number // PARALLEL))


def _rounded(number: int) -> int:
    """A number as 1, 2, 3, 4, 6, 8, 12, 16, …, at least as large: jobs with nearly equal needs are one array."""
    power = 1
    while number > power:
        power *= 2
    return number if number < 4 else 3 * power // 4 if number <= 3 * power // 4 else power
