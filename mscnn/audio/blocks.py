"""Recordings that are read in blocks: an audio file, or an array. Memory does not grow with their length."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mscnn.audio.check import no_samples
from mscnn.audio.read import MAX_CHANNELS, BadAudio, open_audio, require_samples, skip
from mscnn.errors import UserError

if TYPE_CHECKING:
    import numpy as np

READ = 1 << 16  # samples per read; of damaged files as much is used as can be decoded


class Recording(Protocol):
    """A recording whose samples are addressed by their number in a channel."""

    @property
    def name(self) -> str:
        """Its path, or what it is, for messages."""
        ...

    @property
    def frames(self) -> int:
        """Samples per channel, at least 1."""
        ...

    @property
    def rate(self) -> int:
        """Sampling rate in Hz."""
        ...

    @property
    def seconds(self) -> float:
        """Duration."""
        ...

    def spans(self, spans: Iterable[tuple[int, int]]) -> Iterator[np.ndarray]:
        """Samples (end - start, channels) float32 of each span (start, end).

        Neither starts nor ends may decrease; every sample is read once.

        Raises:
            UserError: the file cannot be decoded, or samples are not finite.
        """
        ...


@dataclass(frozen=True)
class AudioFile:
    """An audio file of any format that libsndfile reads; see :class:`Recording`."""

    name: str
    frames: int
    rate: int

    @classmethod
    def open(cls, path: str | os.PathLike) -> AudioFile:
        """The file ``path``, whose header is read.

        Raises:
            UserError: there is no such file (``file-missing``), it cannot be read as audio (``audio-unreadable``), has
                no samples (``audio-empty``), or a header of more than MAX_CHANNELS channels, of a rate that no
                recording has, or without a length (``audio-channels``, ``audio-rate``, ``audio-length``).
        """
        name = os.fspath(path)
        if not os.path.exists(name):
            raise UserError(f"{name}: no such file", code="file-missing")
        try:
            if os.path.isfile(name) and not os.path.getsize(name):
                raise UserError(f"{name}: the file has 0 bytes; copy or record it again", code="audio-empty")
            with open_audio(name) as file:
                frames, rate = file.frames, file.samplerate
        except BadAudio as error:
            raise error.of(name) from None
        if frames < 1:
            fix = "copy it again, or repair it with: sox --ignore-length FILE OUT.wav"
            raise UserError(f"{name}: {no_samples(name)}; {fix}", code="audio-empty")
        return cls(name, frames, rate)

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate

    def spans(self, spans: Iterable[tuple[int, int]]) -> Iterator[np.ndarray]:
        """See :class:`Recording`."""
        import numpy as np

        try:
            with open_audio(self.name) as file:
                held, first = np.zeros((0, file.channels), np.float32), 0  # samples from ``first`` on
                for start, end in spans:
                    if start > first + len(held):
                        skip(file, start - first - len(held))
                        held, first = held[:0], start
                    held, first = held[start - first :], start
                    parts = [held]
                    while (missing := end - first - sum(map(len, parts))) > 0:
                        parts.append(file.read(min(missing, READ), dtype="float32", always_2d=True))
                        if not len(parts[-1]):
                            break  # shorter than its header says
                    held = np.concatenate(parts)
                    if start == 0 or len(held):
                        require_samples(held, self.name)
                        yield held[: end - start]
        except BadAudio as error:
            raise error.of(self.name) from None


@dataclass(frozen=True)
class AudioArray:
    """Samples (n, channels) float32 in memory, -1 to 1, at ``rate`` Hz; see :class:`Recording`."""

    samples: np.ndarray
    rate: int
    name: str = "the array"

    @classmethod
    def of(cls, array: object, rate: int | None) -> AudioArray:
        """Samples (n,) or (n, channels), as numbers of floating point from -1 to 1, or as integers of 8 to 32 bits.

        Raises:
            UserError: there is no rate, or the array is empty, of another shape or type, not finite, or of another
                scale.
        """
        import numpy as np

        if rate is None or not 0 < rate < 10_000_000 or rate != int(rate):
            raise UserError(
                f"an array of samples needs its sampling rate in Hz, as rate=16000; found rate={rate}",
                code="audio-rate",
            )
        samples = np.asarray(array)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or not 0 < samples.shape[1] <= MAX_CHANNELS:
            raise UserError(
                f"samples: expected the shape (samples,) or (samples, channels), found {samples.shape}",
                code="array-shape",
            )
        if samples.dtype.kind in "iu" and samples.dtype.itemsize == 8:
            raise UserError(
                "samples: integers of 64 bits, whose full scale is unknown; give them as int16 where it is 32768",
                code="array-type",
            )
        if samples.dtype.kind in "iu":
            limits = np.iinfo(samples.dtype)
            middle = 0 if samples.dtype.kind == "i" else (int(limits.max) + 1) // 2
            samples = (samples.astype(np.float64) - middle) / ((int(limits.max) + 1) / (2 if middle else 1))
        elif samples.dtype.kind != "f":
            raise UserError(f"samples: expected numbers, found the type {samples.dtype}", code="array-type")
        samples = samples.astype(np.float32)
        require_samples(samples, "the array")
        return cls(samples, int(rate))

    @property
    def frames(self) -> int:
        """Samples per channel."""
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate

    def spans(self, spans: Iterable[tuple[int, int]]) -> Iterator[np.ndarray]:
        """See :class:`Recording`."""
        for start, end in spans:
            yield self.samples[start:end]
