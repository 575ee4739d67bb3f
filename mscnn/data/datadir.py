"""The data directory: Kaldi's, stricter, with emotions."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.data.checks import FACTS, TO_THE_END, check, inverse, segment
from mscnn.errors import DataErrors, UserError
from mscnn.files import read_table, write_table

REQUIRED = ("utt2spk", "utt2emo", "utt2dur")
OPTIONAL = ("text", "wav.scp", *FACTS)
UNKNOWN = "unknown"  # the speaker of utterances without one
KINDS = {"impro": "improvised", "script": "scripted"}  # how the scenes of utt2scene begin -> kind of scene


@dataclass(frozen=True, repr=False)
class DataDir:
    """A data directory, read and checked. A mapping is empty where the corpus has no such table.

    Attributes:
        path: the directory.
        wav: utterance -> path of its recording; where there are ``segments``, recording -> path.
        text: utterance -> reference transcript; all are empty where there is no such table.
        spk: utterance -> speaker.
        emo: utterance -> emotion, a class of the label map.
        dur: utterance -> seconds.
        session: utterance -> recording session.
        scene: utterance -> scene (a dialogue, or what is acted).
        gender: utterance -> f or m.
        split: utterance -> train, dev or test (or test1 …), by the publisher's own split.
        segments: utterance -> (recording, start, end), in seconds, where recordings hold several utterances.
    """

    path: Path
    wav: dict[str, str]
    text: dict[str, str]
    spk: dict[str, str]
    emo: dict[str, str]
    dur: dict[str, float]
    session: dict[str, str] = field(default_factory=dict)
    scene: dict[str, str] = field(default_factory=dict)
    gender: dict[str, str] = field(default_factory=dict)
    split: dict[str, str] = field(default_factory=dict)
    segments: dict[str, tuple[str, float, float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<DataDir {self.path}: {len(self.spk)} utterances, {len({*self.spk.values()})} speakers>"

    @property
    def name(self) -> str:
        """Name of the data set: the last component of the path."""
        return self.path.resolve().name

    @property
    def speakers_known(self) -> bool:
        """Whether the corpus names speakers; where it names none, all utterances have the speaker UNKNOWN."""
        return {*self.spk.values()} != {UNKNOWN}

    @property
    def utts(self) -> list[str]:
        """Utterance ids in bytewise order."""
        return sorted(self.spk, key=str.encode)

    @property
    def classes(self) -> list[str]:
        """The classes that occur, sorted by name; their order in tables and weights is that of the label map."""
        return sorted(set(self.emo.values()))

    @classmethod
    def load(cls, path: str | os.PathLike) -> DataDir:
        """Read and check a data directory.

        Raises:
            UserError: a file is missing or malformed; the message has file and line.
            DataErrors: violations of the rules of a data directory, all of them: different key sets, ids that do not
                start with the speaker, a spk2utt that is not the inverse of utt2spk, durations that are not positive,
                recordings that do not exist (see :mod:`mscnn.data.checks`).
        """
        path = Path(path)
        missing = [name for name in REQUIRED if not (path / name).is_file()]
        if missing:
            raise UserError(
                f"{path}: not a data directory: {', '.join(missing)} missing; make it with stage 1 (data)",
                code="data-dir-missing",
            )
        names = (*REQUIRED, *OPTIONAL, "segments", "spk2utt")
        tables = {name: read_table(path / name) for name in names if (path / name).is_file()}
        issues = check(path, tables)
        if issues:
            title = f"{path}: {len(issues)} issues in this data directory:"
            raise DataErrors(title, issues, code="data-dir-invalid")
        recordings, speakers = tables.get("wav.scp", {}), tables["utt2spk"]
        seconds = {utt: float(value) for utt, value in tables["utt2dur"].items()}
        spans = {utt: segment(value, recordings) for utt, value in tables.get("segments", {}).items()}
        return cls(
            path=path,
            wav=recordings,
            text=tables.get("text", dict.fromkeys(speakers, "")),
            spk=speakers,
            emo=tables["utt2emo"],
            dur=seconds,
            session=tables.get("utt2session", {}),
            scene=tables.get("utt2scene", {}),
            gender=tables.get("utt2gender", {}),
            split=tables.get("utt2split", {}),
            segments={utt: _closed(span, seconds[utt]) for utt, span in spans.items() if span},
        )

    @staticmethod
    def write(path: str | os.PathLike, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Write a data directory atomically; ``spk2utt`` is derived from ``utt2spk``.

        An existing directory is replaced, including its ``text.<engine>`` files: these belong to the old utterances.
        """
        path = Path(path)
        temporary, old = (path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp") for _ in range(2))
        try:
            for name, table in tables.items():
                write_table(temporary / name, table)
            write_table(temporary / "spk2utt", inverse(tables["utt2spk"]))
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
        finally:
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # of this run and of killed ones
                shutil.rmtree(leftover, ignore_errors=True)

    def require_recordings(self) -> None:
        """Raise UserError where the corpus has transcripts only."""
        if not self.wav:
            raise UserError(
                f"{self.path} has no recordings (no wav.scp), which audio features need: choose a model that takes "
                "text only, such as text_cnn, and --text gt",
                code="no-recordings",
            )

    def text_of(self, source: str) -> dict[str, str]:
        """Transcript of each utterance: of ``text`` for the source ``gt``, of ``text.<engine>`` for an ASR engine.

        Raises:
            UserError: there is no such transcript (``transcript-missing``; the message lists those available), or none
                of the transcripts has words (``text-empty``).
        """
        if source == "gt":
            require_words(self.path / "text", self.text)
            return self.text
        file = self.path / f"text.{source}"
        if not file.is_file():
            known = ", ".join(["gt", *sorted(p.name[5:] for p in self.path.glob("text.*"))])
            raise UserError(
                f"{file}: no such file; available transcripts: {known}. Run: ./run.sh --stage 4 --asr-engine {source}",
                code="transcript-missing",
            )
        transcripts = read_table(file)
        require_words(file, transcripts)
        return transcripts


def _closed(span: tuple[str, float, float], seconds: float) -> tuple[str, float, float]:
    """Recording, start and end of a segment of ``seconds``, also where it ends with its recording."""
    recording, start, end = span
    return recording, start, start + seconds if end == TO_THE_END else end


def require_words(file: Path, transcripts: Mapping[str, str]) -> None:
    """Raise UserError (``text-empty``) unless some transcript of ``file`` has words."""
    if not any(text.strip() for text in transcripts.values()):
        raise UserError(
            f"{file}: none of the {len(transcripts)} transcripts has words, so a model has no text to read: "
            "choose another --text (gt or an ASR engine), or a model of audio with --text none",
            code="text-empty",
        )


def kinds_of(scene: Mapping[str, str]) -> dict[str, str]:
    """Kind of scene of each utterance, a value of KINDS; utterances of other scenes are skipped."""
    return {utt: kind for utt, name in scene.items() for start, kind in KINDS.items() if name.startswith(start)}
