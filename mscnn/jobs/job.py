"""A job: one call of a function with its own log; it can be sent to another process or machine."""

from __future__ import annotations

import importlib
import operator
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import DENIED, SPACE, UserError, explained


@dataclass(frozen=True)
class Job:
    """One call of a function.

    Attributes:
        function: ``package.module:name``, importable in every process.
        args: its arguments, which can be pickled.
        log: file for its output.
        writes: files that must exist at its end.
    """

    function: str
    args: tuple
    log: Path
    writes: tuple[Path, ...] = ()

    def call(self) -> object:
        """Call the function."""
        module, _, name = self.function.partition(":")
        return operator.attrgetter(name)(importlib.import_module(module))(*self.args)


def import_path(function: Callable) -> str:
    """Import path of a function of a module, ``package.module:name``."""
    return f"{function.__module__}:{function.__qualname__}"


def execute(job: Job) -> int:
    """Run a job, print start, end and errors; returns 0, or 1 where it failed."""
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
    except OSError as error:
        if not error.filename and error.errno not in (*SPACE, *DENIED):
            print(traceback.format_exc())
        print(f"error[file-system]: {explained(error)}")
    except Exception:
        print(traceback.format_exc())
    print(f"# Ended (code {status}) after {time.monotonic() - start:.1f} s", flush=True)
    return status
