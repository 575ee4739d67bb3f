"""Stage 3: the features of a data directory, in parallel and resumable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import yaml

from mscnn import __version__
from mscnn.audio.read import trim
from mscnn.data.audio import AudioReader, UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.features.archive import write_archive
from mscnn.features.archive_jobs import ArchiveJob, join_tables, run_stale, write_notices
from mscnn.features.config import FULL, Feature
from mscnn.files import atomic, digest, file_digest, write_table
from mscnn.stamp import SEAL, Stamp, seal

if TYPE_CHECKING:
    import numpy as np

Utterance = TypeVar("Utterance")
ROOMS = {"audio": ("pcm", "read", "video"), "features": ("base", "dsp")}
CODE = tuple(f"mscnn.{room}.{name}" for room, names in ROOMS.items() for name in names)
JOB_SIZE = 250  # utterances; fixed, so that the archives do not depend on the number of processes
NOT_FINITE = "feature-not-finite"
MOST_JOBS = 256  # each training maps all archives, and a process may have few files open


@dataclass(frozen=True)
class FeatureJob(ArchiveJob):
    """Features of a slice of the sorted utterances: the archive, and a table of frames and notices (``.tsv``)."""

    name: ClassVar[str] = "feats"
    step: ClassVar[str] = "extract"

    feature: Feature
    device: str = "cpu"

    @property
    def table(self) -> Path:
        """The table of frames and notices."""
        return Path(f"{self.stem}.tsv")

    @property
    def outputs(self) -> list[Path]:
        """All files that the job writes."""
        return [*super().outputs, self.table]

    @property
    def made_by(self) -> dict[str, str]:
        """What the values depend on: versions of packages, pretrained weights, and a device other than the CPU."""
        extractor = self.feature.extractor
        versions = {name: version(name) for name in sorted({"soxr", *extractor.used_packages})}
        trained = {"weights": extractor.weights} if extractor.weights else {}
        return versions | trained | ({"device": self.device} if self.device != "cpu" else {})

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        return Stamp(
            self.out / "log" / f"feats.{self.number}.stamp",
            options={
                "audio": [audio.fingerprint for audio in self.utterances],
                "feature": self.feature.options,
                "convert": self.convert,
                "made_by": self.made_by,
            },
            code=[*CODE, *self.feature.extractor.modules, type(self.feature.extractor).__module__, __name__],
        )


def extract(
    data: DataDir, feature: Feature, out: str | os.PathLike, *, nj: int, convert: bool, device: str = "cpu"
) -> dict[str, int]:
    """Write ``feats.scp``, its archives, ``utt2num_frames``, ``notices.tsv`` and, last, ``feature.yaml`` under ``out``.

    Existing archives made from the same files, options and code are kept. The result depends neither on ``nj`` nor on
    interruptions. ``device`` is cpu, cuda or auto; most features are always computed on the CPU.

    Returns:
        utterance -> number of frames.

    Raises:
        UserError: a requirement of the feature is missing, ``out`` has features that stage 3 did not write, or
            utterances cannot be used; the message lists them.
    """
    out = Path(out)
    if feature.extractor.source != "audio":
        raise UserError(
            f"{feature.name} is a feature of text, not of audio: name it as inputs.text_encoder", code="feature-source"
        )
    refuse_others(out)
    feature.extractor.available()
    jobs = make_jobs(data, feature, out, convert, choose_device(device) if feature.extractor.on_gpu else "cpu")
    check = feature.extractor.check  # loads a pretrained network
    run_stale(jobs, write_features, [out / "feature.yaml"], nj=nj, what=feature.name, check=check)
    return collect(jobs, data, feature, out, {})


def refuse_others(out: Path) -> None:
    """Raise UserError where a folder has features that stage 3 did not write."""
    ours = (out / SEAL).exists() or any((out / "log").glob("feats.*.stamp"))
    if (out / "feature.yaml").exists() and not ours:
        raise UserError(
            f"{out}: stage 3 would replace features that it did not write; train on them as they are (--stage train), "
            "or move them to another folder",
            code="out-not-ours",
        )


def make_jobs(data: DataDir, feature: Feature, out: Path, convert: bool, device: str) -> list[FeatureJob]:
    """One job per ``JOB_SIZE`` of the sorted utterances, or ``MOST_JOBS``, for any number of processes."""
    slices = enumerate(sliced(UtteranceAudio.of(data), JOB_SIZE), 1)
    return [FeatureJob(number, audio, convert, out, feature, device) for number, audio in slices]


def sliced(utterances: Sequence[Utterance], size: int) -> list[tuple[Utterance, ...]]:
    """The utterances of each job: ``size`` of them, or more where there would be more than ``MOST_JOBS``."""
    size = max(size, -(-len(utterances) // MOST_JOBS))
    return [tuple(utterances[i : i + size]) for i in range(0, len(utterances), size)]


def write_features(job: FeatureJob) -> str:
    """Write the outputs of a job; returns the numbers of utterances and frames.

    Raises:
        DataErrors: files that cannot be used; lists all of the job's.
    """
    notices: dict[str, list[str]] = {}
    return write_rows(job, write_archive(job.stem, _matrices(job, notices), job.feature.stored), notices)


def write_rows(job: FeatureJob, frames: Mapping[str, int], notices: Mapping[str, Sequence[str]]) -> str:
    """Write the table of a job, from numbers of frames; returns the numbers of utterances and frames."""
    with atomic(job.table) as table:
        table.writelines(f"{utt}\t{frames[utt]}\t{'; '.join(notices[utt])}\n" for utt in frames)
    return f"{len(frames)} utterances, {sum(frames.values())} frames"


def _matrices(job: FeatureJob, notices: dict[str, list[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """Features (T, dim) of each utterance; fills ``notices``. After an unusable file the others are only checked."""
    extractor = job.feature.extractor
    with AudioReader(extractor.rate, convert=job.convert) as reader:
        for batch in _batches(_loaded(job, reader, notices), extractor.batch_seconds(job.device) * extractor.rate):
            matrices = compute_batch(job.feature, [samples for _, samples in batch], job.device)
            for (audio, _), matrix in zip(batch, matrices, strict=True):
                if why := why_not_finite(matrix, job.feature):
                    reader.refuse(audio, NOT_FINITE, f"{audio.wav}: {why}")
                    continue
                if len(matrix) < extractor.min_frames:
                    notices[audio.utt].append(f"very short (below {extractor.min_frames} frames)")
                yield audio.utt, matrix


def _loaded(
    job: FeatureJob, reader: AudioReader, notices: dict[str, list[str]]
) -> Iterator[tuple[UtteranceAudio, np.ndarray]]:
    """Samples of each utterance, edges trimmed where the feature says so; after an unusable file, of none."""
    for audio in job.utterances:
        loaded = reader.load(audio)
        if loaded is None or reader.issues:
            continue
        samples, notices[audio.utt] = loaded
        yield audio, trimmed(job.feature, samples)


def _batches(
    loaded: Iterable[tuple[UtteranceAudio, np.ndarray]], most: float
) -> Iterator[list[tuple[UtteranceAudio, np.ndarray]]]:
    """Utterances in their order, as many at a time as have ``most`` samples when padded to the longest; 0: one."""
    batch: list[tuple[UtteranceAudio, np.ndarray]] = []
    for audio, samples in loaded:
        longest = max([len(samples), *(len(others) for _, others in batch)])
        if batch and (len(batch) + 1) * longest > most:
            yield batch
            batch = []
        batch.append((audio, samples))
    if batch:
        yield batch


def why_not_finite(matrix: np.ndarray, feature: Feature) -> str:
    """What is wrong with values that are not finite, and what to do; empty where all are."""
    import numpy as np

    if np.isfinite(matrix).all():
        return ""
    limit = "; inspect it" if feature.stored == FULL else f" in {feature.stored}; set stored={FULL}"
    return f"{feature.name} is not finite{limit}"


def compute(feature: Feature, samples: np.ndarray, device: str) -> np.ndarray:
    """Feature (T, dim), T > 0, of samples (n,) at its rate, n > 0; edges are trimmed first where it says so.

    The values are float32, rounded to the type in which they are stored.
    """
    return compute_batch(feature, [trimmed(feature, samples)], device)[0]


def compute_batch(feature: Feature, batch: Sequence[np.ndarray], device: str) -> list[np.ndarray]:
    """The same for each of several recordings whose edges are trimmed already."""
    return [rounded(matrix, feature.stored) for matrix in feature.extractor.compute_batch(batch, device)]


def trimmed(feature: Feature, samples: np.ndarray) -> np.ndarray:
    """The samples without their edges, where the feature says so."""
    return samples if feature.trim_db is None else trim(samples, feature.trim_db)


def rounded(matrix: np.ndarray, stored: str) -> np.ndarray:
    """Values of float32, rounded to the type in which they are stored."""
    import numpy as np

    with np.errstate(over="ignore"):  # what float16 has no number for becomes infinite, and is refused
        return matrix.astype(stored).astype(np.float32) if stored != FULL else matrix


def collect(
    jobs: Sequence[FeatureJob], data: DataDir, feature: Feature, out: Path, source: Mapping[str, str]
) -> dict[str, int]:
    """Join the outputs of the jobs, log the notices, write ``feature.yaml`` last; returns utterance -> frames.

    ``source`` are facts on what the features are made of, for ``feature.yaml``; empty: of the recordings.
    """
    entries = join_tables(jobs, data.utts)
    frames: dict[str, int] = {}
    notices: dict[str, list[str]] = {}
    for job in jobs:
        for line in job.table.read_text(encoding="utf-8").splitlines():
            utt, length, noticed = line.split("\t")
            frames[utt] = int(length)
            notices[utt] = noticed.split("; ") if noticed else []
    write_table(out / "feats.scp", entries)
    write_table(out / "utt2num_frames", frames)
    write_notices(notices, out / "notices.tsv")
    facts = {
        "feature": feature.name,
        "options": feature.options,
        "hash": feature.hash,
        "dim": feature.extractor.dim,
        "frame_shift": feature.extractor.frame_shift,
        **source,
        **({"trained_on": list(feature.trained_on)} if feature.trained_on else {}),
        "content": digest([file_digest(f"{job.stem}.ark") for job in jobs]),
        "made_by": {"mscnn": __version__, **jobs[0].made_by},
    }
    with atomic(out / "feature.yaml") as file:
        yaml.safe_dump(facts, file, sort_keys=False)
    tables = [out / name for name in ("feature.yaml", "feats.scp", "utt2num_frames", "notices.tsv")]
    seal(out / SEAL, [*tables, *(Path(f"{job.stem}.ark") for job in jobs)])
    return frames
