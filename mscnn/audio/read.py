"""Reading audio files as samples; nothing else in the package decodes audio."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from mscnn.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import soundfile

SILENT = 1e-4  # peak level below which audio counts as silent, full scale = 1; three steps of 16-bit PCM
CLIPPED = 1e-3  # share of the samples at full scale from which audio counts as clipped
CLIPPING_LEVEL = 32767 / 32768


class BadAudio(Exception):
    """An audio file that cannot be used: ``kind`` is the kind of error; the message does not name the file."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


@contextmanager
def open_audio(path: str | os.PathLike) -> Iterator[soundfile.SoundFile]:
    """An audio file, or the sound of a video, opened by libsndfile.

    Raises:
        BadAudio: kind not-a-wav; libsndfile cannot open the file or, in the block, decode it; or as
            :func:`mscnn.audio.video.sound`.
        UserError: a package that reads videos is not installed.
    """
    import soundfile

    from mscnn.audio import video

    start = b""
    try:
        with open(path, "rb") as raw:
            start = raw.read(video.MAGIC_BYTES)
        with _opened(video.sound(path) if video.is_video(start) else path) as file:
            yield file
    except (soundfile.SoundFileError, OSError) as error:
        found = f" (the file begins with {start!r})" if start else ""
        reason = getattr(error, "error_string", "") or error
        raise BadAudio(
            "not-a-wav", f"cannot be read as WAV, FLAC, OGG, MP3, AIFF or what else libsndfile reads: {reason}{found}"
        ) from None


def _opened(source: str | os.PathLike | IO[bytes]) -> soundfile.SoundFile:
    import soundfile

    try:
        return soundfile.SoundFile(source)
    except TypeError as error:  # samples without a header, by the ending of the name
        raise soundfile.SoundFileRuntimeError(str(error)) from None


def load_audio(
    path: str | os.PathLike, rate: int, convert: bool, *, start: float = 0.0, end: float | None = None
) -> tuple[np.ndarray, list[str]]:
    """Samples of an audio file (wav, flac, …) as mono float32; integer PCM is scaled to [-1, 1).

    Args:
        path: the file.
        rate: expected sampling rate, in Hz.
        convert: resample other rates (soxr, high quality) and average channels; if false, such files are an error.
        start, end: first and last second to read; ``end`` None means the end of the file.

    Returns:
        samples (n,), n > 0, and notices: what was converted, and whether the audio is silent or clipped.

    Raises:
        UserError: the file is unreadable or empty, has samples that are not finite, or has another rate or number of
            channels while ``convert`` is false.
    """
    try:
        with open_audio(path) as file:
            native = file.samplerate
            first = round(start * native)
            last = file.frames if end is None else min(round(end * native), file.frames)
            file.seek(min(first, file.frames))
            samples = file.read(max(last - first, 0), dtype="float32", always_2d=True)
    except BadAudio as error:
        raise UserError(f"{path}: {error}; inspect it with: file {path}", code="audio-unreadable") from None
    part = "" if end is None else f" from {start} to {end} s"
    require_samples(samples, path, part)
    channels = samples.shape[1]
    if not convert and (native, channels) != (rate, 1):
        raise UserError(
            f"{path}: {native} Hz with {channels} channel(s), expected {rate} Hz mono, the format of this corpus; "
            "use the original file, or resample and mix down with --convert true",
            code="audio-form",
        )
    return converted(samples, native, rate)


def require_samples(samples: np.ndarray, path: str | os.PathLike, part: str = "") -> None:
    """Raise UserError where there are no samples (``audio-empty``), or some are not finite (``audio-not-finite``).

    ``path`` and ``part`` name the file and the part of it, for the message.
    """
    import numpy as np

    if not len(samples):
        raise UserError(
            f"{path}: no samples{part}; remove it from the data directory, or replace the file", code="audio-empty"
        )
    if not np.isfinite(samples).all():
        raise UserError(
            f"{path}: samples that are not finite{part}; convert the file to 16-bit PCM",
            code="audio-not-finite",
        )


def levels(samples: np.ndarray) -> tuple[bool, bool]:
    """Whether samples (n, channels), n > 0, are silent, and whether they are clipped."""
    import numpy as np

    level = np.abs(samples)
    return bool(level.max() < SILENT), bool((level >= CLIPPING_LEVEL).mean() >= CLIPPED)


def converted(samples: np.ndarray, native: int, rate: int) -> tuple[np.ndarray, list[str]]:
    """Mono samples at ``rate`` from (n, channels) at ``native`` Hz, and the notices."""
    notices, channels = [], samples.shape[1]
    silent, clipped = levels(samples)
    if silent:
        notices.append(f"silent (peak below {SILENT:g})")
    if clipped:
        notices.append(f"clipped (at least {CLIPPED:.1%} of the samples at full scale)")
    mono = samples.mean(axis=1)
    if channels > 1:
        notices.append(f"mixed down from {channels} channels")
    if native != rate:
        mono = resampled(mono, native, rate)
        notices.append(f"resampled from {native} Hz")
    return mono, notices


def resampled(samples: np.ndarray, native: int, rate: int) -> np.ndarray:
    """Samples (n,) at ``native`` Hz as samples at ``rate`` Hz: librosa's ``soxr_hq``, without the import of librosa."""
    import numpy as np
    import soxr

    size = int(np.ceil(len(samples) * (float(rate) / native)))
    other = soxr.resample(samples, native, rate, quality="soxr_hq")[:size]
    return np.pad(other, (0, size - len(other)))


def trim(samples: np.ndarray, top_db: float) -> np.ndarray:
    """Samples without leading and trailing frames more than ``top_db`` dB below the loudest; silence is unchanged."""
    import librosa
    import numpy as np

    return samples if np.abs(samples).max() < SILENT else librosa.effects.trim(samples, top_db=top_db)[0]
