"""A job: one call of a function with its own log; as JSON, it is sent to another process or machine."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from mscnn.errors import DENIED, SPACE, UserError, explained
from mscnn.files import written_to
from mscnn.jobs import codec
from mscnn.lock import held, of_folder

MOST = 64 << 20  # bytes of a job


@dataclass(frozen=True)
class Job:
    """One call of a function.

    Attributes:
        function: ``package.module:name``, importable in every process.
        args: its arguments, as :func:`mscnn.jobs.codec.encode` takes them.
        log: file for its output.
        writes: files that must exist at its end.
    """

    function: str
    args: tuple
    log: Path
    writes: tuple[Path, ...] = ()

    @classmethod
    def of(cls, function: Callable, args: tuple, log: Path, writes: tuple[Path, ...] = ()) -> Job:
        """A call of a function of a module."""
        return cls(codec.name_of(function), args, log, writes)

    def json(self) -> str:
        """The job on one line, at most ``MOST`` characters; raises UserError (``job-too-large``)."""
        text = json.dumps({f.name: codec.encode(getattr(self, f.name)) for f in fields(self)}, separators=(",", ":"))
        if len(text) > MOST:
            raise UserError(f"{self.log}: the job has {len(text)} bytes, more than {MOST}", code="job-too-large")
        return text

    @classmethod
    def from_json(cls, text: str, anywhere: bool = False) -> Job:
        """The job on a line; functions and dataclasses are of this package, unless ``anywhere``.

        Raises:
            UserError: it is not a job (``job-invalid``).
        """
        try:
            job = cls(**{name: codec.decode(value, anywhere) for name, value in json.loads(text).items()})
            codec.find(job.function, anywhere)
            return job
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(f"not a job: {text[:100]!r}: {error}", code="job-invalid") from None

    def call(self) -> object:
        """Call the function."""
        return codec.find(self.function, anywhere=True)(*self.args)


@dataclass(frozen=True)
class Need:
    """What a job is expected to take: seconds on one core, and bytes of memory; None: not known."""

    seconds: float | None = None
    memory: int | None = None


def execute(job: Job, append: bool = False) -> int:
    """Run a job, print start, end and errors; returns 0, or 1 where it failed.

    It holds a lock file beside the last file that it writes, else beside its log. ``append``: what the log has from
    earlier is kept.
    """
    start, status = time.monotonic(), 1
    try:
        with written_to(job.log), held(of_folder([job.log, *job.writes][-1]), say=_print):
            if not append:
                os.truncate(job.log, 0)
            _print(f"# Started at {time.strftime('%FT%T')} on {_here()} {job.function}")
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
    _print(f"# Ended (code {status}) after {time.monotonic() - start:.1f} s")
    return status


def _here() -> str:
    """This machine, the GPUs that it may use, and in a task of Slurm its id and how often it was started again."""
    slurm = [os.environ.get(f"SLURM_{name}", "") for name in ("ARRAY_JOB_ID", "ARRAY_TASK_ID", "RESTART_COUNT")]
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
    known = [f"Slurm {slurm[0]}_{slurm[1]}, restart {slurm[2] or 0}"] if slurm[0] else []
    known += [f"GPU {gpus}"] if gpus else []
    return os.uname().nodename + (f" ({', '.join(known)})" if known else "")


def _print(line: str) -> None:
    print(line, flush=True)
