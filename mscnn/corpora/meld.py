"""Parser of MELD (Poria et al., ACL 2019): ``{train,dev,test}_sent_emo.csv`` of ``MELD.Raw``, and its clips.

Transcripts are enough. Where the archives of the clips are unpacked (``train_splits``, ``dev_splits_complete``,
``output_repeated_splits_test``), the sound of the clips ``dia0_utt1.mp4`` is used; .wav or .flac copies of
them are preferred.

An utterance id is ``Monica-train_dia0_utt1``: its speaker, then the name of its clip in the release. Dialogues are
numbered separately in each of the three files.
"""

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item, decode, one_line
from mscnn.data.checks import SPLITS
from mscnn.errors import UserError

NUMBERS = ("Dialogue_ID", "Utterance_ID", "Season", "Episode")
COLUMNS = ("Utterance", "Speaker", "Emotion", *NUMBERS, "StartTime", "EndTime")
TIME = re.compile(r"(\d\d?):([0-5]\d):([0-5]\d,\d{1,3})")
# Quotes and dashes of Windows-1252 are the control characters U+0080 to U+009F in the release
WINDOWS_1252 = {n: bytes([n]).decode("cp1252", errors="ignore") for n in range(0x80, 0xA0)}
PLAUSIBLE_SECONDS = (0.05, 60)  # of an utterance; four of the release are shorter or longer
MIN_SECONDS = 0.001  # resolution of the times; duration of an utterance that ends where it starts
CLIPS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}  # folders
DEPTHS = ("", "*/", "*/*/")  # at which these folders are, as unpacked: train/train_splits
CLIP = re.compile(rf"(?:^|/)(?P<folder>{'|'.join(CLIPS.values())})/(?P<name>dia\d+_utt\d+)\.(?:mp4|wav|flac)$")
SPLIT_OF = {folder: split for split, folder in CLIPS.items()}
KNOWN_BAD = {  # clips that no copy of the release has in order
    "train_dia125_utt3": "the clip is broken in the release",
    "dev_dia110_utt7": "the clip is not in the release",
}


@dataclass(frozen=True)
class Line:
    """A line of a file: its columns, empty where it is malformed; ``message`` describes an issue, if any."""

    where: str
    columns: Mapping[str, str]
    message: str = ""


def parse(root: Path) -> Corpus:
    """Utterances of a release, whose three files are in ``root`` or in one of its subfolders.

    Raises:
        UserError: a file is missing, or lacks columns.
    """
    root = Path(os.path.abspath(root))
    corpus, seen = Corpus(), dict[str, str]()  # name of an utterance -> file:line
    for split, path in _files(root).items():
        for line in _lines(path):
            _add(split, line, seen, corpus)
    if folders := _folders(root):
        _add_clips(root, folders, corpus)
    return corpus


def own_id(path: str) -> str | None:
    """Name of the utterance of a clip, ``train_dia0_utt1`` of ``…/train_splits/dia0_utt1.mp4``; None of other files."""
    clip = CLIP.search(path)
    return f"{SPLIT_OF[clip['folder']]}_{clip['name']}" if clip else None


def _folders(root: Path) -> dict[str, Path]:
    """The folder of the clips of each split that has one."""
    found = {split: [path for depth in DEPTHS for path in root.glob(depth + name)] for split, name in CLIPS.items()}
    return {split: paths[0] for split, paths in found.items() if paths}


def _add_clips(root: Path, folders: Mapping[str, Path], corpus: Corpus) -> None:
    """Give each utterance its clip, or an issue where it has none; what no line names is noted."""
    clips = dict[str, str]()  # name of an utterance -> file
    for folder in folders.values():
        for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".mp4", path.name)):
            name = own_id(str(path))
            if name in clips:
                corpus.note("second copies of a clip", path)
            elif name:
                clips[name] = str(path)
            else:
                corpus.note("files that are not clips of an utterance", path)
    absent = dict[str, list[str]]()  # split without a folder -> utterances
    for n, item in enumerate(corpus.items):
        name = item.utt.partition("-")[2]
        where = f"{folders.get(item.split, root)}/{name.removeprefix(f'{item.split}_')}.mp4"
        if item.split not in folders:
            absent.setdefault(item.split, []).append(item.utt)
        elif name in KNOWN_BAD:
            clips.pop(name, None)
            corpus.issues.append(CorpusIssue("known-bad", KNOWN_BAD[name], where, (item.utt,), (item.label,)))
        elif name in clips:
            corpus.items[n] = replace(item, wav=clips.pop(name))
        else:
            corpus.issues.append(CorpusIssue("missing-wav", "no such file", where, (item.utt,), (item.label,)))
    for split, utts in absent.items():
        message = f"no folder {CLIPS[split]}, although the clips of {' and '.join(folders)} are there"
        corpus.issues.append(CorpusIssue("missing-session", message, str(root), tuple(utts)))
    for clip in clips.values():
        corpus.note("clips that no line names", clip)


def _files(root: Path) -> dict[str, Path]:
    names = {split: f"{split}_sent_emo.csv" for split in SPLITS}
    for folder in (root, *sorted(path for path in root.glob("*") if path.is_dir())):
        if all((folder / name).is_file() for name in names.values()):
            return {split: folder / name for split, name in names.items()}
    listing = "\n  ".join(sorted(os.listdir(root))[:12]) if root.is_dir() else "(no such folder)"
    raise UserError(
        f"{root}: not MELD\nexpected, here or in a subfolder:\n  {' '.join(names.values())}\nfound:\n  {listing}",
        code="corpus-not-found",
    )


def _lines(path: Path) -> Iterator[Line]:
    """Lines of a file, one per utterance.

    Raises:
        UserError: the file lacks columns.
    """
    repaired: dict[int, str] = {}  # line -> message about its invalid bytes

    def texts() -> Iterator[str]:
        for number, raw in enumerate(path.read_bytes().splitlines(keepends=True), 1):
            text, message = decode(raw)
            if message:
                repaired[number] = message
            yield text.removeprefix("\ufeff").translate(WINDOWS_1252)

    reader = csv.reader(texts(), strict=True)
    try:
        head = next(reader, [])
    except csv.Error:
        head = []
    absent = [name for name in COLUMNS if name not in head]
    if absent:
        raise UserError(
            f"{path}:1: not a file of MELD: no column {', '.join(absent)}; found {', '.join(head)}",
            code="corpus-columns",
        )
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(where, {}, f"not comma-separated values: {error}")
            continue
        if len(fields) == len(head):
            yield Line(where, dict(zip(head, fields, strict=True)), repaired.get(reader.line_num, ""))
        else:
            yield Line(where, {}, f"expected {len(head)} columns, found {len(fields)}")


def _add(split: str, line: Line, seen: dict[str, str], corpus: Corpus) -> None:
    """Add one utterance, or the issue of its line."""
    row = line.columns
    problem = _problem(row) if row else line.message
    if problem:
        corpus.issues.append(CorpusIssue("malformed-line", problem, line.where))
        return
    dialogue, number, season, episode = (int(row[name]) for name in NUMBERS)
    speaker, scene, text = _speaker(row["Speaker"]), f"{split}_dia{dialogue}", one_line(row["Utterance"])
    name = f"{scene}_utt{number}"
    utt, label = f"{speaker}-{name}", row["Emotion"]
    if name in seen:
        message = f"{name} is also in {seen[name]}"
        corpus.issues.append(CorpusIssue("duplicate-id", message, line.where, (utt,), (label,)))
        return
    seen[name] = line.where
    if line.message:
        corpus.issues.append(CorpusIssue("non-utf8", line.message, line.where, (utt,), (label,)))
    if not text:
        corpus.issues.append(CorpusIssue("missing-transcript", "no words; left empty", line.where, (utt,), (label,)))
    seconds = _seconds(row["EndTime"]) - _seconds(row["StartTime"])
    if not PLAUSIBLE_SECONDS[0] < seconds < PLAUSIBLE_SECONDS[1]:
        corpus.note("implausible times of utterances whose transcript is used", line.where)
    corpus.items.append(
        Item(
            utt=utt,
            speaker=speaker,
            label=label,
            text=text,
            wav="",
            where=line.where,
            session=f"s{season:02d}e{episode:02d}",
            scene=scene,
            split=split,
            seconds=max(seconds, MIN_SECONDS),
        )
    )


def _problem(row: Mapping[str, str]) -> str:
    """The error in the columns of an utterance; empty where there is none."""
    if not _speaker(row["Speaker"]):
        return f"Speaker: expected a name, found {row['Speaker']!r}"
    for name in NUMBERS:
        if not re.fullmatch(r"[0-9]+", row[name]):
            return f"{name}: expected a number, found {row[name]!r}"
    for name in ("StartTime", "EndTime"):
        if not TIME.fullmatch(row[name]):
            return f"{name}: expected a time such as 00:16:16,059, found {row[name]!r}"
    if _seconds(row["StartTime"]) > _seconds(row["EndTime"]):
        return f"it ends ({row['EndTime']}) before it starts ({row['StartTime']})"
    return ""


def _speaker(name: str) -> str:
    """``Joey's Hand Twin`` -> ``Joeys_Hand_Twin``."""
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub("['’]", "", name)).strip("_")


def _seconds(time: str) -> float:
    fields = TIME.fullmatch(time)
    assert fields, time  # checked by _problem
    hours, minutes, seconds = fields.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
