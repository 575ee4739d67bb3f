"""A trained system that takes recordings: ``mscnn.load_model(path)``."""

from __future__ import annotations

import itertools
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from mscnn.audio.blocks import AudioArray, AudioFile, Recording
from mscnn.audio.read import Levels, converted
from mscnn.audio.vad import speech, within
from mscnn.errors import UserError
from mscnn.inference.answers import Prepared, Total, groups, unusable, without_text
from mscnn.inference.frontend import Frontend
from mscnn.inference.parts import Part, blocks, check_window, pieces, windows
from mscnn.inference.result import Result, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mscnn.inference.description import Description
    from mscnn.inference.networks import Networks
    from mscnn.training.network import Trained

BLOCK = 30.0  # s, of recordings that are read as a whole where the lengths in training are unknown
BATCH_SECONDS = 1800.0  # of speech, held as features
LONG_BATCH_SECONDS = 120.0  # the same of parts of one long recording
Audio = object  # a path, or an array of samples


class Predictor:
    """A trained system with its networks loaded; its methods may be called from several threads.

    Attributes:
        description: all that is known about the system.
        card: its model card, Markdown.
    """

    def __init__(
        self,
        description: Description,
        frontend: Frontend,
        networks: Networks,
        *,
        card: str = "",
        asr: tuple[str, Callable[[np.ndarray], str]] | None = None,
    ) -> None:
        """Use a system; ``asr`` is an ASR engine: its name, and its function from samples at 16 kHz to a transcript."""
        self.description, self.card = description, card
        self._frontend, self._networks, self._asr, self._asr_lock = frontend, networks, asr, threading.Lock()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of all probabilities."""
        return self.description.classes

    @property
    def networks(self) -> Sequence[Trained]:
        """The networks, in the order of the description."""
        return self._networks.networks

    @property
    def takes_text(self) -> bool:
        """Whether the system takes transcripts."""
        return self.description.text != "none"

    @property
    def has_asr(self) -> bool:
        """Whether it has an ASR engine for recordings without a transcript."""
        return self._asr is not None

    @property
    def without_text(self) -> str:
        """What a missing transcript costs, for people."""
        return without_text(self.description)

    def predict(self, audio: Audio, rate: int | None = None, text: str | None = None) -> Result:
        """Emotion of one recording.

        A recording that is longer than all in training is read in blocks; the posteriors are means over these.

        Args:
            audio: path of an audio file, or samples (n,) or (n, channels): floats from -1 to 1, or integers.
            rate: sampling rate of samples, in Hz.
            text: transcript; None: of the ASR engine, or none.

        Raises:
            UserError: the recording cannot be used, or the system takes text only and there is none.
        """
        recording = AudioArray.of(audio, rate) if _is_array(audio) else AudioFile.open(_path(audio))
        answer = next(self._answers([recording], [text], BATCH_SECONDS))[1]
        if isinstance(answer, UserError):
            raise answer
        return answer

    @overload
    def predict_many(
        self,
        paths: Sequence[str | os.PathLike],
        texts: Sequence[str | None] | None = ...,
        batch_seconds: float = ...,
        errors: Literal["raise"] = ...,
    ) -> list[Result]: ...

    @overload
    def predict_many(
        self,
        paths: Sequence[str | os.PathLike],
        texts: Sequence[str | None] | None = ...,
        batch_seconds: float = ...,
        *,
        errors: Literal["return"],
    ) -> list[Result | UserError]: ...

    def predict_many(
        self,
        paths: Sequence[str | os.PathLike],
        texts: Sequence[str | None] | None = None,
        batch_seconds: float = BATCH_SECONDS,
        errors: str = "raise",
    ) -> list[Result] | list[Result | UserError]:
        """Emotions of many audio files, in their order.

        Args:
            paths: the files.
            texts: transcript of each, or None.
            batch_seconds: seconds of speech that are held in memory at a time.
            errors: ``return``: files that cannot be used have their error in place of a result; ``raise``: they raise.

        Raises:
            DataErrors: files that cannot be used, all listed (``recordings-unusable``), after the others were done.
        """
        if texts is not None and len(texts) != len(paths):
            raise UserError(f"{len(texts)} texts for {len(paths)} recordings", code="array-shape")
        answers: dict[int, Result | UserError] = dict(self.predict_each(paths, texts, batch_seconds))
        bad = {i: answer for i, answer in sorted(answers.items()) if isinstance(answer, UserError)}
        if bad and errors == "raise":
            raise unusable(list(bad.values()), len(paths))
        return [answers[i] for i in range(len(paths))]

    def predict_each(
        self,
        paths: Iterable[str | os.PathLike],
        texts: Iterable[str | None] | None = None,
        batch_seconds: float = BATCH_SECONDS,
    ) -> Iterator[tuple[int, Result | UserError]]:
        """Number of a file and its result or error, as soon as there is one; arguments as of :meth:`predict_many`."""
        yield from self._answers(paths, itertools.repeat(None) if texts is None else texts, batch_seconds)

    def timeline(
        self,
        path: Audio,
        window: float = 3.0,
        hop: float = 0.5,
        vad: str = "energy",
        rate: int | None = None,
    ) -> list[Segment]:
        """Emotion over time: consecutive segments of ``hop`` seconds.

        The result of a segment is that of the ``window`` seconds around it. Segments without speech are not predicted.

        Args:
            path: path of an audio file, or samples as of :meth:`predict`.
            window, hop: seconds.
            vad: voice activity detection: ``energy``, ``silero`` or ``none`` (all is predicted).
            rate: sampling rate of samples, in Hz.

        Raises:
            UserError: the recording or an argument cannot be used.
        """
        return list(self.timeline_each(path, window, hop, vad, rate))

    def timeline_each(
        self, path: Audio, window: float = 3.0, hop: float = 0.5, vad: str = "energy", rate: int | None = None
    ) -> Iterator[Segment]:
        """The segments of :meth:`timeline`, as soon as they are known."""
        check_window(window, hop)
        recording: Recording = AudioArray.of(path, rate) if _is_array(path) else AudioFile.open(_path(path))
        spans, active = pieces(recording.seconds, hop), speech(recording, vad)
        chosen = [i for i, span in enumerate(spans) if within(active, *span)]
        parts = map(self._prepare, windows(recording, spans, window, chosen))
        results = self._results(parts, LONG_BATCH_SECONDS)
        known = next(results, None)
        for i, (start, end) in enumerate(spans):
            if known is not None and known[0] == i:
                yield Segment(start, end, known[1])
                known = next(results, None)
            else:
                yield Segment(start, end, Result(None, {}, 0.0, "silent", None, end - start))

    def _answers(
        self, paths: Iterable[object], texts: Iterable[str | None], batch_seconds: float
    ) -> Iterator[tuple[int, Result | UserError]]:
        """Number and answer of each recording; short ones in batches, long ones each on its own."""
        lengths = self.description.seconds
        longest = lengths.block if lengths else BLOCK
        waiting: list[Prepared] = []
        for i, (path, text) in enumerate(zip(paths, texts, strict=False)):
            try:
                self._require_text(text)
                recording = path if isinstance(path, (AudioArray, AudioFile)) else AudioFile.open(_path(path))
                parts = map(self._prepare, blocks(recording, i, text, longest))
                if recording.seconds > longest:
                    yield from list(self._results(parts, LONG_BATCH_SECONDS))
                    continue
                first = next(parts, None)
                if first is None:
                    raise UserError(f"{recording.name}: no samples could be decoded", code="audio-unreadable")
                waiting.append(first)
            except UserError as error:
                yield i, error
            if sum(part.seconds for part in waiting) >= batch_seconds:
                yield from self._results(iter(waiting), batch_seconds)
                waiting = []
        yield from self._results(iter(waiting), batch_seconds)

    def _require_text(self, text: str | None) -> None:
        if self.takes_text and not self._frontend.features and not self._frontend.embedder and not (text or self._asr):
            raise UserError(
                f"{self.description.name} takes text only: give the transcript, or an ASR engine", code="text-missing"
            )

    def _prepare(self, part: Part) -> Prepared:
        """Input of the networks from a part."""
        text, source = part.text, "given" if part.text is not None else "none"
        if self.takes_text and text is None and self._asr:
            from mscnn.asr.base import RATE, clean

            source = self._asr[0]
            with self._asr_lock:
                text = clean(self._asr[1](converted(part.samples, part.rate, RATE)[0]))
        item = self._frontend.item(part.samples, part.rate)
        given = (text, source) if self.takes_text else (None, "none")
        levels = Levels.of(part.samples)
        return Prepared(part.owner, part.seconds, item, *given, levels.silent, levels.clipped)

    def _results(self, parts: Iterable[Prepared], batch_seconds: float) -> Iterator[tuple[int, Result]]:
        """Number and result of each recording; its parts are consecutive."""
        totals: defaultdict[int, Total] = defaultdict(Total)
        for group in groups(parts, batch_seconds):
            self._add(group, totals)
            for owner in [owner for owner in totals if owner != group[-1].owner]:
                yield owner, totals.pop(owner).result(self.description)
        for owner, total in totals.items():
            yield owner, total.result(self.description)

    def _add(self, parts: Sequence[Prepared], totals: defaultdict[int, Total]) -> None:
        """Predict parts, and add their posteriors to the totals of their recordings."""
        batch = self._frontend.batch([part.item for part in parts], [part.text or "" for part in parts])
        for part, plain, calibrated in zip(parts, *self._networks.posteriors(batch), strict=True):
            totals[part.owner].add(part, plain, calibrated)


def _is_array(audio: object) -> bool:
    return not isinstance(audio, (str, os.PathLike, bytes))


def _path(audio: object) -> str:
    if not isinstance(audio, (str, os.PathLike)):
        raise UserError(f"expected the path of an audio file, found {type(audio).__name__}", code="audio-type")
    return os.fspath(audio) if isinstance(os.fspath(audio), str) else os.fsdecode(os.fspath(audio))
