"""A job: one call of a function, with a log of its own. It can be sent to another process or machine."""

from __future__ import annotations

import importlib
import operator
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError


@dataclass(frozen=True)
class Job:
    """One call of a function.

    Attributes:
        function: ``package.module:name``, importable in every process.
        args: its arguments; pickle must be able to hold them.
        log: file for what it prints.
        writes: files that must be there once it has ended.
    """

    function: str
    args: tuple
    log: Path
    writes: tuple[Path, ...] = ()

    def call(self) -> object:
        """Call the function."""
        module, _, name = self.function.partition(":")
        return operator.attrgetter(name)(importlib.import_module(module))(*self.args)


def path_of(function: Callable) -> str:
    """The name under which every process finds a function of a module, ``package.module:name``."""
    return f"{function.__module__}:{function.__qualname__}"


def execute(job: Job) -> int:
    """Run a job, print when it started and ended and what went wrong; returns 0, or 1 where it failed."""
    start, status = time.monotonic(), 1
    print(f"# Started at {time.strftime('%FT%T')} {job.function}", flush=True)
    try:
        job.call()
        missing = [path for path in job.writes if not path.exists()]
        if missing:
            print(f"error[job-output-missing]: {missing[0]} was not written")
        status = int(bool(missing))
    except UserError as error:
        print(f"error[{error.code}]: {error}")
    except Exception:
        print(traceback.format_exc())
    print(f"# Ended (code {status}) after {time.monotonic() - start:.1f} s", flush=True)
    return status
