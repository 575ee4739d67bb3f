"""Locations of the audio of utterances, and a reader of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from mscnn.audio.read import load_audio
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue, UserError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class UtteranceAudio:
    """Location of the samples of an utterance: a file, or its seconds from ``start`` to ``end``."""

    utt: str
    wav: str
    start: float = 0.0
    end: float | None = None

    @classmethod
    def of(cls, data: DataDir) -> list[UtteranceAudio]:
        """Locations of all utterances, in the order of ``data.utts``; raises UserError without recordings."""
        data.require_recordings()
        if data.segments:
            return [cls(utt, data.wav[recording], *times) for utt, (recording, *times) in data.segments.items()]
        return [cls(utt, data.wav[utt]) for utt in data.utts]

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Values that a stamp records: utterance, path, times, and size and modification time of the file."""
        status = os.stat(self.wav)
        return self.utt, self.wav, self.start, self.end, status.st_size, status.st_mtime_ns


class AudioReader:
    """Reader of the audio of utterances; the end of its ``with`` block raises all issues together.

    Attributes:
        issues: the issues so far, one per utterance that cannot be used.
        notices: utterance -> notices, of the others.
    """

    def __init__(self, rate: int, *, convert: bool) -> None:
        """Return samples at ``rate`` Hz, mono; ``convert``: other rates and channels are converted, else refused."""
        self._rate, self._convert = rate, convert
        self.issues: list[Issue] = []
        self.notices: dict[str, list[str]] = {}

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is None:
            self.require_none()

    def require_none(self) -> None:
        """Raise the issues, if there are any."""
        if self.issues:
            raise DataErrors(f"{len(self.issues)} utterances cannot be used:", self.issues, code="utterances-unusable")

    def load(self, audio: UtteranceAudio) -> tuple[np.ndarray, list[str]] | None:
        """Samples (n,) float32 and notices, as :func:`load_audio` returns them; None where there is an issue."""
        try:
            loaded = load_audio(audio.wav, self._rate, self._convert, start=audio.start, end=audio.end)
        except UserError as error:
            self.refuse(audio, error.code, str(error))
            return None
        self.notices[audio.utt] = loaded[1]
        return loaded

    def refuse(self, audio: UtteranceAudio, code: str, message: str) -> None:
        """Add an issue: the utterance cannot be used; ``message`` names its file."""
        self.issues.append(Issue(code, f"{audio.utt}: {message}"))
