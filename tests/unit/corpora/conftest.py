"""A small handmade release in the layout of IEMOCAP; only this file knows the format."""

import random
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HEADER = b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"


def _write_wav(path: Path, samples: int = 800, rate: int = 16000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(random.Random(path.name).randbytes(2 * samples * channels))


class Release:
    """``root`` is IEMOCAP_full_release; the methods add to it or name the files in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for n in range(1, 6):  # the folders of all sessions; dialogues are added to some
            for folder in ("dialog/EmoEvaluation", "dialog/transcriptions", "sentences/wav"):
                (root / f"Session{n}" / folder).mkdir(parents=True)

    def session(self, dialogue: str) -> Path:
        return self.root / f"Session{dialogue[4]}"

    def labels(self, dialogue: str) -> Path:
        return self.session(dialogue) / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"

    def texts(self, dialogue: str) -> Path:
        return self.session(dialogue) / "dialog" / "transcriptions" / f"{dialogue}.txt"

    def wav(self, name: str) -> Path:
        dialogue = name.rpartition("_")[0]
        return self.session(dialogue) / "sentences" / "wav" / dialogue / f"{name}.wav"

    def add(self, dialogue: str, turns: Sequence[tuple[str, str, str]]) -> None:
        """Write a dialogue; ``turns`` are (last field of the id, label, text) in the order they were spoken."""
        label_file, text_file = self.labels(dialogue), self.texts(dialogue)
        label_file.parent.mkdir(parents=True, exist_ok=True)
        text_file.parent.mkdir(parents=True, exist_ok=True)
        blocks, lines = [HEADER], []
        for number, (turn, _, text) in enumerate(turns):
            lines.append(f"{dialogue}_{turn} [{number:03d}.1000-{number:03d}.9000]: {text}\n".encode())
            _write_wav(self.wav(f"{dialogue}_{turn}"), samples=800 + number)
        # the label file has the turns of F before those of M, in any order of time
        for number, (turn, label, _) in sorted(enumerate(turns), key=lambda entry: entry[1]):
            blocks.append(
                f"[{number}.1000 - {number}.9000]\t{dialogue}_{turn}\t{label}\t[2.5000, 2.0000, 3.5000]\n"
                "C-E2:\tNeutral;\t()\nC-E3:\tNeutral; Anger;\t(tense, [curious]; )\nC-F1:\tNeutral;\t()\n"
                "A-E2:\tval 3; act 2; dom  3;\t(calm)\nA-F1:\tval 3; act 2; dom  ;\t()\n\n".encode()
            )
        label_file.write_bytes(b"".join(blocks))
        text_file.write_bytes(b"".join(lines))

    def edit(self, path: Path, old: bytes, new: bytes) -> None:
        data = path.read_bytes()
        assert data.count(old) == 1, f"{old!r} occurs {data.count(old)} times in {path}"
        path.write_bytes(data.replace(old, new))


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """Two dialogues of session 1: seven utterances, five of them of the four classes."""
    release = Release(tmp_path / "IEMOCAP_full_release")
    release.add(
        "Ses01F_impro01",
        [
            ("M000", "neu", "Who  is it?"),
            ("F000", "hap", "It is me."),
            ("M001", "exc", "[LAUGHTER] Come  in!"),
            ("F001", "xxx", "Well."),
        ],
    )
    release.add("Ses01M_script01_1", [("F000", "ang", "Go away."), ("M000", "sad", ""), ("M001", "fru", "No.")])
    return release


@pytest.fixture
def write_wav() -> Callable[..., None]:
    """Function that writes noise that depends on the name: (path, samples=800, rate=16000, channels=1)."""
    return _write_wav
