"""Stage 3: the features of a data directory, in parallel and resumable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mscnn import __version__
from mscnn.audio.read import load_audio, trim
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, UserError
from mscnn.features.archive import write_archive
from mscnn.features.config import Feature
from mscnn.files import atomic, digest, file_digest, read_table, write_table
from mscnn.jobs import run_jobs
from mscnn.log import get_logger
from mscnn.stamp import Stamp

if TYPE_CHECKING:
    import numpy as np

CODE = ("mscnn.audio.pcm", "mscnn.audio.read", "mscnn.features.base", "mscnn.features.dsp")
JOB_SIZE = 250  # utterances; fixed, so that the archives do not depend on the number of processes
MAX_FAULTS = 20
log = get_logger(__name__)


@dataclass(frozen=True)
class Source:
    """Where the samples of an utterance are: a file, or the seconds ``start`` to ``end`` of it."""

    utt: str
    wav: str
    start: float = 0.0
    end: float | None = None

    @classmethod
    def of(cls, data: DataDir) -> list[Source]:
        """Of every utterance, in their order; raises UserError where there are no recordings."""
        data.require_recordings()
        if data.segments:
            return [cls(utt, data.wav[reco], start, end) for utt, (reco, start, end) in data.segments.items()]
        return [cls(utt, data.wav[utt]) for utt in data.utts]

    @property
    def seen(self) -> tuple[object, ...]:
        """What a stamp records: the file by path, size and time of change, as make does."""
        status = os.stat(self.wav)
        return self.utt, self.wav, self.start, self.end, status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class Job:
    """One archive: ``out/feats.<number>.{ark,scp,tsv}`` from a slice of the sorted utterances."""

    number: int
    sources: tuple[Source, ...]
    feature: Feature
    convert: bool
    out: Path

    @property
    def stem(self) -> Path:
        """Path of the job's files without their ending."""
        return self.out / f"feats.{self.number}"

    @property
    def made_by(self) -> dict[str, str]:
        """Versions of the packages that decide the numbers, and of the trained network, where there is one."""
        extractor = self.feature.extractor
        versions = {name: version(name) for name in sorted({"librosa", "soxr", *extractor.packages})}
        return versions | ({"weights": extractor.weights} if extractor.weights else {})

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        extractor = type(self.feature.extractor).__module__
        seen = [source.seen for source in self.sources]
        return Stamp(
            self.out / "log" / f"feats.{self.number}.stamp",
            options={
                "sources": seen,
                "feature": self.feature.options,
                "convert": self.convert,
                "made_by": self.made_by,
            },
            code=[*CODE, extractor, __name__],
        )


def extract(data: DataDir, feature: Feature, out: str | os.PathLike, *, nj: int, convert: bool) -> dict[str, int]:
    """Write ``feats.scp``, its archives, ``utt2num_frames``, ``notices.tsv`` and, last, ``feature.yaml`` under ``out``.

    Archives that are already there, made from the same files, options and code, are kept. The result is the same for
    any ``nj`` and however often the work was interrupted.

    Returns:
        utterance -> number of frames.

    Raises:
        UserError: what the feature needs is not at hand, ``out`` holds features of another origin, or utterances cannot
            be used; the message lists them.
    """
    out = Path(out)
    if (out / "feature.yaml").exists() and not any((out / "log").glob("feats.*.stamp")):
        raise UserError(
            f"{out}: stage 3 would replace features that it did not make; train on them as they are (--stage train), "
            "or move them away"
        )
    feature.extractor.check()
    jobs = make_jobs(data, feature, out, convert)
    done = sum(job.stamp.fresh() for job in jobs)
    if done < len(jobs):
        (out / "feature.yaml").unlink(missing_ok=True)
        log.info("%d utterances in %d archives, %d of them at hand; logs: %s/log", len(data.utts), len(jobs), done, out)
        run_jobs(run_job, [(job,) for job in jobs], nj=nj, log_dir=out / "log", step="extract")
    else:
        log.info("%d archives at hand, made from the same files, options and code", done)
    return _collect(jobs, data, feature, out)


def make_jobs(data: DataDir, feature: Feature, out: Path, convert: bool) -> list[Job]:
    """Cut the sorted utterances into jobs of ``JOB_SIZE``, whatever the number of processes."""
    sources = Source.of(data)
    slices = [tuple(sources[i : i + JOB_SIZE]) for i in range(0, len(sources), JOB_SIZE)]
    return [Job(number, part, feature, convert, out) for number, part in enumerate(slices, 1)]


def run_job(job: Job) -> None:
    """Body of one process: write the job's archive and, last, its stamp; nothing where they are at hand.

    Raises:
        DataErrors: files that cannot be used, all of the job's at once.
    """
    if job.stamp.fresh():
        print(f"{job.stem}.ark: at hand")
        return
    notices: dict[str, list[str]] = {}
    frames = write_archive(job.stem, _matrices(job, notices))
    with atomic(f"{job.stem}.tsv") as tsv:
        tsv.writelines(f"{utt}\t{frames[utt]}\t{'; '.join(notices[utt])}\n" for utt in frames)
    job.stamp.write(Path(f"{job.stem}.{ending}") for ending in ("ark", "scp", "tsv"))
    print(f"{job.stem}.ark: {len(frames)} utterances, {sum(frames.values())} frames")


def _matrices(job: Job, notices: dict[str, list[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """Features of each utterance; fills ``notices``. Faults are collected first, raised last."""
    extractor, faults = job.feature.extractor, []
    for source in job.sources:
        try:
            samples, seen = load_audio(source.wav, extractor.rate, job.convert, start=source.start, end=source.end)
        except UserError as error:
            faults.append(f"{source.utt}: {error}")
            continue
        if job.feature.trim_db is not None:
            samples = trim(samples, job.feature.trim_db)
        matrix = extractor(samples)
        if len(matrix) < extractor.short:
            seen.append(f"very short (below {extractor.short} frames)")
        notices[source.utt] = seen
        if not faults:
            yield source.utt, matrix
    if faults:
        raise DataErrors(f"{len(faults)} utterances cannot be used:", faults, MAX_FAULTS)


def _collect(jobs: Sequence[Job], data: DataDir, feature: Feature, out: Path) -> dict[str, int]:
    """Join the tables of the jobs, check that keys out = keys in, report the notices, write ``feature.yaml`` last."""
    entries, frames, notices = {}, {}, {}
    for job in jobs:
        entries |= read_table(f"{job.stem}.scp")
        for line in Path(f"{job.stem}.tsv").read_text(encoding="utf-8").splitlines():
            utt, length, seen = line.split("\t")
            frames[utt] = int(length)
            notices[utt] = seen.split("; ") if seen else []
    if not entries.keys() == frames.keys() == set(data.utts):
        odd = sorted((entries.keys() | frames.keys()) ^ set(data.utts))
        raise UserError(
            f"{out}: {len(odd)} utterances differ between data and archives, as {odd[:1]}; remove {out}, run again"
        )
    _remove_surplus(out, len(jobs))
    write_table(out / "feats.scp", entries)
    write_table(out / "utt2num_frames", frames)
    with atomic(out / "notices.tsv") as tsv:
        tsv.writelines(f"{utt}\t{notice}\n" for utt in sorted(notices, key=str.encode) for notice in notices[utt])
    _report(notices, out)
    with atomic(out / "feature.yaml") as file:
        yaml.safe_dump(
            {
                "feature": feature.name,
                "options": feature.options,
                "hash": feature.hash,
                "dim": feature.extractor.dim,
                "frame_shift": feature.extractor.frame_shift,
                "content": digest([file_digest(f"{job.stem}.ark") for job in jobs]),
                "made_by": {"mscnn": __version__, **jobs[0].made_by},
            },
            file,
            sort_keys=False,
        )
    return frames


def _remove_surplus(out: Path, jobs: int) -> None:
    """Remove archives of an earlier, larger set, and what killed processes left."""
    for path in out.glob(".*.tmp"):
        path.unlink()
    for path in [*out.glob("feats.*.*"), *(out / "log").glob("feats.*.stamp")]:
        number = path.name.split(".")[1]
        if number.isdigit() and int(number) > jobs:
            path.unlink()


def _report(notices: dict[str, list[str]], out: Path) -> None:
    kinds: dict[str, list[str]] = {}
    for utt, seen in notices.items():
        for notice in seen:
            kinds.setdefault(notice, []).append(utt)
    for notice, utts in sorted(kinds.items()):
        log.info(
            "%s: %d of %d utterances, the first is %s; all in %s",
            notice,
            len(utts),
            len(notices),
            utts[0],
            out / "notices.tsv",
        )
