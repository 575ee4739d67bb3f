"""Reading audio files as samples; nothing else in the package decodes audio."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from mscnn.errors import UserError
from mscnn.files import regular

if TYPE_CHECKING:
    import numpy as np
    import soundfile

LOUDEST = 8.0  # peak above which the scale of floats cannot be that of -1 to 1
SILENT = 1e-4  # peak level below which audio counts as silent, full scale = 1; three steps of 16-bit PCM
CLIPPED = 1e-3  # share of the samples at full scale from which audio counts as clipped
CLIPPING_LEVEL = 32767 / 32768
FRAME, HOP, FAINTEST = 2048, 512, 1e-10  # samples, samples, mean square: of frames in which silence is found
BLOCK = 1 << 22  # samples of all channels per read
CANCELLED = 0.01  # energy of the mean of channels, relative to that of uncorrelated channels, below which they cancel
MAX_CHANNELS = 64
UNKNOWN_FRAMES = (1 << 63) - 1  # of libsndfile, for FLAC
OVERSHOOT = 0.5  # seconds that a segment may end after its recording, or differ from its duration, as in Kaldi
RATES = (1000, 10_000_000)  # Hz; headers with other rates are damaged


class BadAudio(Exception):
    """An audio file that cannot be used: ``kind`` is the kind of error; the message does not name the file."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)

    def of(self, path: str | os.PathLike, part: str = "") -> UserError:
        """The error for a file, or for a part of it, with its fix; all but those of AUDIO_FIXES are one kind."""
        fix = AUDIO_FIXES.get(self.kind, f"inspect it with: file {path}")
        code = self.kind if self.kind in AUDIO_FIXES else "audio-unreadable"
        return UserError(f"{path}: {self}{part}; {fix}", code=code)


@contextmanager
def open_audio(path: str | os.PathLike) -> Iterator[soundfile.SoundFile]:
    """An audio file, or the sound of a video, opened by libsndfile.

    Raises:
        BadAudio: kind not-a-wav; libsndfile cannot open the file or, in the block, decode it; audio-channels,
            audio-rate or audio-length, where its header states what no recording has; or as
            :func:`mscnn.audio.video.sound`.
        UserError: a package that reads videos is not installed.
    """
    import soundfile

    from mscnn.audio import video

    start = b""
    try:
        with open(regular(path), "rb") as raw:
            start = raw.read(video.MAGIC_BYTES)
        with _opened(video.sound(path) if video.is_video(start) else path) as file:
            _require_form(file)
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


def _require_form(file: soundfile.SoundFile) -> None:
    if file.channels > MAX_CHANNELS:
        raise BadAudio("audio-channels", f"{file.channels} channels, the limit is {MAX_CHANNELS}")
    if not RATES[0] <= file.samplerate < RATES[1]:
        raise BadAudio("audio-rate", f"the header states a rate of {file.samplerate} Hz")
    if file.frames == UNKNOWN_FRAMES:  # libsndfile cannot decode such files
        raise BadAudio("audio-length", "the header does not state the number of samples: it was written to a pipe")


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
        samples (n,), n > 0, and notices: what was converted, and whether the audio is silent or clipped, or its
        channels cancel each other (then the loudest is used in place of their mean).

    Raises:
        UserError: the file is unreadable or empty, ends more than OVERSHOOT before ``end``, has samples that are not
            finite or out of range, or has another rate or number of channels while ``convert`` is false.
    """
    try:
        with open_audio(path) as file:
            native = file.samplerate
            first = round(start * native)
            if end is not None and end > file.frames / native + OVERSHOOT:
                raise BadAudio("audio-segment", f"ends after {file.frames / native:.3f} s, before the end of {end} s")
            last = file.frames if end is None else min(round(end * native), file.frames)
            skip(file, min(first, file.frames))
            samples = _read(file, last - first)
    except BadAudio as error:
        raise error.of(path) from None
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


def skip(file: soundfile.SoundFile, count: int) -> int:
    """Pass over ``count`` samples; returns how many there were. Some codecs, as GSM 6.10, know no positions."""
    if file.seekable():
        return file.seek(count, 1)
    left, block = count, max(1, BLOCK // file.channels)
    while left > 0 and (read := len(file.read(min(left, block), dtype="float32"))):
        left -= read
    return count - left


def _read(file: soundfile.SoundFile, count: int) -> np.ndarray:
    """At most ``count`` samples (n, channels); a damaged header may state more than memory holds."""
    import numpy as np

    parts, block = [np.zeros((0, file.channels), np.float32)], max(1, BLOCK // file.channels)
    while count > 0 and len(part := file.read(min(count, block), dtype="float32", always_2d=True)):
        parts.append(part)
        count -= len(part)
    return np.concatenate(parts) if len(parts) != 2 else parts[1]


def require_samples(samples: np.ndarray, path: str | os.PathLike, part: str = "") -> None:
    """Raise UserError where there are no samples (``audio-empty``) or they are unusable, as :func:`unusable` says.

    ``path`` and ``part`` name the file and the part of it, for the message.
    """
    if not len(samples):
        raise UserError(
            f"{path}: no samples{part}; remove it from the data directory, or replace the file", code="audio-empty"
        )
    if bad := unusable(samples):
        raise bad.of(path, part)


AUDIO_FIXES = {
    "audio-not-finite": "convert the file to 16-bit PCM",
    "audio-range": "divide the samples by the full scale, 32768 for 16 bits: ffmpeg -i FILE -af volume=1/32768 OUT.wav",
    "audio-channels": "choose those with speech: ffmpeg -i FILE -af 'pan=mono|c0=c0' OUT.wav",
    "audio-rate": "the header is damaged: put the original file back",
    "audio-segment": "correct the end in segments, or put the original file back",
    "audio-length": "convert it: ffmpeg -i FILE OUT.flac",
}


def unusable(samples: np.ndarray) -> BadAudio | None:
    """Why samples cannot be used, if so: not finite (``audio-not-finite``) or of another scale (``audio-range``)."""
    import numpy as np

    peak = float(np.abs(samples).max())  # nan where a sample is
    if not np.isfinite(peak):
        return BadAudio("audio-not-finite", "samples that are not finite")
    if peak > LOUDEST:
        return BadAudio("audio-range", f"floats out of range: expected -1 to 1, found {peak:g}")
    return None


class _Spread:
    """Peak and energy of each channel around its mean: an offset is no sound."""

    def __init__(self) -> None:
        self.count = 0  # samples of all channels
        self._least: Any = float("inf")  # of each channel, as the others
        self._most: Any = float("-inf")
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def add(self, rows: np.ndarray) -> None:
        """Add samples (channels, n), n > 0."""
        import numpy as np

        self.count += rows.size
        self._least = np.minimum(self._least, rows.min(axis=1))
        self._most = np.maximum(self._most, rows.max(axis=1))
        self._sum = self._sum + rows.sum(axis=1, dtype=np.float64)
        self._squares = self._squares + np.square(rows, dtype=np.float64).sum(axis=1)

    @property
    def peak(self) -> np.ndarray:
        """Half of the range of each channel, (channels,)."""
        return (self._most - self._least) / 2

    @property
    def energy(self) -> np.ndarray:
        """Summed squares of each channel, (channels,)."""
        return self._squares - self._sum**2 / (self.count / len(self._sum))


class Levels:
    """Levels of a recording, from its samples, which may be added block by block."""

    def __init__(self) -> None:
        self.count = 0  # samples per channel
        self._full = 0  # samples at full scale, of all channels
        self._channels, self._mix = _Spread(), _Spread()  # of each channel, and of their mean

    @classmethod
    def of(cls, samples: np.ndarray) -> Levels:
        """Levels of samples (n, channels), n > 0."""
        levels = cls()
        levels.add(samples)
        return levels

    def add(self, samples: np.ndarray) -> None:
        """Add samples (n, channels), n > 0."""
        import numpy as np

        self.count += len(samples)
        self._full += int((np.abs(samples) >= CLIPPING_LEVEL).sum())
        rows = np.ascontiguousarray(samples.T)  # reductions over columns take several times as long
        self._channels.add(rows)
        if len(rows) > 1:
            self._mix.add(rows.mean(axis=0, keepdims=True))

    @property
    def loudest(self) -> int | None:
        """The channel to use where the channels cancel each other, as with opposite phases; else None."""
        import numpy as np

        if not self._mix.count or np.max(self._channels.peak) < SILENT:
            return None
        energies = self._channels.energy
        cancel = self._mix.energy[0] < CANCELLED * np.sum(energies) / len(energies) ** 2
        return int(np.argmax(energies)) if cancel else None

    @property
    def silent(self) -> bool:
        """Whether the mono signal is silent: constant, but for SILENT."""
        import numpy as np

        mixed = self._mix.count and self.loudest is None
        return bool(np.max((self._mix if mixed else self._channels).peak) < SILENT)

    @property
    def clipped(self) -> bool:
        """Whether a channel is clipped."""
        return self._full >= CLIPPED * self._channels.count

    @property
    def notices(self) -> list[str]:
        """What a user should know about the recording."""
        found = []
        if self.silent:
            found.append(f"silent (peak below {SILENT:g})")
        if self.clipped:
            found.append(f"clipped (at least {CLIPPED:.1%} of the samples at full scale)")
        if (channel := self.loudest) is not None:
            found.append(f"channels cancel each other (opposite phase): channel {channel + 1} is used, not their mean")
        return found


def mono(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) from (n, channels), n > 0: the mean; the loudest channel where the channels cancel each other."""
    channel = Levels.of(samples).loudest
    return samples.mean(axis=1) if channel is None else samples[:, channel].copy()


def converted(samples: np.ndarray, native: int, rate: int) -> tuple[np.ndarray, list[str]]:
    """Mono samples at ``rate`` from (n, channels) at ``native`` Hz, and the notices."""
    levels, channels = Levels.of(samples), samples.shape[1]
    notices, channel = levels.notices, levels.loudest
    single = samples.mean(axis=1) if channel is None else samples[:, channel].copy()
    if channels > 1 and channel is None:
        notices.append(f"mixed down from {channels} channels")
    if native != rate:
        single = resampled(single, native, rate)
        notices.append(f"resampled from {native} Hz")
    return single, notices


def resampled(samples: np.ndarray, native: int, rate: int) -> np.ndarray:
    """Samples (n,) at ``native`` Hz as samples at ``rate`` Hz: librosa's ``soxr_hq``, without the import of librosa."""
    import numpy as np
    import soxr

    size = int(np.ceil(len(samples) * (float(rate) / native)))
    other = soxr.resample(samples, native, rate, quality="soxr_hq")[:size]
    return np.pad(other, (0, size - len(other)))


def trim(samples: np.ndarray, top_db: float) -> np.ndarray:
    """Samples without leading and trailing frames more than ``top_db`` dB below the loudest; silence is unchanged.

    Those that ``librosa.effects.trim`` returns, without its import: frames of 2048 samples around every 512th.
    """
    import numpy as np

    if np.abs(samples).max() < SILENT:
        return samples
    sums = np.cumsum(np.pad(np.square(samples, dtype=np.float64), (FRAME // 2 + 1, FRAME // 2)))
    energy = (sums[FRAME:] - sums[:-FRAME])[::HOP] / FRAME
    decibels = 10 * np.log10(np.maximum(energy, FAINTEST))
    (loud,) = np.nonzero(decibels - decibels.max() > -top_db)
    return samples[loud[0] * HOP : (loud[-1] + 1) * HOP]
