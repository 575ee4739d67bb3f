"""A process for calls: started as a program of its own, so the caller's script is not imported there again."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import TracebackType

from mscnn.errors import UserError
from mscnn.jobs.here import CUBLAS, THREADS

ENVIRONMENT = {
    "MSCNN_TERMINAL": "",  # one bar, that of the parent
    **CUBLAS,
    **dict.fromkeys(THREADS, "1"),
    # glibc gives every large array back to the kernel and asks for it again: a fifth of the time of training on a CPU
    "MALLOC_MMAP_THRESHOLD_": str(1 << 31),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
}
# what lies in the current folder is no module of the child's, unless it is one of the parent's
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from mscnn.jobs.child import main; main()"


class Worker:
    """One child process with one compute thread, which ends with this process, however that ends."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the process; ``environment`` is added to that of this process, which stays as it is."""
        modules = {"PYTHONPATH": os.pathsep.join(os.path.abspath(folder) for folder in sys.path)}
        reading, self._lifeline = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(reading)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[reading],
            env={**os.environ, **modules, **ENVIRONMENT, **(environment or {})},
        )
        os.close(reading)
        assert self.process.stdin and self.process.stdout
        self._calls, self._replies = self.process.stdin, self.process.stdout

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def call(self, function: Callable, *args: object) -> object:
        """Call a function there; returns what it returns, raises what it raises.

        Raises:
            UserError: the process ended before it answered (code ``job-died``).
        """
        try:
            pickle.dump((function, args), self._calls)
            self._calls.flush()
            done, value = pickle.load(self._replies)
        except (EOFError, BrokenPipeError):
            status = self.process.wait()
            why = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise UserError(
                f"a process of {function.__module__} ended by itself ({why}); signal 9 mostly means that memory ran "
                "out: run again with a smaller --nj",
                code="job-died",
            ) from None
        if not done:
            raise value
        return value

    def kill(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._calls.close()
        self._replies.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
