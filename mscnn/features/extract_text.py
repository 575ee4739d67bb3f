"""Features of transcripts, by text encoders: archives as those of stage 3, in a folder of their own for each text.

``feature.yaml`` names the text and has its digest, so that no system takes the vectors of another text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mscnn.data.datadir import DataDir
from mscnn.device import choose_device
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.features.archive import text_digest, write_archive
from mscnn.features.archive_jobs import run_stale
from mscnn.features.config import Feature
from mscnn.features.extract import (
    NOT_FINITE,
    FeatureJob,
    collect,
    refuse_others,
    rounded,
    sliced,
    why_not_finite,
    write_rows,
)
from mscnn.features.text_encoder import TextEncoder

if TYPE_CHECKING:
    import numpy as np

JOB_SIZE = 2000  # texts; fixed, so that the archives do not depend on the number of processes
AT_A_TIME = 256  # texts whose vectors are in memory; up to 0.5 GB for the tokens of a large encoder


@dataclass(frozen=True)
class UtteranceText:
    """Transcript of an utterance."""

    utt: str
    text: str

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Values that a stamp records."""
        return self.utt, self.text


@dataclass(frozen=True)
class TextJob(FeatureJob):
    """Features of a slice of the sorted utterances, each an :class:`UtteranceText`."""

    step: ClassVar[str] = "encode"


def extract_text(
    data: DataDir, feature: Feature, out: str | os.PathLike, text: str, *, nj: int, device: str = "cpu"
) -> dict[str, int]:
    """Write the features of the transcripts ``text`` (gt or an ASR engine), as :func:`mscnn.features.extract.extract`.

    Returns:
        utterance -> number of rows.

    Raises:
        UserError: as there; or there are no such transcripts, or the feature is made of audio (``feature-source``).
    """
    out, texts = Path(out), data.text_of(text)
    encoder_of(feature).available()
    refuse_others(out)
    slices = enumerate(sliced([UtteranceText(utt, texts[utt]) for utt in data.utts], JOB_SIZE), 1)
    device = choose_device(device)
    jobs = [TextJob(number, some, False, out, feature, device) for number, some in slices]
    what = f"{feature.name} of text {text}"
    run_stale(jobs, write_texts, [out / "feature.yaml"], nj=nj, what=what, check=feature.extractor.check)
    return collect(jobs, data, feature, out, {"text": text, "text_digest": text_digest(texts)})


def write_texts(job: TextJob) -> str:
    """Write the outputs of a job; returns the numbers of utterances and rows.

    Raises:
        DataErrors: vectors that are not finite; lists all of the job's.
    """
    notices: dict[str, list[str]] = {}
    return write_rows(job, write_archive(job.stem, _matrices(job, notices), job.feature.stored), notices)


def encode(feature: Feature, texts: Sequence[str], device: str = "cpu") -> tuple[list[np.ndarray], list[bool]]:
    """Vectors of texts (T, dim), rounded to the type in which they are stored, and whether each was truncated."""
    vectors, truncated = encoder_of(feature).encode(texts, device)
    return [rounded(matrix, feature.stored) for matrix in vectors], truncated


def encoder_of(feature: Feature) -> TextEncoder:
    """The text encoder of a feature; raises UserError (``feature-source``) where the feature is made of audio."""
    if isinstance(feature.extractor, TextEncoder):
        return feature.extractor
    raise UserError(
        f"{feature.name} is a feature of audio, not of text: name it as inputs.audio", code="feature-source"
    )


def _matrices(job: TextJob, notices: dict[str, list[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """Vectors (T, dim) of each utterance; fills ``notices``."""
    feature = job.feature
    issues = []
    for start in range(0, len(job.utterances), AT_A_TIME):
        some = job.utterances[start : start + AT_A_TIME]
        vectors, truncated = encode(feature, [one.text for one in some], job.device)
        for one, matrix, is_long in zip(some, vectors, truncated, strict=True):
            notices[one.utt] = ["text truncated to what the encoder reads"] if is_long else []
            if why := why_not_finite(matrix, feature):
                issues.append(Issue(NOT_FINITE, f"{one.utt}: {why}"))
            yield one.utt, matrix
    if issues:
        raise DataErrors(f"{len(issues)} texts cannot be used:", issues, code=NOT_FINITE)
