"""Backend slurm: jobs as arrays of a cluster, followed by the results that they write and one squeue for all.

A job is done when its result says so and what it writes exists. Tasks that end without a result are given ``GRACE``
seconds, for slow file systems; then their jobs are submitted again, up to ``--max-retries`` times. Where the submitting
process is killed, the next one follows the arrays that still run, and submits what is not done.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import atomic, read_mapping
from mscnn.jobs import cluster
from mscnn.jobs.arrays import Arrays, Place
from mscnn.jobs.cluster import NotNow, TaskState
from mscnn.jobs.job import Job, Need
from mscnn.jobs.settings import Settings
from mscnn.jobs.task import RESULTS
from mscnn.lock import held, of_folder
from mscnn.log import get_logger

SCAN = 1.0  # s between two looks at the results
POLL = 10.0  # s between two calls of squeue, at least
LEAVE = 5  # looks at tasks whose jobs are all done, before they are cancelled
GRACE = 60.0  # s that a result may take to be seen here
PATIENCE = 600.0  # s that Slurm may be away while nothing runs
TELL = 60.0  # s between two lines about the state of the queue
RETRIES = 2
HINTS = {"TIMEOUT": "; give more --time", "OUT_OF_MEMORY": "; give more --mem", "DEADLINE": "; give more --time"}
log = get_logger("slurm")


def run(
    jobs: Sequence[Job], settings: Settings, step: str, log_dir: Path, needs: Sequence[Need]
) -> Generator[tuple[Job, bool], None, None]:
    """Run jobs on a cluster; yields each when it ends, and whether it failed.

    Raises:
        UserError: Slurm is not there, or refuses the jobs.
    """
    with _own_folder(log_dir / "slurm", step) as folder:
        queue = Queue(folder, jobs, settings, step, needs)
        failures = 0
        with _signals_end():
            try:
                for job, failed in queue.run():
                    failures += failed
                    yield job, failed
                queue.leave()
            except BaseException:
                cluster.cancel(["--name", queue.name])
                raise
        if not failures:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _own_folder(base: Path, step: str) -> Iterator[Path]:
    """The first of ``step``, ``step.2``, … that no other process uses: that of a killed process is taken over."""
    with contextlib.ExitStack() as stack:
        for number in range(1, 1000):
            folder = base / (step if number == 1 else f"{step}.{number}")
            try:
                stack.enter_context(held(of_folder(folder)))
            except UserError as error:
                if error.code != "lock-held":
                    raise
                continue
            yield folder
            return


@contextlib.contextmanager
def _signals_end() -> Iterator[None]:
    """SIGTERM and SIGHUP raise SystemExit here, so that the arrays are cancelled."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Queue:
    """The jobs of one call that are not done, and their tasks on the cluster."""

    def __init__(self, folder: Path, jobs: Sequence[Job], settings: Settings, step: str, needs: Sequence[Need]) -> None:
        lines = [job.json() for job in jobs]
        for line in lines:  # what tasks would refuse is refused here
            Job.from_json(line)
        keys = [hashlib.sha256(line.encode()).hexdigest()[:20] for line in lines]
        self.results = folder / RESULTS
        self.results.mkdir(parents=True, exist_ok=True)
        self.name = _name(folder, step)
        by_key = dict(zip(keys, lines, strict=True)), dict(zip(keys, needs, strict=False))
        self._arrays = Arrays(folder, settings, self.name, *by_key)
        self._step, self._retries = step, settings.count("max_retries", RETRIES)
        self._left = dict(zip(keys, jobs, strict=True))
        self._backlog: list[str] = []  # jobs without a task
        self._place: dict[str, Place] = {}  # tasks of the others
        self._gone: dict[str, float] = {}  # since when the task of a job has ended
        self._last: dict[Place, TaskState] = {}  # what Slurm said of a task that has ended, which it forgets
        self._failures: Counter[str] = Counter()
        self._polled = -POLL
        self._away: float | None = None  # since when Slurm does not answer, and nothing runs
        self._told, self._shown = -TELL, ""

    def run(self) -> Iterator[tuple[Job, bool]]:
        """Submit, follow and submit again; yields each job at its end, and whether it failed."""
        if self._arrays.earlier():
            self._follow()
        self._backlog = [key for key in self._left if key not in self._place]
        for key in self._backlog:  # of an earlier run, before what it made was changed
            (self.results / key).unlink(missing_ok=True)
        self._submit()
        while self._left:
            time.sleep(SCAN)
            yield from self._ended()
            if self._left and time.monotonic() - self._polled >= POLL:
                yield from self._lost()
                self._submit()

    def leave(self) -> None:
        """Cancel what is left: tasks that Slurm will start again, though their jobs have ended without its daemons."""
        for _ in range(LEAVE):
            states = self._states()
            if states is not None and not any(state.lives for state in states):
                return
            time.sleep(SCAN)
        cluster.cancel(["--name", self.name])

    def _follow(self) -> None:
        """Go on with the tasks that a killed process left, and cancel those of other jobs."""
        while (states := self._states()) is None:
            time.sleep(POLL)
        for place in (Place(state.array, state.index) for state in states if state.lives):
            keys = [key for key in self._arrays.keys(place) if key in self._left]
            self._place.update(dict.fromkeys(keys, place))
            if not keys:
                cluster.cancel([str(place)])
        if self._place:
            log.info(
                "%s: %d of %d jobs were submitted before, and go on", self._step, len(self._place), len(self._left)
            )

    def _submit(self) -> None:
        """Submit the jobs without a task, as far as Slurm takes them."""
        if not self._backlog:
            return
        try:
            for place, keys in self._arrays.submit(self._backlog):
                self._place.update(dict.fromkeys(keys, place))
            self._away = None
        except NotNow as error:
            self._wait(error)
        self._backlog = [key for key in self._backlog if key not in self._place]

    def _ended(self) -> Iterator[tuple[Job, bool]]:
        """Jobs whose results are there."""
        for key in [path.name for path in self.results.iterdir() if path.name in self._place]:
            failed = read_mapping(self.results / key).get("failed")
            if failed is False and all(path.exists() for path in self._left[key].writes):
                del self._place[key]
                yield self._left.pop(key), False
            elif failed:
                yield from self._failed(key, "")

    def _lost(self) -> Iterator[tuple[Job, bool]]:
        """Jobs whose task ended some time ago without a result; asks Slurm once for all of them."""
        states = self._states()
        if states is None:
            return
        found = {Place(state.array, state.index): state for state in states}
        for place, state in found.items():
            if not state.lives and state.state not in cluster.ENDED:
                cluster.cancel([str(place)])
        now = time.monotonic()
        for key, place in [*self._place.items()]:
            task = found.get(place)
            if task and task.lives:
                self._gone.pop(key, None)
                continue
            if task:
                self._last[place] = task
            if now - self._gone.setdefault(key, now) >= GRACE:
                yield from self._failed(key, self._why(place, self._last.get(place)))
        self._tell(found)

    def _failed(self, key: str, why: str) -> Iterator[tuple[Job, bool]]:
        """Submit a job again, or give it up and say why in its log."""
        job = self._left[key]
        self._failures[key] += 1
        del self._place[key]
        self._gone.pop(key, None)
        (self.results / key).unlink(missing_ok=True)
        if why:
            with contextlib.suppress(OSError), open(job.log, "a", encoding="utf-8") as out:
                out.write(f"error[job-lost]: {why}\n")
        if self._failures[key] <= self._retries:
            log.warning("%s failed%s; submitted again (%d of %d)", job.log, why and f": {why.splitlines()[0]}",
                        self._failures[key], self._retries)  # fmt: skip
            self._backlog.append(key)
        else:
            yield self._left.pop(key), True

    def _why(self, place: Place, state: TaskState | None) -> str:
        """What is known about a task that ended without a result, with what Slurm wrote."""
        name = state.state if state else "no longer in squeue"
        reason = f" ({state.reason})" if state and state.reason not in ("", "None") else ""
        what = f"task {place} of Slurm ended without a result: {name}{reason}{HINTS.get(name, '')}"
        output = self._arrays.output(place)
        try:
            lines = output.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        except OSError:
            lines = []
        return "\n".join([what, *(f"  {output}: {line}" for line in lines)])

    def _states(self) -> list[TaskState] | None:
        """States of all tasks; None where Slurm does not answer."""
        self._polled = time.monotonic()
        try:
            states = cluster.tasks(self.name)
        except NotNow as error:
            self._wait(error)
            return None
        if not self._backlog:  # else sbatch may be what does not answer
            self._away = None
        return states

    def _wait(self, error: NotNow) -> None:
        """Say that Slurm is away, once; raises UserError where nothing runs meanwhile, for ``PATIENCE``."""
        now, told = time.monotonic(), self._away is not None
        if self._away is None or self._place:
            self._away = now
        if not told:
            log.warning("%s: Slurm says: %s; trying again", self._step, error)
        if not self._place and (error.full or now - self._away > PATIENCE):
            raise UserError(f"Slurm takes no jobs: {error}", code="slurm-refused")

    def _tell(self, found: Mapping[Place, TaskState]) -> None:
        """Log how many tasks are in which state, where that has changed."""
        counts = Counter(
            f"{state.state.lower()} ({state.reason})" if state.state == "PENDING" else state.state.lower()
            for state in found.values()
            if state.lives
        )
        line = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        if line and line != self._shown and time.monotonic() - self._told >= TELL:
            self._told, self._shown = time.monotonic(), line
            log.info("%s: tasks in Slurm: %s", self._step, line)


def _name(folder: Path, step: str) -> str:
    """Name of the arrays of a queue in Slurm: the step, and a random part, the same for a process that goes on."""
    path = folder / "name"
    if not path.exists():
        with atomic(path) as out:
            out.write(f"{step}.{uuid.uuid4().hex[:8]}")
    return path.read_text().strip()
