"""What every ASR engine is to the rest of the program, and how one that listens is run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mscnn.asr.journal import Journal
from mscnn.audio.read import SILENT, load_audio
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, UserError
from mscnn.files import digest, file_digest
from mscnn.jobs import run_jobs
from mscnn.log import get_logger, progress

if TYPE_CHECKING:
    import numpy as np

RATE = 16000  # Hz, of the samples every engine gets
MAX_FAULTS = 20
log = get_logger(__name__)


class Engine(ABC):
    """Gives every utterance of a data directory its words."""

    @abstractmethod
    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Return utterance -> words (possibly none); ``out`` is a folder for unfinished work and logs.

        Raises:
            UserError: an utterance cannot be transcribed, or the engine cannot go on.
        """


@dataclass(frozen=True)
class Task:
    """An utterance to transcribe; ``audio`` is a digest of what is heard, ``start`` and ``end`` are in seconds."""

    utt: str
    audio: str
    wav: str
    start: float = 0.0
    end: float | None = None


class SpeechEngine(Engine):
    """An engine that listens: utterance by utterance, in parallel, and never twice to the same.

    Subclasses are small values that can be sent to another process; ``open`` loads the model there.
    """

    max_seconds: ClassVar[float] = math.inf

    @property
    @abstractmethod
    def identity(self) -> dict[str, str]:
        """All that decides its words: engine, model, options. Finished work is kept under the digest of this."""

    @abstractmethod
    def open(self) -> Callable[[np.ndarray], str]:
        """Load the model; returns a function from samples (n,), float32 at 16 kHz, to words.

        What the function returns must depend on its argument only, not on utterances heard before.
        """

    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Transcribe what no earlier call has; the result is the same for any ``nj`` and any interruption."""
        self._refuse_long(data)
        nj = max(nj, 1)
        journal = Journal(out / "journal" / digest(self.identity)[:12])
        tasks, done = _tasks(data), journal.collect()
        todo = sorted((t for t in tasks if (t.utt, t.audio) not in done), key=lambda t: -data.dur[t.utt])
        log.info("%d utterances to transcribe, %d at hand in %s", len(todo), len(tasks) - len(todo), journal.path)
        if todo:
            shares = [todo[i::nj] for i in range(nj)]
            jobs = [(self, journal.job(number), share) for number, share in enumerate(shares, 1) if share]
            run_jobs(_transcribe_share, jobs, nj=nj, log_dir=out / "log", step="transcribe")
            done = journal.collect()
        return {t.utt: done[t.utt, t.audio] for t in tasks}

    def _refuse_long(self, data: DataDir) -> None:
        long = [f"{utt}: {data.dur[utt]:.1f} s" for utt in data.utts if data.dur[utt] > self.max_seconds]
        if long:
            raise DataErrors(
                f"{data.path}: the engine takes {self.max_seconds:g} s at most; cut these with a segments file:",
                long[:MAX_FAULTS],
            )


def pcm16(samples: np.ndarray) -> bytes:
    """Samples in [-1, 1) as little-endian 16-bit integers."""
    import numpy as np

    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def clean(words: str) -> str:
    """Words as a table can hold them: one line, single blanks, nothing unprintable."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _tasks(data: DataDir) -> list[Task]:
    data.require_recordings()
    heard = {recording: file_digest(wav)[:16] for recording, wav in data.wav.items()}
    if not data.segments:
        return [Task(utt, heard[utt], data.wav[utt]) for utt in data.utts]
    return [
        Task(utt, f"{heard[recording]}:{start}:{end}", data.wav[recording], start, end)
        for utt, (recording, start, end) in data.segments.items()
    ]


def _transcribe_share(engine: SpeechEngine, path: Path, tasks: Sequence[Task]) -> None:
    """Body of one process: note each hypothesis in the journal file ``path`` as soon as it is there.

    Raises:
        DataErrors: audio files that cannot be used, all of this share's, after the others are done.
    """
    recognise, faults = engine.open(), []
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for task in progress(tasks, total=len(tasks), desc="transcribe"):
            try:
                samples, notices = load_audio(task.wav, RATE, convert=True, start=task.start, end=task.end)
            except UserError as error:
                faults.append(f"{task.utt}: {error}")
                continue
            if notices:
                print(f"{task.utt}: {'; '.join(notices)}")
            try:
                words = recognise(samples) if abs(samples).max() >= SILENT else ""  # engines find words even in silence
            except UserError as error:
                raise UserError(f"{task.utt}: {error}") from None
            out.write(f"{task.utt}\t{task.audio}\t{clean(words)}\n")
            out.flush()
    if faults:
        raise DataErrors(f"{len(faults)} utterances cannot be heard:", faults, MAX_FAULTS)
