"""Parser of MSP-Podcast (Lotfian and Busso, 2019): ``labels_consensus.csv``, ``Audios`` and, if there, ``Transcripts``.

The publisher's partitions are the splits: Train, Development (or Validation), Test1 and Test2. Test3 has recordings,
but its labels are withheld. Unknown speakers count as one per podcast, ``unknown0001``: a podcast is in one partition.
"""

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item, decode, one_line
from mscnn.errors import UserError

TABLES = ("labels_consensus.csv", "labels_concensus.csv")  # older releases have the second
COLUMNS = ("FileName", "EmoClass", "SpkrID", "Gender", "Split_Set")
NAME = re.compile(r"MSP-PODCAST_\d{4}_\d{4}(?:_\d{4})?")
WITHHELD = re.compile(r"MSP-PODCAST_test3_\d+", re.IGNORECASE)
SPLITS = {"train": "train", "development": "dev", "validation": "dev", "test1": "test1", "test2": "test2"}
GENDERS = {"female": "f", "male": "m"}
EXAMPLE = "MSP-PODCAST_0001_0008.wav, N, 97, Male, Train"


@dataclass(frozen=True)
class Files:
    """Files of a release by their stems; ``texts`` is None where it has no transcripts."""

    wavs: Mapping[str, Path]
    texts: Mapping[str, Path] | None


def parse(root: Path) -> Corpus:
    """Segments of a release; ``root`` contains the table and the recordings, at most two folders below.

    Raises:
        UserError: there is no table, it lacks columns, or there is no folder of recordings.
    """
    corpus, root = Corpus(), Path(os.path.abspath(root))
    tables = [path for name in TABLES for path in _find(root, name) if path.is_file()]
    audio = [path for path in _find(root, "[Aa]udio*") if path.is_dir()]
    if not tables or not audio:
        listing = "\n  ".join(sorted(os.listdir(root))[:12]) or "(nothing)"
        raise UserError(
            f"{root}: not MSP-Podcast: no {'folder of recordings' if tables else TABLES[0]}\nexpected:\n"
            f"  Labels/{TABLES[0]}\n  Audios/MSP-PODCAST_0001_0008.wav …\nfound:\n  {listing}",
            code="corpus-not-found",
        )
    transcripts = [path for path in _find(root, "[Tt]ranscript*") if path.is_dir()]
    files = Files(
        wavs={path.stem: path for path in sorted(audio[0].rglob("*.wav")) if not path.name.startswith(".")},
        texts={path.stem: path for path in sorted(transcripts[0].rglob("*.txt"))} if transcripts else None,
    )
    seen = _read(tables[0], files, corpus)
    for name in sorted(files.wavs.keys() - seen.keys()):
        if WITHHELD.fullmatch(name):
            corpus.note("recordings of Test3, whose labels are withheld", files.wavs[name])
        else:
            message = f"no line of {tables[0].name} names it"
            corpus.issues.append(CorpusIssue("unlabelled-wav", message, str(files.wavs[name])))
    return corpus


def _find(root: Path, pattern: str) -> list[Path]:
    return [path for depth in ("", "*/", "*/*/") for path in sorted(root.glob(depth + pattern))]


def _read(table: Path, files: Files, corpus: Corpus) -> dict[str, str]:
    """Add the segments of the table; returns name of each segment -> file:line."""
    seen = dict[str, str]()
    with open(table, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        if absent := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise UserError(f"{table}:1: no column {', '.join(absent)}", code="corpus-columns")
        for row in rows:
            cells, where = [(row[name] or "").strip() for name in COLUMNS], f"{table}:{rows.line_num}"
            name, (_, label, _, _, split) = cells[0].removesuffix(".wav"), cells
            if split.lower() == "test3":
                corpus.note("lines of Test3, whose labels are withheld", where)
            elif not NAME.fullmatch(name) or not label or split.lower() not in SPLITS:
                message = f"expected {', '.join(COLUMNS)} such as {EXAMPLE}; found {', '.join(cells)}"
                corpus.issues.append(CorpusIssue("malformed-line", message, where))
            elif name in seen:
                message = f"{name} is also in {seen[name]}"
                corpus.issues.append(CorpusIssue("duplicate-id", message, where, (_utt(name, cells[2]),), (label,)))
            else:
                _add(name, cells, where, files, corpus)
            seen.setdefault(name, where)
    return seen


def _speaker(name: str, speaker: str) -> str:
    """``spk00097`` of 97 or Speaker_97; ``unknown0001`` where a speaker of podcast 0001 is not known."""
    number = re.search(r"\d+", speaker)
    return f"spk{int(number[0]):05d}" if number else f"unknown{name.split('_')[1]}"


def _utt(name: str, speaker: str) -> str:
    return f"{_speaker(name, speaker)}-{name}"


def _add(name: str, cells: list[str], where: str, files: Files, corpus: Corpus) -> None:
    """Add one segment, with the issues of its recording and transcript."""
    _, label, speaker, gender, split = cells
    utt, text = _utt(name, speaker), ""
    if name not in files.wavs:
        corpus.issues.append(CorpusIssue("missing-wav", f"no recording {name}.wav", where, (utt,), (label,)))
    if files.texts and name in files.texts:
        text, message = decode(files.texts[name].read_bytes())
        if message:
            corpus.issues.append(CorpusIssue("non-utf8", message, str(files.texts[name]), (utt,), (label,)))
    elif files.texts is not None:
        corpus.note("segments without a transcript, which is left empty", where)
    corpus.items.append(
        Item(
            utt=utt,
            speaker=_speaker(name, speaker),
            label=label,
            text=one_line(text),
            wav=str(files.wavs.get(name, "")),
            where=where,
            scene=name.split("_")[1],
            gender=GENDERS.get(gender.lower(), ""),
            split=SPLITS[split.lower()],
        )
    )
