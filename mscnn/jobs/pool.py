"""Parallel map over several processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from mscnn.jobs.inprocess import one_thread
from mscnn.jobs.worker import Worker


@contextlib.contextmanager
def workers(nj: int) -> Iterator[Callable]:
    """A ``map`` over ``nj`` processes, which start when needed and end with this one; ``map`` itself for one.

    Results do not depend on ``nj``, since every process computes in one thread.
    """
    if nj == 1:
        with one_thread():
            yield map
        return
    started: list[Worker] = []
    idle: SimpleQueue[Worker] = SimpleQueue()

    def call(function: Callable, args: tuple) -> object:
        try:
            worker = idle.get_nowait()
        except Empty:
            worker = Worker()
            started.append(worker)
        value = worker.call(function, *args)
        idle.put(worker)
        return value

    threads = ThreadPoolExecutor(nj)
    try:
        yield lambda function, *columns: threads.map(lambda args: call(function, args), zip(*columns))  # noqa: B905  as map
    finally:
        for worker in started:
            worker.kill()
        threads.shutdown(cancel_futures=True)
