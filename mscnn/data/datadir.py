"""The data directory: Kaldi's, stricter, with emotions."""

import math
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.errors import DataErrors, UserError
from mscnn.files import read_table, write_table

REQUIRED = ("text", "utt2spk", "utt2emo", "utt2dur")
FACTS = ("utt2session", "utt2scene", "utt2gender", "utt2split")
OPTIONAL = ("wav.scp", *FACTS)
ONE_WORD = ("utt2spk", "utt2emo", "utt2dur", *FACTS)
SPLITS = ("train", "dev", "test")
KINDS = {"impro": "improvised", "script": "scripted"}  # how the scenes of utt2scene begin -> kind of scene
MAX_FAULTS = 20


@dataclass(frozen=True)
class DataDir:
    """A validated data directory; every mapping has an utterance id as its key.

    ``dur`` is in seconds. What the corpus has not is empty: ``session``, ``scene``, ``gender``, ``split`` (train, dev
    or test, as the publisher cut it), and ``wav``, where there are words only. ``segments`` maps an utterance to
    (recording, start, end) in seconds; without such a file it is empty and ``wav`` has utterances.
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

    @property
    def name(self) -> str:
        """Name of the set: the last part of the path."""
        return self.path.resolve().name

    @property
    def utts(self) -> list[str]:
        """Utterance ids in bytewise order."""
        return sorted(self.spk, key=str.encode)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "DataDir":
        """Read and check a data directory.

        Raises:
            UserError: a file is missing or malformed (file and line are named), or DataErrors with every rule that
                the directory as a whole breaks: differing key sets, ids that do not start with the speaker, a spk2utt
                that is not the inverse of utt2spk, durations that are not positive, wav files that are not there.
        """
        path = Path(path)
        missing = [name for name in REQUIRED if not (path / name).is_file()]
        if missing:
            raise UserError(f"{path}: not a data directory: {', '.join(missing)} missing; make it with stage 1 (data)")
        tables = {name: read_table(path / name) for name in REQUIRED}
        tables |= {name: read_table(path / name) for name in OPTIONAL if (path / name).is_file()}
        faults = _check_keys(path, tables) + _check_values(path, tables)
        segments = _read_segments(path, tables, faults)
        faults += _check_speakers(path, tables["utt2spk"]) + _check_wavs(path, tables.get("wav.scp", {}))
        for name in sorted(p.name for p in path.glob("text.*")):
            faults += _same_keys(path / name, read_table(path / name), tables["utt2spk"])
        if faults:
            raise DataErrors(f"{path}: {len(faults)} faults in this data directory:", faults, MAX_FAULTS)
        return cls(
            path=path,
            wav=tables.get("wav.scp", {}),
            text=tables["text"],
            spk=tables["utt2spk"],
            emo=tables["utt2emo"],
            dur={utt: float(seconds) for utt, seconds in tables["utt2dur"].items()},
            session=tables.get("utt2session", {}),
            scene=tables.get("utt2scene", {}),
            gender=tables.get("utt2gender", {}),
            split=tables.get("utt2split", {}),
            segments=segments,
        )

    @staticmethod
    def write(path: str | os.PathLike, tables: Mapping[str, Mapping[str, object]]) -> None:
        """Write a data directory whole or not at all; ``spk2utt`` is derived from ``utt2spk``.

        A directory that was there is replaced, its ``text.<engine>`` files with it: they belong to the old utterances.
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
            for left in path.parent.glob(f".{path.name}.*.tmp"):  # ours, and what killed runs left
                shutil.rmtree(left, ignore_errors=True)

    def require_recordings(self) -> None:
        """Raise UserError where the corpus has transcripts only."""
        if not self.wav:
            raise UserError(
                f"{self.path} has no recordings (no wav.scp), which audio features are made from: choose a model that "
                "takes text only, such as text_cnn, and --text gt",
                code="no-recordings",
            )

    def text_of(self, source: str) -> dict[str, str]:
        """Words of each utterance: ``gt`` reads ``text``, the name of an ASR engine ``text.<engine>``.

        Raises:
            UserError: there is no such transcript; names those that exist.
        """
        if source == "gt":
            return self.text
        file = self.path / f"text.{source}"
        if not file.is_file():
            known = ", ".join(["gt", *sorted(p.name[5:] for p in self.path.glob("text.*"))])
            raise UserError(
                f"{file}: not there; transcripts at hand: {known}. Run: ./run.sh --stage 4 --asr-engine {source}"
            )
        return read_table(file)


def inverse(utt2spk: Mapping[str, str]) -> dict[str, str]:
    """Kaldi's ``spk2utt``: speaker -> its utterances in bytewise order, separated by blanks."""
    speakers: dict[str, list[str]] = {}
    for utt in sorted(utt2spk, key=str.encode):
        speakers.setdefault(utt2spk[utt], []).append(utt)
    return {speaker: " ".join(utts) for speaker, utts in speakers.items()}


def _line(table: Mapping[str, str], key: str) -> int:
    return list(table).index(key) + 1


def _same_keys(file: Path, table: Mapping[str, str], reference: Mapping[str, str]) -> list[str]:
    lacking, surplus = sorted(reference.keys() - table.keys()), sorted(table.keys() - reference.keys())
    faults = []
    if lacking:
        faults.append(f"{file}: {len(lacking)} utterances of utt2spk are missing, the first is {lacking[0]}")
    if surplus:
        where = f"{file}:{_line(table, surplus[0])}"
        faults.append(f"{where}: {len(surplus)} keys are not in utt2spk, the first is {surplus[0]}")
    return faults


def kinds_of(scene: Mapping[str, str]) -> dict[str, str]:
    """Kind of the scene of each utterance, one of KINDS; those whose scene is of no kind are left out."""
    return {utt: kind for utt, name in scene.items() for start, kind in KINDS.items() if name.startswith(start)}


def _check_keys(path: Path, tables: Mapping[str, dict[str, str]]) -> list[str]:
    utts = tables["utt2spk"]
    if not utts:
        return [f"{path / 'utt2spk'}: no utterance in it"]
    cut = (path / "segments").is_file()
    return [
        fault
        for name, table in tables.items()
        if not (name == "wav.scp" and cut)
        for fault in _same_keys(path / name, table, utts)
    ]


def _check_values(path: Path, tables: Mapping[str, dict[str, str]]) -> list[str]:
    faults = []
    for name in (n for n in ONE_WORD if n in tables):
        for number, (key, value) in enumerate(tables[name].items(), 1):
            if len(value.split()) != 1:
                faults.append(f"{path / name}:{number}: expected '{key} VALUE', found {len(value.split()) + 1} columns")
    for number, (utt, value) in enumerate(tables["utt2dur"].items(), 1):
        if not _is_positive(value):
            faults.append(f"{path / 'utt2dur'}:{number}: {utt}: expected seconds above 0, found {value!r}")
    for number, (utt, split) in enumerate(tables.get("utt2split", {}).items(), 1):
        if split not in SPLITS:
            faults.append(f"{path / 'utt2split'}:{number}: {utt}: expected one of {', '.join(SPLITS)}, found {split!r}")
    for number, (utt, words) in enumerate(tables["text"].items(), 1):
        if not words.isprintable() or re.search(r"</?s>|#0", words):
            faults.append(f"{path / 'text'}:{number}: {utt}: unprintable characters, <s>, </s> or #0 in {words[:60]!r}")
    return faults


def _is_positive(value: str) -> bool:
    try:
        return 0 < float(value) < math.inf
    except ValueError:
        return False


def _check_speakers(path: Path, utt2spk: Mapping[str, str]) -> list[str]:
    faults = [
        f"{path / 'utt2spk'}:{number}: {utt} does not start with its speaker {speaker}; Kaldi's sorting needs it"
        for number, (utt, speaker) in enumerate(utt2spk.items(), 1)
        if not utt.startswith(speaker)
    ]
    speakers = list(utt2spk.items())
    for number, ((_, before), (utt, speaker)) in enumerate(zip(speakers, speakers[1:], strict=False), 2):
        if speaker.encode() < before.encode():
            faults.append(
                f"{path / 'utt2spk'}:{number}: {utt}: speaker {speaker} after {before}; Kaldi wants utterances sorted "
                "by speaker too: end speaker ids with a character below the others, such as '-', or pad their numbers"
            )
    spk2utt = path / "spk2utt"
    if not spk2utt.is_file() or read_table(spk2utt) != inverse(utt2spk):
        faults.append(
            f"{spk2utt}: missing, or not the inverse of utt2spk; make the directory again with stage 1 (data)"
        )
    return faults


def _check_wavs(path: Path, wavs: Mapping[str, str]) -> list[str]:
    faults = []
    for number, (key, value) in enumerate(wavs.items(), 1):
        where = f"{path / 'wav.scp'}:{number}: {key}"
        if value.endswith("|"):
            faults.append(
                f"{where}: a command; commands from data are never run: write its output to a file, name that"
            )
        elif not os.path.exists(value):
            faults.append(f"{where}: no file {value!r}; was the corpus moved? Run stage 1 (data) again")
    return faults


def _read_segments(path: Path, tables: Mapping[str, dict[str, str]], faults: list[str]) -> dict:
    file = path / "segments"
    if not file.is_file():
        return {}
    raw, segments = read_table(file), {}
    faults += _same_keys(file, raw, tables["utt2spk"])
    for number, (utt, value) in enumerate(raw.items(), 1):
        found = re.fullmatch(r"(\S+) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)", value)
        if not found or found[1] not in tables.get("wav.scp", {}) or not float(found[2]) < float(found[3]):
            faults.append(
                f"{file}:{number}: {utt}: expected 'RECORDING START END' of wav.scp, START < END; found {value!r}"
            )
        else:
            segments[utt] = (found[1], float(found[2]), float(found[3]))
    return segments
