"""What every ASR engine is to the rest of the program, and how one that takes audio is run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mscnn.asr.journal import Journal
from mscnn.audio.read import SILENT
from mscnn.data.audio import MAX_LISTED, AudioReader, UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import digest, file_digest
from mscnn.jobs import run_jobs
from mscnn.log import get_logger, progress

if TYPE_CHECKING:
    import numpy as np

RATE = 16000  # Hz, of the samples every engine gets
log = get_logger(__name__)


class Engine(ABC):
    """Gives every utterance of a data directory its transcript."""

    @abstractmethod
    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Return utterance -> transcript (possibly empty); ``out`` is a folder for unfinished work and logs.

        Raises:
            UserError: an utterance cannot be transcribed, or the engine cannot go on.
        """


@dataclass(frozen=True)
class Task:
    """An utterance to transcribe; ``digest`` names its audio."""

    audio: UtteranceAudio
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """Under what the journal keeps the transcript."""
        return self.audio.utt, self.digest


class SpeechEngine(Engine):
    """An engine that takes audio: utterance by utterance, in parallel, and the same never twice.

    Subclasses are small values that can be sent to another process; ``open`` loads the model there.
    """

    max_seconds: ClassVar[float] = math.inf

    @property
    @abstractmethod
    def identity(self) -> dict[str, str]:
        """All that decides its transcripts: engine, model, options. Finished work is kept under the digest of this."""

    @abstractmethod
    def open(self) -> Callable[[np.ndarray], str]:
        """Load the model; returns a function from samples (n,), float32 at 16 kHz, to a transcript.

        What the function returns must depend on its argument only, not on utterances before.
        """

    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Transcribe what no earlier call has; the result is the same for any ``nj`` and any interruption."""
        self._refuse_long(data)
        nj = max(nj, 1)
        journal = Journal(out / "journal" / digest(self.identity)[:12])
        tasks, done = _tasks(data), journal.collect()
        todo = sorted((task for task in tasks if task.key not in done), key=lambda task: -data.dur[task.audio.utt])
        log.info("%d utterances to transcribe, %d done before in %s", len(todo), len(tasks) - len(todo), journal.path)
        if todo:
            shares = [todo[i::nj] for i in range(nj)]
            jobs = [(self, journal.job(number), share) for number, share in enumerate(shares, 1) if share]
            run_jobs(_transcribe_share, jobs, nj=nj, log_dir=out / "log", step="transcribe")
            done = journal.collect()
        return {task.audio.utt: done[task.key] for task in tasks}

    def _refuse_long(self, data: DataDir) -> None:
        long = [utt for utt in data.utts if data.dur[utt] > self.max_seconds]
        if long:
            raise DataErrors(
                f"{data.path}: the engine takes {self.max_seconds:g} s at most; segment these with a segments file:",
                [Issue("utterance-too-long", f"{utt}: {data.dur[utt]:.1f} s") for utt in long],
                MAX_LISTED,
                code="utterance-too-long",
            )


def clean(text: str) -> str:
    """Text as a table can hold it: one line, single blanks, nothing unprintable."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _tasks(data: DataDir) -> list[Task]:
    everything = UtteranceAudio.of(data)
    digests = {wav: file_digest(wav)[:16] for wav in data.wav.values()}
    return [
        Task(audio, digests[audio.wav] + ("" if audio.end is None else f":{audio.start}:{audio.end}"))
        for audio in everything
    ]


def _transcribe_share(engine: SpeechEngine, path: Path, tasks: Sequence[Task]) -> None:
    """Body of one process: note each transcript in the journal file ``path`` as soon as it is there.

    Raises:
        DataErrors: audio files that cannot be used, all of this share's, after the others are done.
    """
    recognise = engine.open()
    with AudioReader(RATE, convert=True) as reader, open(path, "w", encoding="utf-8", newline="\n") as out:
        for task in progress(tasks, total=len(tasks), desc="transcribe"):
            loaded = reader.load(task.audio)
            if loaded is None:
                continue
            samples, notices = loaded
            utt = task.audio.utt
            if notices:
                print(f"{utt}: {'; '.join(notices)}")
            try:  # engines find words even in silence
                text = recognise(samples) if abs(samples).max() >= SILENT else ""
            except UserError as error:
                raise UserError(f"{utt}: {error}", code=error.code) from None
            out.write(f"{utt}\t{task.digest}\t{clean(text)}\n")
            out.flush()
