"""Jobs in the calling process, with one compute thread as in a child process, so that results are identical."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator

from mscnn import log
from mscnn.device import WORKSPACE
from mscnn.files import written_to
from mscnn.jobs.job import Job, execute
from mscnn.jobs.machine import processors

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
LIBRARIES = {  # read when a library starts
    WORKSPACE[0]: WORKSPACE[1],
    # convolutions that oneDNN keeps, each for one shape of batches, with its memory. A step needs fewer; with 1024, its
    # default, a training of the paper's system on IEMOCAP grows to 1.2 GB instead of 0.9, and is not faster
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "96",
}
_lock = threading.RLock()  # standard output, the root logger and the environment are shared by all threads


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Context in which torch, BLAS and OpenMP compute in one thread, including libraries loaded meanwhile."""
    from threadpoolctl import threadpool_limits

    with _lock:
        for name, value in LIBRARIES.items():
            os.environ.setdefault(name, value)
        saved = {name: os.environ.get(name) for name in THREADS}
        torch = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch else processors()
        os.environ.update(dict.fromkeys(THREADS, "1"))
        try:
            with threadpool_limits(1):
                if torch:
                    torch.set_num_threads(1)
                yield
        finally:
            for name, before in saved.items():
                if before is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = before
            if torch := sys.modules.get("torch"):
                torch.set_num_threads(threads)


def run_logged(job: Job, append: bool = False) -> int:
    """Run a job in this process with its output in its log, as :func:`execute`; returns 0, or 1 where it failed."""
    root = logging.getLogger()
    with (
        one_thread(),
        written_to(job.log),
        open(job.log, "a", encoding="utf-8") as out,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        handlers, level = root.handlers, root.level
        root.handlers = [log.handler(out)]
        root.setLevel(logging.INFO)
        try:
            return execute(job, append)
        finally:
            root.handlers = handlers
            root.setLevel(level)


def run_plain(job: Job) -> int:
    """Run a job in this process as a plain call: its output is not redirected, and its errors propagate; returns 0."""
    with one_thread():
        job.call()
    return 0
