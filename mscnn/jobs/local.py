"""Jobs on the backend that ``cmd.sh`` selects (``MSCNN_BACKEND``): local processes, or for debugging this process."""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from mscnn import log
from mscnn.errors import UserError

TAIL = 12
CHILD_ENVIRONMENT = {
    "MSCNN_TERMINAL": "",  # one bar, that of the parent
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without, cuBLAS is not deterministic
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    # glibc gives every large array back to the kernel and asks for it again: a fifth of the time of training on a CPU
    "MALLOC_MMAP_THRESHOLD_": str(1 << 31),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
}


def run_jobs(
    function: Callable[..., object], jobs: Sequence[tuple], *, nj: int, log_dir: str | os.PathLike, step: str
) -> None:
    """Run ``function(*args)`` for every ``args`` in ``jobs``, at most ``nj`` at a time.

    Each job is a fresh process with one compute thread, so that its result depends on neither ``nj`` nor its
    neighbours; what it prints goes to ``log_dir/step.JOB.log``, JOB counting from 1.

    Raises:
        UserError: the backend is unknown, or jobs failed; names each failed job's log and its last lines.
    """
    backend = os.environ.get("MSCNN_BACKEND", "local")
    if backend not in BACKENDS:
        raise UserError(f"MSCNN_BACKEND={backend}: cmd.sh may select one of: {', '.join(BACKENDS)}")
    log_dir = Path(log_dir)
    log_dir.mkdir(parents=True, exist_ok=True)
    logs = [log_dir / f"{step}.{job}.log" for job in range(1, len(jobs) + 1)]
    failed = BACKENDS[backend](function, jobs, logs, max(1, nj), step)
    if failed:
        tails = "\n".join(f"  {logs[j]} ends with:\n{_tail(logs[j])}" for j in failed[:3])
        raise UserError(f"{step}: {len(failed)} of {len(jobs)} jobs failed\n{tails}\nmend the cause, then run again")


@contextlib.contextmanager
def workers(nj: int) -> Iterator[Callable]:
    """A ``map`` over ``nj`` local processes, started when needed, which end with this one; for one, plain ``map``."""
    if nj == 1:
        yield map
        return
    with ProcessPoolExecutor(nj, mp_context=get_context("spawn"), initializer=_watch) as pool:
        yield pool.map


def _run_local(
    function: Callable[..., object], jobs: Sequence[tuple], logs: Sequence[Path], nj: int, step: str
) -> list[int]:
    """Run the jobs in local processes; returns the positions of those that failed."""
    context = get_context("spawn")
    waiting, running, failed = list(range(len(jobs))), {}, []
    saved = os.environ.copy()
    os.environ.update(CHILD_ENVIRONMENT)

    def finished():
        while waiting or running:
            while waiting and len(running) < nj:
                job = waiting.pop(0)
                process = context.Process(target=_job, args=(function, jobs[job], logs[job]), name=f"{step}.{job + 1}")
                process.start()
                running[process.sentinel] = job, process
            for sentinel in wait(list(running)):
                job, process = running.pop(sentinel)
                process.join()
                yield job, process.exitcode

    try:
        for job, status in log.progress(finished(), total=len(jobs), desc=step):
            if status:
                failed.append(job)
    finally:
        for _, process in running.values():
            process.terminate()
        os.environ.clear()
        os.environ.update(saved)
    return sorted(failed)


def _run_here(
    function: Callable[..., object], jobs: Sequence[tuple], logs: Sequence[Path], nj: int, step: str
) -> list[int]:
    """Run the jobs one after another in this process, where breakpoints work; errors go straight to the caller."""
    for job in jobs:
        function(*job)
    return []


def _job(function: Callable[..., object], args: tuple, log_path: Path) -> None:
    """Body of one process: output to the log, truthful exit status."""
    _watch()
    with open(log_path, "w", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        sys.stdout = sys.stderr = out
        log.setup()
        start, status = time.monotonic(), 0
        print(f"# Started at {time.strftime('%FT%T')} {function.__module__}.{function.__name__}", flush=True)
        try:
            function(*args)
        except UserError as error:
            print(f"error[{error.code}]: {error}" if error.code else f"error: {error}")
            status = 1
        except Exception:
            traceback.print_exc()
            status = 1
        print(f"# Ended (code {status}) after {time.monotonic() - start:.1f} s", flush=True)
    with contextlib.suppress(OSError):
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  the interpreter flushes these at exit
    os._exit(status)


def _watch() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Whoever kills the recipe kills its jobs: orphans would go on writing beside the next run's."""
    parent_process().join()
    os._exit(1)


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ["(no log)"]
    return "\n".join(f"    {line}" for line in lines[-TAIL:])


BACKENDS = {"local": _run_local, "debug": _run_here}
