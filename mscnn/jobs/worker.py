"""A worker process for calls; it is a separate program, so that the caller's script is not imported again."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import TracebackType

from mscnn.errors import UserError
from mscnn.jobs.inprocess import LIBRARIES, THREADS

ENVIRONMENT = {
    "MSCNN_TERMINAL": "",  # only the parent shows a progress bar
    **LIBRARIES,
    **dict.fromkeys(THREADS, "1"),
    # by default glibc returns large arrays to the kernel and requests them again, a fifth of the time of CPU training
    "MALLOC_MMAP_THRESHOLD_": str(1 << 31),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
}
# the current folder is removed from the module path of the child, unless the parent has it
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from mscnn.jobs.child import main; main()"


class Worker:
    """One child process with one compute thread; it always ends with this process."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the process; ``environment`` is added to the variables of this process."""
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
        """Result of a call in the child process; errors of the call are raised here.

        Raises:
            UserError: the process ended before it answered (code ``job-died``).
        """
        try:
            pickle.dump((function, args), self._calls)
            self._calls.flush()
            done, value = pickle.load(self._replies)
        except (EOFError, BrokenPipeError):
            status = self.process.wait()
            reason = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise UserError(
                f"a process of {function.__module__} ended unexpectedly ({reason}); signal 9 usually means out of "
                "memory: run again with a smaller --nj",
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
