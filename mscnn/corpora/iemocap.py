"""Parser of IEMOCAP (Busso et al., 2008): ``IEMOCAP_full_release`` as distributed, with its irregularities.

The speaker of an utterance is its session and the LAST letter of its id: ``Ses01F_impro01_M000`` is spoken by
the man of session 1. The letter after ``Ses01`` is the actor who wears the motion-capture markers.
"""

import codecs
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.audio.check import LFS_MAGIC
from mscnn.corpora.common import Corpus, CorpusIssue, Item, decode, one_line
from mscnn.errors import UserError

DIALOGUE = re.compile(r"(?P<session>Ses0[1-5])[FM]_(?P<scene>impro\d\d[ab]?|script\d\d_\d[ab]?)")
UTTERANCE = re.compile(rf"(?P<dialogue>{DIALOGUE.pattern})_(?P<actor>[FM])\d{{3}}(?!\w)")
EXTRA = re.compile(rf"{DIALOGUE.pattern}_[FM]XX\d+")  # in transcriptions: no label, no wav
SUMMARY = re.compile(r"\[\d+\.\d+ - \d+\.\d+\][\t ]+(\S+)[\t ]+(\S+)[\t ]+\[[\d., ]*\]\s*")
NO_SUMMARY = re.compile(r"\s*|%.*|[AC]-\w+:.*")  # empty, header, votes of one annotator
LIKE_SUMMARY = re.compile(r"\s*\[|.*Ses\d\d")  # may hold a label that cannot be read
TRANSCRIPT = re.compile(rb"(\S+) \[[^\]]*\]: ?(.*)")
RENAMED = re.compile(r"Ses\d\d[FM]-(impro|script)")
LABELS, TEXTS, WAVS = "dialog/EmoEvaluation", "dialog/transcriptions", "sentences/wav"
FOREIGN_FILES = "files that do not belong to the corpus (._*, .DS_Store, …)"
TREE = f"""expected:
  IEMOCAP_full_release/
    Session1/ … Session5/
      {LABELS}/Ses01F_impro01.txt …
      {TEXTS}/Ses01F_impro01.txt …
      {WAVS}/Ses01F_impro01/Ses01F_impro01_F000.wav …"""


@dataclass(frozen=True)
class Line:
    """A line about one utterance: ``value`` is its label or text, ``code`` and ``message`` are of an issue, if any."""

    where: str
    value: str
    code: str = ""
    message: str = ""


def parse(root: Path) -> Corpus:
    """Utterances of a release; ``root`` is ``IEMOCAP_full_release`` or its parent folder.

    Raises:
        UserError: this is not the release, folders are missing, or the wavs have been renamed.
    """
    corpus = Corpus()
    sessions = _sessions(Path(os.path.abspath(root)))
    for n in range(1, 6):
        session = sessions[0].with_name(f"Session{n}")
        if session not in sessions:
            corpus.issues.append(CorpusIssue("missing-session", "no such folder", str(session)))
    for session in sessions:
        wavs = _list_wavs(session, corpus)
        texts = [_names(session / folder, session, ".txt", corpus) for folder in (LABELS, TEXTS)]
        for dialogue in sorted({*wavs, *texts[0], *texts[1]}):
            _read_dialogue(session, dialogue, wavs.get(dialogue, {}), corpus)
    return corpus


def _sessions(root: Path) -> list[Path]:
    """The session folders; each has the folders of labels and recordings, transcripts may be missing."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give the path of IEMOCAP_full_release", code="corpus-not-found")
    inside = sorted(p for p in root.iterdir() if p.is_dir())
    for release in (root, *inside):
        sessions = [release / f"Session{n}" for n in range(1, 6) if (release / f"Session{n}").is_dir()]
        if sessions:
            break
    else:
        listing = "\n  ".join(sorted(os.listdir(root))[:12]) or "(nothing)"
        raise UserError(
            f"{root}: no Session1 … Session5 here or in a subfolder\n{TREE}\nfound:\n  {listing}",
            code="corpus-not-found",
        )
    absent = [str(s / name) for s in sessions for name in (LABELS, WAVS) if not (s / name).is_dir()]
    if absent:
        raise UserError(
            "folders are missing; was the archive unpacked completely?\n  " + "\n  ".join(absent) + f"\n{TREE}",
            code="corpus-incomplete",
        )
    return sessions


def _names(folder: Path, session: Path, suffix: str, corpus: Corpus) -> Iterator[str]:
    """Dialogues of this session with an entry in ``folder``; other files are noted."""
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        stem = name.removesuffix(suffix)
        dialogue = DIALOGUE.fullmatch(stem)
        if dialogue and name == stem + suffix and dialogue["session"][-1] == session.name[-1]:
            yield stem
        elif not (folder / name).is_dir():
            corpus.note(FOREIGN_FILES, folder / name)


def _list_wavs(session: Path, corpus: Corpus) -> dict[str, dict[str, str]]:
    """dialogue -> utterance -> path of its wav."""
    wavs: dict[str, dict[str, str]] = {}
    renamed = [p for p in sorted((session / WAVS).glob("**/Ses*")) if RENAMED.match(p.name)]
    if renamed:
        raise UserError(
            f"{renamed[0]}: {len(renamed)} wavs of {session.name} have been renamed, as GLAM's handleIEMOCAP.py does "
            "in place, and their ids are lost. Unpack the release again and keep the original names",
            code="corpus-renamed",
        )
    for dialogue in _names(session / WAVS, session, "", corpus):
        folder = session / WAVS / dialogue
        wavs[dialogue] = {}
        for name in sorted(os.listdir(folder)):
            stem, suffix = os.path.splitext(name)
            utt = UTTERANCE.fullmatch(stem)
            if utt and utt["dialogue"] == dialogue and suffix.lower() == ".wav":
                wavs[dialogue][stem] = str(folder / name)
            else:
                corpus.note(FOREIGN_FILES, folder / name)
    return wavs


def _content(file: Path) -> tuple[list[bytes], str]:
    """Lines of a file, and the reason why it cannot be used, empty where it can."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], "no such file"
    except OSError as error:
        return [], f"cannot be read: {error.strerror}"
    if data.startswith(LFS_MAGIC):
        return [], "a git-LFS pointer in place of the file (git lfs pull)"
    return data.removeprefix(codecs.BOM_UTF8).splitlines(), ""


def _read_labels(file: Path, corpus: Corpus) -> tuple[dict[str, list[Line]], list[CorpusIssue], str]:
    """Labels of each utterance (normally one), malformed lines, and the reason why the file cannot be used, if any."""
    labels: dict[str, list[Line]] = {}
    unreadable = []
    lines, problem = _content(file)
    for number, raw in enumerate(lines, 1):
        line = raw.decode("latin-1")  # never fails; only comments of annotators are not ASCII
        summary = SUMMARY.fullmatch(line)
        utt = UTTERANCE.fullmatch(summary[1]) if summary else UTTERANCE.search(line)
        if summary and utt and utt["dialogue"] == file.stem:
            labels.setdefault(summary[1], []).append(Line(f"{file}:{number}", summary[2]))
        elif NO_SUMMARY.fullmatch(line) or (summary and EXTRA.fullmatch(summary[1])):
            continue
        elif not LIKE_SUMMARY.match(line):
            corpus.note("lines of label files that are neither labels nor votes", f"{file}:{number}")
        else:
            message = f"expected '[START - END]<tab>{file.stem}_F000<tab>LABEL<tab>[V, A, D]', found {line[:90]!r}"
            utts = (_utt(utt[0]),) if utt and utt["dialogue"] == file.stem else ()
            unreadable.append(CorpusIssue("malformed-line", message, f"{file}:{number}", utts, style=_style(file.stem)))
    return labels, unreadable, problem


def _read_texts(file: Path, corpus: Corpus) -> tuple[dict[str, list[Line]], str]:
    """Transcripts of each utterance (normally one), and the reason why the file cannot be used, if any."""
    texts: dict[str, list[Line]] = {}
    lines, problem = _content(file)
    for number, raw in enumerate(lines, 1):
        where = f"{file}:{number}"
        transcript = TRANSCRIPT.fullmatch(raw)
        utt = UTTERANCE.match((transcript[1] if transcript else raw).decode("latin-1"))
        if utt and transcript:
            text, message = decode(transcript[2])
            texts.setdefault(utt[0], []).append(Line(where, one_line(text), "non-utf8" if message else "", message))
        elif utt:
            message = f"expected '{utt[0]} [START-END]: TEXT', found {raw[:90]!r}"
            texts.setdefault(utt[0], []).append(Line(where, "", "malformed-line", message))
        elif transcript and EXTRA.fullmatch(transcript[1].decode("latin-1")):
            corpus.note("transcripts of XX ids, which have neither label nor wav", where)
        elif raw.strip():
            corpus.note("stray transcript lines without an id", where)
    return texts, problem


def _read_dialogue(session: Path, dialogue: str, wavs: Mapping[str, str], corpus: Corpus) -> None:
    """Add the utterances of one dialogue: labels, transcripts and wavs are joined by id, not by order."""
    label_file, text_file = (session / folder / f"{dialogue}.txt" for folder in (LABELS, TEXTS))
    labels, unreadable, no_labels = _read_labels(label_file, corpus)
    texts, no_texts = _read_texts(text_file, corpus)
    style = _style(dialogue)
    if not labels and not unreadable:
        utts = tuple(_utt(name) for name in sorted({*wavs, *texts}))
        message = no_labels or "no labels in it"
        corpus.issues.append(CorpusIssue("missing-label-file", message, str(label_file), utts, style=style))
        return
    corpus.issues += unreadable
    if no_texts:
        known = tuple(sorted({line.value for lines in labels.values() for line in lines}))
        message, utts = f"{no_texts}; its transcripts are empty", tuple(map(_utt, labels))
        corpus.issues.append(CorpusIssue("missing-transcription-file", message, str(text_file), utts, known, style))
    missing = [] if no_texts else [Line(str(text_file), "", "missing-transcript", "no line with this id; left empty")]
    for name, lines in labels.items():
        text, wav = texts.get(name, missing), wavs.get(name, "")
        problems = [*_problems(lines, text)]
        if not wav:
            problems.append(Line(str(session / WAVS / dialogue / f"{name}.wav"), "", "missing-wav", "no such file"))
        known = tuple(line.value for line in lines)
        corpus.issues += [CorpusIssue(p.code, p.message, p.where, (_utt(name),), known, style) for p in problems]
        corpus.items.append(_item(name, lines[0], text[0].value if text else "", wav))
    corpus.issues += _unlabelled(wavs, labels, unreadable)
    for name in sorted(texts.keys() - labels.keys()):
        corpus.note("transcripts without a label", texts[name][0].where)


def _problems(labels: Sequence[Line], texts: Sequence[Line]) -> Iterator[Line]:
    """Issues in the lines about one utterance."""
    first = labels[0]
    for line in labels[1:]:
        message = f"label {line.value}, but the id has label {first.value} in line {first.where.rpartition(':')[2]}"
        yield Line(line.where, "", "duplicate-id", message)
    for line in texts[1:]:
        if line.value != texts[0].value:
            message = f"the transcript differs from that in line {texts[0].where.rpartition(':')[2]}"
            yield Line(line.where, "", "duplicate-id", message)
    yield from (line for line in texts if line.code)


def _unlabelled(
    wavs: Mapping[str, str], labels: Mapping[str, object], unreadable: Sequence[CorpusIssue]
) -> Iterator[CorpusIssue]:
    """Issues of wavs without a label; they are only logged unless a malformed line may have the label."""
    named = {utt for issue in unreadable for utt in issue.utts}
    known = None if any(not issue.utts for issue in unreadable) else ()
    for name in sorted(wavs.keys() - labels.keys()):
        if _utt(name) not in named:
            yield CorpusIssue("unlabelled-wav", "a wav without a label", wavs[name], (_utt(name),), known, _style(name))


def _fields(name: str) -> re.Match[str]:
    """The fields of an utterance's name."""
    fields = UTTERANCE.fullmatch(name)
    assert fields, name  # names come from UTTERANCE
    return fields


def _speaker(name: str) -> str:
    """The speaker: ``Ses01M`` of ``Ses01F_impro01_M000``."""
    fields = _fields(name)
    return fields["session"] + fields["actor"]


def _utt(name: str) -> str:
    """Utterance id: the speaker, then the id in the corpus."""
    return f"{_speaker(name)}-{name}"


def _style(name: str) -> str:
    return "improvised" if "_impro" in name else "scripted"


def _item(name: str, label: Line, text: str, wav: str) -> Item:
    fields = _fields(name)
    return Item(
        utt=_utt(name),
        speaker=_speaker(name),
        label=label.value,
        text=text,
        wav=wav,
        where=label.where,
        style=_style(name),
        session=fields["session"],
        scene=fields["scene"],
        gender=fields["actor"].lower(),
    )
