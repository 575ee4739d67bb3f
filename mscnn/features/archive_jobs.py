"""Stages that write one archive per job: archives that are up to date are kept, and all tables are joined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mscnn.errors import UserError
from mscnn.files import atomic, read_table
from mscnn.jobs import run_jobs
from mscnn.log import get_logger
from mscnn.stamp import Stamp

log = get_logger(__name__)


@dataclass(frozen=True)
class ArchiveJob:
    """One archive, ``out/<name>.<number>.{ark,scp}``, of consecutive utterances of the sorted list, audio or texts.

    ``step`` names the logs of the jobs. ``convert``: resample and mix down audio of another format, or refuse it.
    """

    name: ClassVar[str]
    step: ClassVar[str]

    number: int
    utterances: tuple[Any, ...]
    convert: bool
    out: Path

    @property
    def stem(self) -> Path:
        """Path of the job's files without their suffix."""
        return self.out / f"{self.name}.{self.number}"

    @property
    def outputs(self) -> list[Path]:
        """All files that the job writes."""
        return [Path(f"{self.stem}.{ending}") for ending in ("ark", "scp")]

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        raise NotImplementedError


Job = TypeVar("Job", bound=ArchiveJob)


def run_stale(
    jobs: Sequence[Job],
    write: Callable[[Job], str],
    finished: Sequence[Path],
    *,
    nj: int,
    what: str,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write the archives that are missing or were made from other files, options or code.

    Args:
        write: writes the outputs of a job; returns a summary for the job's log.
        finished: files that mark the whole work as done; removed before any archive is replaced.
        what: name of the work in the log.
        check: called before anything is written; raises UserError where the archives cannot be made.
    """
    fresh, out = sum(job.stamp.fresh() for job in jobs), jobs[0].out
    if fresh == len(jobs):
        log.info("%s: %d archives are up to date", what, fresh)
        return
    check()
    for path in finished:
        path.unlink(missing_ok=True)
    total = sum(len(job.utterances) for job in jobs)
    log.info("%s: %d utterances, %d of %d archives up to date; logs: %s/log", what, total, fresh, len(jobs), out)
    run_jobs(
        run_job,
        [(job, write) for job in jobs],
        nj=nj,
        log_dir=out / "log",
        step=jobs[0].step,
        writes=[[*job.outputs, job.stamp.path] for job in jobs],
    )


def run_job(job: Job, write: Callable[[Job], str]) -> None:
    """Run one job: write the archive and, last, its stamp, unless both are up to date."""
    if job.stamp.fresh():
        print(f"{job.stem}.ark: up to date")
        return
    summary = write(job)
    job.stamp.write(job.outputs)
    print(f"{job.stem}.ark: {summary}")


def join_tables(jobs: Sequence[ArchiveJob], expected: Collection[str]) -> dict[str, str]:
    """The tables of all archives in one: utterance -> entry; archives of earlier runs are removed.

    Raises:
        UserError: their utterances are not the ``expected`` ones.
    """
    entries: dict[str, str] = {}
    for job in jobs:
        entries |= read_table(f"{job.stem}.scp")
    if different := sorted(entries.keys() ^ set(expected)):
        out = jobs[0].out
        raise UserError(
            f"{out}: {len(different)} utterances differ between data and archives, the first is {different[0]}; "
            f"remove {out} and run again",
            code="archive-utterances",
        )
    _remove_surplus(jobs)
    return entries


def write_notices(notices: Mapping[str, Sequence[str]], path: Path) -> None:
    """Write a table of utterances and notices, and log each notice with the number of its utterances and the first."""
    with atomic(path) as tsv:
        tsv.writelines(f"{utt}\t{notice}\n" for utt in sorted(notices, key=str.encode) for notice in notices[utt])
    utts_of: dict[str, list[str]] = {}
    for utt, noticed in notices.items():
        for notice in noticed:
            utts_of.setdefault(notice, []).append(utt)
    for notice, utts in sorted(utts_of.items()):
        log.info("%s: %d of %d utterances, the first is %s; all in %s", notice, len(utts), len(notices), utts[0], path)


def _remove_surplus(jobs: Sequence[ArchiveJob]) -> None:
    """Remove archives of an earlier run with more jobs, and temporary files of killed processes."""
    name, out = jobs[0].name, jobs[0].out
    for path in out.glob(".*.tmp"):
        path.unlink()
    for path in [*out.glob(f"{name}.*.*"), *(out / "log").glob(f"{name}.*.stamp")]:
        number = path.name.split(".")[1]
        if number.isdigit() and int(number) > len(jobs):
            path.unlink()
