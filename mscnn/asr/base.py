"""Interface of ASR engines, and the parallel, resumable run of those that take audio."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mscnn.asr.journal import Journal, lines
from mscnn.audio.read import SILENT
from mscnn.data.audio import AudioReader, UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import atomic, digest, file_digest, written_to
from mscnn.jobs import run_jobs
from mscnn.log import get_logger, progress

if TYPE_CHECKING:
    import numpy as np

JOB_SIZE = 2000  # utterances of a job at most
RATE = 16000  # Hz, sampling rate of the input of every engine
log = get_logger(__name__)


class Engine(ABC):
    """Base class of ASR engines."""

    @property
    @abstractmethod
    def identity(self) -> dict[str, str]:
        """All that the transcripts depend on: engine, model, language, options."""

    @abstractmethod
    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Transcript (possibly empty) of every utterance; ``out`` is a folder for unfinished work and logs.

        Raises:
            UserError: an utterance cannot be transcribed, or the engine failed.
        """


@dataclass(frozen=True)
class Task:
    """An utterance to transcribe, and the digest of its audio."""

    audio: UtteranceAudio
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """Key of the transcript in the journal."""
        return self.audio.utt, self.digest


class SpeechEngine(Engine):
    """An engine that takes audio; it transcribes in parallel, and each utterance once.

    Subclasses are small frozen dataclasses; ``open`` loads the model in the worker process. The digest of the identity
    names the journal.
    """

    max_seconds: ClassVar[float] = math.inf

    @abstractmethod
    def open(self) -> Callable[[np.ndarray], str]:
        """Load the model; returns a function from samples (n,), float32 at 16 kHz, to a transcript.

        The transcript must depend on the samples only, not on previous utterances.
        """

    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Transcripts, from the journal or newly computed; they depend neither on ``nj`` nor on interruptions."""
        self._refuse_long(data)
        nj = max(nj, 1)
        journal = Journal(out / "journal" / digest(self.identity)[:12])
        tasks, done = _tasks(data), journal.read()
        todo = sum(task.key not in done for task in tasks)
        log.info("%d utterances to transcribe, %d already transcribed in %s", todo, len(tasks) - todo, journal.path)
        if todo:
            shares = self._shares(data, tasks, nj)
            left = [number for number, share in shares.items() if any(task.key not in done for task in share)]
            run_jobs(
                transcribe_share,
                [(self, journal.job(number), shares[number]) for number in left],
                nj=nj,
                step="transcribe",
                logs=[out / "log" / f"transcribe.{number}.log" for number in left],
                writes=[[journal.job(number)] for number in left],
            )
        done = journal.collect()
        return {task.audio.utt: done[task.key] for task in tasks}

    @staticmethod
    def _shares(data: DataDir, tasks: Sequence[Task], nj: int) -> dict[int, list[Task]]:
        """Number of a job -> its tasks, the longest first.

        They do not depend on what is done: the same command makes the same jobs, and follows those that a cluster runs.
        """
        longest = sorted(tasks, key=lambda task: -data.dur[task.audio.utt])
        number = max(nj, math.ceil(len(tasks) / JOB_SIZE))
        return {i + 1: longest[i::number] for i in range(min(number, len(tasks)))}

    def _refuse_long(self, data: DataDir) -> None:
        too_long = [utt for utt in data.utts if data.dur[utt] > self.max_seconds]
        if too_long:
            raise DataErrors(
                f"{data.path}: the engine takes at most {self.max_seconds:g} s; divide these utterances with a "
                "segments file:",
                [Issue("utterance-too-long", f"{utt}: {data.dur[utt]:.1f} s") for utt in too_long],
                code="utterance-too-long",
            )


def clean(text: str) -> str:
    """Text on one line, with single spaces and printable characters only."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _tasks(data: DataDir) -> list[Task]:
    digests = {wav: file_digest(wav)[:16] for wav in data.wav.values()}
    return [
        Task(audio, digests[audio.wav] + ("" if audio.end is None else f":{audio.start}:{audio.end}"))
        for audio in UtteranceAudio.of(data)
    ]


def transcribe_share(engine: SpeechEngine, path: Path, tasks: Sequence[Task]) -> None:
    """Transcribe ``tasks`` that the journal of the file ``path`` does not have, and append each transcript to the file.

    Raises:
        DataErrors: audio files that cannot be used; lists all of the tasks', after the others are done.
    """
    done = Journal(path.parent).read()
    todo = [task for task in tasks if task.key not in done]
    recognise = engine.open()
    kept = lines(path)  # of this job, interrupted and started again
    with atomic(path) as out:
        out.writelines("\t".join(line) + "\n" for line in kept)
    with (
        written_to(path),
        AudioReader(RATE, convert=True) as reader,
        open(path, "a", encoding="utf-8", newline="\n") as out,
    ):
        for task in progress(todo, total=len(todo), desc="transcribe"):
            loaded = reader.load(task.audio)
            if loaded is None:
                continue
            samples, notices = loaded
            utt = task.audio.utt
            if notices:
                print(f"{utt}: {'; '.join(notices)}")
            try:  # engines return words even for silence
                text = recognise(samples) if abs(samples).max() >= SILENT else ""
            except UserError as error:
                raise UserError(f"{utt}: {error}", code=error.code) from None
            out.write(f"{utt}\t{task.digest}\t{clean(text)}\n")
            out.flush()
