"""Parser of RAVDESS (Livingstone and Russo, 2018), speech part: ``Actor_AA/MM-VC-EE-II-SS-RR-AA.{wav,flac}``.

Modality MM 03 is audio only, vocal channel VC 01 is speech; EE emotion, II intensity, SS statement, RR repetition,
AA actor (odd: male, even: female). Video and song are skipped.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.errors import UserError

NAME = re.compile(
    r"(?P<modality>\d\d)-(?P<channel>\d\d)-(?P<emotion>\d\d)-\d\d-(?P<statement>\d\d)-\d\d-(?P<actor>\d\d)"
)
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
AUDIO = (".wav", ".flac")
DEPTHS = ("Actor_*", "*/Actor_*", "*/*/Actor_*")  # as unpacked: Audio_Speech_Actors_01-24/Actor_01


def parse(root: Path) -> Corpus:
    """Utterances of a release; ``root`` contains the ``Actor_*`` folders, or folders that contain them.

    Raises:
        UserError: there is no recording of speech in ``root``.
    """
    corpus, seen = Corpus(), dict[str, Path]()  # name of a recording -> its file
    for path in _files(Path(os.path.abspath(root))):
        name = NAME.fullmatch(path.stem)
        if path.suffix.lower() not in AUDIO or path.name.startswith("."):
            corpus.note("files that are not audio", path)
        elif name and name["modality"] != "03":
            corpus.note("recordings with video", path)
        elif name and name["channel"] != "01":
            corpus.note("songs", path)
        else:
            _add(path, name, seen, corpus)
    if not corpus.items and not corpus.issues:
        listing = "\n  ".join(sorted(os.listdir(root))[:12]) if Path(root).is_dir() else "(no such folder)"
        raise UserError(
            f"{root}: no recording of RAVDESS speech here\nexpected:\n"
            "  Actor_01/03-01-01-01-01-01-01.wav (or .flac) …\n  or the same in Audio_Speech_Actors_01-24/\n"
            f"found:\n  {listing}",
            code="corpus-not-found",
        )
    return corpus


def _files(root: Path) -> Iterator[Path]:
    folders = sorted({p for depth in DEPTHS for p in root.glob(depth) if p.is_dir()})
    return (path for folder in folders for path in sorted(folder.iterdir()) if not path.is_dir())


def _add(path: Path, name: re.Match | None, seen: dict[str, Path], corpus: Corpus) -> None:
    """Add one recording of speech, or the issue of its name."""
    actor = int(name["actor"]) if name else 0
    if name is None or not 1 <= actor <= 24 or name["emotion"] not in EMOTIONS or name["statement"] not in STATEMENTS:
        message = f"expected a name such as 03-01-EE-II-SS-RR-AA{path.suffix}, EE 01–08, SS 01–02, AA 01–24"
        corpus.issues.append(CorpusIssue("malformed-name", message, str(path)))
        return
    utt, label = f"Actor{name['actor']}-{path.stem}", EMOTIONS[name["emotion"]]
    if path.stem not in seen:
        text, gender = STATEMENTS[name["statement"]], "m" if actor % 2 else "f"
        corpus.items.append(Item(utt, utt[:7], label, text, str(path), str(path), gender=gender))
        seen[path.stem] = path
    elif path.suffix == seen[path.stem].suffix and path.stat().st_size == seen[path.stem].stat().st_size:
        corpus.note("second copies of a recording", path)
    else:
        message = f"another file has this name: {seen[path.stem]}"
        corpus.issues.append(CorpusIssue("duplicate-id", message, str(path), (utt,), (label,)))
