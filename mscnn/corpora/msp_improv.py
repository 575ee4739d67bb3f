"""Parser of MSP-IMPROV (Busso et al., 2017): ``Evalution.txt`` (so spelled), ``Audio`` and, if there, transcripts.

A turn is ``MSP-IMPROV-S01A-F02-R-FM01``: target sentence 01 in a scenario of anger (A, H, S, N), spoken by woman 2, who
is of session 2; R a read sentence, S the sentence in an improvisation, T other turns of the actors there, P talk
between the scenes. The label file calls it ``UTD-IMPROV-….avi``. In each of its blocks the first line is the consensus,
the others are votes of raters. They are not used: some occur twice, and the scale of activation is inverted, from 5
(calm) to 1 (excited).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item, decode, one_line
from mscnn.errors import UserError

LABEL_FILES = ("Evalution.txt", "Evaluation.txt")
NAME = r"-IMPROV-(?P<scene>S\d\d[AHNS])-(?P<speaker>[FM]0(?P<session>[1-6]))-(?P<kind>[PRST])-[FM]{2}\d\d"
TURN = re.compile(f"MSP{NAME}")
CONSENSUS = re.compile(rf"\s*(?:UTD|MSP)(?P<name>{NAME})\.(?:avi|wav)\s*;\s*(?P<label>[A-Z])\s*;(?P<ratings>.*)")
LIKE_CONSENSUS = re.compile(r"\s*(?:UTD|MSP)-IMPROV")  # may be a label that cannot be read
NO_NUMBER = re.compile(r":\s*nan", re.IGNORECASE)
STYLES = {"R": "scripted", "S": "improvised", "T": "improvised", "P": "improvised"}


@dataclass(frozen=True)
class Label:
    """The consensus of a turn, and the place that states it."""

    value: str
    where: str


def parse(root: Path) -> Corpus:
    """Turns of a release; ``root`` contains the label file and the recordings, at any depth.

    Raises:
        UserError: there is no label file, or no recording.
    """
    corpus, root = Corpus(), Path(os.path.abspath(root))
    wavs = _files(root, ".wav", corpus)
    labels = dict[str, Label]()
    _read_labels(_label_file(root, wavs), labels, corpus)
    folders = [path for path in sorted(root.rglob("*ranscription*")) if path.is_dir()]
    texts = _files(folders[0], ".txt", corpus) if folders else {}
    for name, label in sorted(labels.items()):
        wav = wavs.get(name)
        if not wav:
            corpus.issues.append(_issue("missing-wav", f"no {name}.wav in {root}", label.where, name, label))
        text = _text(name, label, texts, corpus) if folders else ""
        corpus.items.append(_item(name, label, text, str(wav or "")))
    unread = any(not issue.utts for issue in corpus.issues if issue.code == "malformed-line")
    for name in sorted(wavs.keys() - labels.keys() - {utt[4:] for issue in corpus.issues for utt in issue.utts}):
        known = None if unread else ()
        message = "a recording without a label"
        corpus.issues.append(CorpusIssue("unlabelled-wav", message, str(wavs[name]), (_utt(name),), known))
    return corpus


def _label_file(root: Path, wavs: Mapping[str, Path]) -> Path:
    found = [path for name in LABEL_FILES for depth in ("", "*/") for path in sorted(root.glob(depth + name))]
    if not found or not wavs:
        listing = "\n  ".join(sorted(os.listdir(root))[:12]) or "(nothing)"
        raise UserError(
            f"{root}: not MSP-IMPROV: no {'recording' if found else 'label file'}\nexpected:\n  {LABEL_FILES[0]}\n"
            f"  Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav …\nfound:\n  {listing}",
            code="corpus-not-found",
        )
    return found[0]


def _files(root: Path, suffix: str, corpus: Corpus) -> dict[str, Path]:
    """Name of a turn -> its file with this suffix; the second file of a turn is an issue, others are noted."""
    files: dict[str, Path] = {}
    for path in sorted(path for path in root.rglob(f"*{suffix}") if path.is_file()):
        name = re.sub("^UTD", "MSP", path.stem)
        if not TURN.fullmatch(name):
            corpus.note(f"{suffix} files that are not named as a turn", path)
        elif name not in files:
            files[name] = path
        elif path.read_bytes() == files[name].read_bytes():
            corpus.note("second copies of a file", path)
        else:
            message = f"another file has this name: {files[name]}"
            corpus.issues.append(CorpusIssue("duplicate-id", message, str(path), (_utt(name),)))
    return files


def _read_labels(file: Path, labels: dict[str, Label], corpus: Corpus) -> None:
    """Add the consensus of each turn of the label file, and the issues of its lines."""
    votes = set[str]()  # of the present block
    for number, raw in enumerate(file.read_bytes().splitlines(), 1):
        line, where = decode(raw)[0].removeprefix("\ufeff"), f"{file}:{number}"
        if fields := CONSENSUS.fullmatch(line):
            name, label = f"MSP{fields['name']}", Label(fields["label"], where)
            votes.clear()
            if NO_NUMBER.search(fields["ratings"]):
                corpus.note("turns with a rating that is no number", where)
            first = labels.setdefault(name, label)
            if label is not first:
                message = f"label {label.value}, but {first.where} has label {first.value}"
                corpus.issues.append(_issue("duplicate-id", message, where, name, label))
        elif LIKE_CONSENSUS.match(line):
            turn = re.search(NAME, line)
            utts = (_utt(f"MSP{turn[0]}"),) if turn else ()
            message = f"expected 'UTD-IMPROV-S01A-F01-P-FM01.avi; LABEL; A:…; V:…; D:…; N:…;', found {line[:90]!r}"
            corpus.issues.append(CorpusIssue("malformed-line", message, where, utts))
        elif line.strip():
            if line.strip() in votes:
                corpus.note("votes of a rater that occur twice", where)
            votes.add(line.strip())


def _text(name: str, label: Label, texts: Mapping[str, Path], corpus: Corpus) -> str:
    """Transcript of a turn; one that is missing or not UTF-8 is an issue."""
    if name not in texts:
        message = f"no {name}.txt among the transcripts; left empty"
        corpus.issues.append(_issue("missing-transcript", message, label.where, name, label))
        return ""
    text, message = decode(texts[name].read_bytes())
    if message:
        corpus.issues.append(_issue("non-utf8", message, str(texts[name]), name, label))
    return one_line(text)


def _issue(code: str, message: str, where: str, name: str, label: Label) -> CorpusIssue:
    return CorpusIssue(code, message, where, (_utt(name),), (label.value,), STYLES[_fields(name)["kind"]])


def _fields(name: str) -> re.Match[str]:
    fields = TURN.fullmatch(name)
    assert fields, name  # names come from CONSENSUS and TURN
    return fields


def _utt(name: str) -> str:
    return f"{_fields(name)['speaker']}-{name}"


def _item(name: str, label: Label, text: str, wav: str) -> Item:
    fields = _fields(name)
    return Item(
        utt=_utt(name),
        speaker=fields["speaker"],
        label=label.value,
        text=text,
        wav=wav,
        where=label.where,
        style=STYLES[fields["kind"]],
        session=f"session{fields['session']}",
        scene=fields["scene"],
        gender=fields["speaker"][0].lower(),
    )
