"""mini_iemocap: a synthetic corpus in the layout and file formats of IEMOCAP, spoken by espeak-ng; reproducible.

Five sessions, ten speakers, improvised and scripted scenes. Prosody and text of a turn each depend on its emotion, in
part and independently: see ``speech`` and ``mini_script``. It has the irregularities of the real release that a parser
must handle: ``._`` files, turns with ``XX`` ids, stray lines, overlapping turns, long names, F before M, transcripts
without words.
"""

import json
import math
import os
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn import files
from mscnn.audio.pcm import write_wav
from mscnn.errors import UserError
from mscnn.files import written_to
from mscnn.stamp import source_digest
from mscnn.synthetic.espeak import Espeak, versions
from mscnn.synthetic.mini_script import SESSIONS, Turn, plan
from mscnn.synthetic.speech import PROSODY, RATE, apply_vocal_effort, synthesise

RELEASE, MANIFEST = "IEMOCAP_full_release", "MANIFEST.json"
SOURCES = (
    "mscnn.synthetic.mini_iemocap",
    "mscnn.synthetic.mini_script",
    "mscnn.synthetic.speech",
    "mscnn.synthetic.espeak",
    "mscnn.audio.pcm",
)
README = """This is not IEMOCAP. It is mini_iemocap: invented dialogues in the same layout, spoken by espeak-ng,
for trying the recipe and for tests. Figures measured on it say nothing about people.
"""


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng, its mean pitch (0 to 100) and level (dB, relative to the other speakers)."""

    voice: str
    pitch: int
    level: float


SPEAKERS = {
    "Ses01F": Speaker("en-us+f2", 50, 0.0),
    "Ses01M": Speaker("en-us+edward", 45, 1.0),
    "Ses02F": Speaker("en-us+f5", 40, -1.0),
    "Ses02M": Speaker("gmw/en+adam", 50, 0.0),
    "Ses03F": Speaker("gmw/en+f5", 50, 1.0),
    "Ses03M": Speaker("en-us+benjamin", 50, -1.0),
    "Ses04F": Speaker("en-us+f1", 48, -0.5),
    "Ses04M": Speaker("en-us+m6", 50, 1.0),
    "Ses05F": Speaker("en-us-nyc+f2", 56, 0.5),
    "Ses05M": Speaker("en-us-nyc+edward", 55, -1.0),
}

NEUTRAL_PROSODY_SHARE = 0.05  # share of turns whose prosody does not depend on the label
AROUSAL_STD, VALENCE_STD = 0.3, 1.4  # between turns with the same label

CATEGORIES = {
    "ang": "Anger",
    "fru": "Frustration",
    "exc": "Excited",
    "hap": "Happiness",
    "sur": "Surprise",
    "neu": "Neutral",
    "sad": "Sadness",
    "xxx": "Other",
}
OBSERVERS = ("E1", "E2", "E3", "E4", "E5", "E6")
REMARKS = (*[""] * 9, "curious", "sarcastic; tired", "mildly aggravated but staying polite, attitude")
# An AppleDouble file of macOS: not text, byte 37 is 0xac.
APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes.fromhex("000100000009")
APPLE_DOUBLE += bytes.fromhex("00000026000000ac") + bytes(0xAC)


def speak(espeak: Espeak, turn: Turn, seed: int = 0) -> np.ndarray:
    """Synthesise a turn with the prosody of its emotion, in a quiet room.

    Returns:
        (samples,) int16 at ``RATE``, a whole number of milliseconds.
    """
    rng = random.Random(f"{seed} {turn.utt} style")
    speaker = SPEAKERS[turn.speaker]
    arousal, valence = (0.0, 0.0) if rng.random() < NEUTRAL_PROSODY_SHARE else PROSODY[turn.label]
    arousal += rng.gauss(0, AROUSAL_STD)
    valence += rng.gauss(0, VALENCE_STD)
    speech = synthesise(espeak, turn.spoken, speaker.voice, arousal, valence, rng, pitch=speaker.pitch, rate=170)
    apply_vocal_effort(speech, 0.45 * arousal, 0.7, -30 + speaker.level + 6 * arousal + rng.gauss(0, 1.5))
    size = RATE // 1000 * math.ceil((len(speech) / RATE + rng.uniform(0.1, 0.2)) * 1000)
    recording = np.random.RandomState(rng.getrandbits(32)).standard_normal(size) * 10 ** (-66 / 20)
    start = rng.randrange(size - len(speech))
    recording[start : start + len(speech)] += speech
    return np.round(recording * 32767).astype("<i2")


def up_to_date(out: Path, seed: int = 0, sessions: Sequence[int] = SESSIONS) -> bool:
    """Whether ``out`` has the complete and unchanged corpus of this generator."""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return manifest == _manifest(out, seed, sessions)


def make(out: Path, seed: int = 0, sessions: Sequence[int] = SESSIONS) -> int:
    """Write the corpus and its manifest into ``out``; returns the number of utterances.

    Files are written to a temporary folder beside ``out``, which is renamed at the end.

    Raises:
        UserError: ``out`` has files that this generator did not write.
    """
    out = Path(os.path.abspath(out))
    if out.exists() and not (out / MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise UserError(
            f"{out}: has files other than mini_iemocap, which would be replaced; name a new folder", code="out-not-ours"
        )
    new, old = (out.with_name(f".{out.name}.{state}") for state in ("new", "old"))
    for leftover in (new, old):  # of a killed run
        shutil.rmtree(leftover, ignore_errors=True)
    espeak, dialogues = Espeak(seed), plan(seed, sessions)
    with written_to(out):
        for name, turns in dialogues.items():
            audio, rng = {turn.utt: speak(espeak, turn, seed) for turn in turns}, random.Random(f"{seed} {name} notes")
            _write_dialogue(new / RELEASE / f"Session{name[4]}", name, turns, audio, rng)
        (new / RELEASE / "README.txt").write_text(README, encoding="utf-8")
        manifest = json.dumps(_manifest(new, seed, sessions), indent=1)
        (new / MANIFEST).write_text(f"{manifest}\n", encoding="utf-8")
    if out.exists():
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    return sum(map(len, dialogues.values()))


def _manifest(out: Path, seed: int, sessions: Sequence[int]) -> dict:
    """Generator, options, number of files and digest of the corpus in ``out``."""
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p != out / MANIFEST)
    return {
        "generator": files.digest([[source_digest(name) for name in SOURCES], versions()]),
        "seed": seed,
        "sessions": list(sessions),
        "files": len(names),
        "digest": files.digest([[name, files.file_digest(out / name)] for name in names]),
    }


def _write_dialogue(
    session: Path, name: str, turns: list[Turn], audio: Mapping[str, np.ndarray], rng: random.Random
) -> None:
    """Write audio files, labels and transcripts of one dialogue."""
    blocks: dict[str, list[str]] = {"F": [], "M": []}  # all turns of one actor, then all of the other
    transcripts = []
    clock = rng.randrange(50_000, 80_000)  # in units of 0.1 ms
    for turn in turns:
        end = clock + 10 * (1000 * len(audio[turn.utt]) // RATE)
        blocks[turn.actor].append(_evaluation(turn, clock, end, rng))
        transcripts.append(f"{turn.utt} {_span(clock, end)}: {turn.text}")
        write_wav(session / f"sentences/wav/{name}/{turn.utt}.wav", audio[turn.utt], RATE)
        clock = end + rng.randrange(-2_500, 9_000)  # turns may overlap
    if name.endswith("F_impro02"):
        transcripts.insert(3, "M: Yeah.")
    if name.endswith("M_impro02"):
        transcripts.append(f"{name}_FXX0 {_span(clock, clock + 4_000)}: Mmhmm.")
    header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"
    _write(session / f"dialog/EmoEvaluation/{name}.txt", "\n".join([header, *blocks["F"], *blocks["M"], ""]).encode())
    _write(session / f"dialog/transcriptions/{name}.txt", "".join(f"{line}\n" for line in transcripts).encode())
    if name.endswith("F_impro01"):
        _write(session / f"dialog/EmoEvaluation/._{name}.txt", APPLE_DOUBLE)
        _write(session / f"sentences/wav/{name}/._{turns[0].utt}.wav", APPLE_DOUBLE)


def _evaluation(turn: Turn, start: int, end: int, rng: random.Random) -> str:
    """Block of one turn in EmoEvaluation: summary, categories and attributes of three observers and of the actor."""
    arousal, valence = PROSODY[turn.label]
    observers = [*sorted(rng.sample(OBSERVERS, 3)), f"{turn.actor}{turn.utt[4]}"]
    lines, scores = [], []
    for observer, vote in zip(observers, _votes(turn.label, rng), strict=True):
        lines.append(f"C-{observer}:\t{vote};\t({rng.choice(REMARKS)})")
    for observer in (*observers[:2], observers[3]):
        score = [max(1, min(5, round(rng.gauss(3 + 1.3 * mean, 0.4)))) for mean in (valence, arousal, arousal / 2)]
        scores.append(score)
        lines.append(f"A-{observer}:\tval {score[0]}; act {score[1]}; dom  {score[2]};\t({rng.choice(REMARKS)})")
    means = ", ".join(f"{(a + b) / 2:.4f}" for a, b in zip(*scores[:2], strict=True))  # of the observers
    summary = f"[{start / 10_000:.4f} - {end / 10_000:.4f}]\t{turn.utt}\t{turn.label}\t[{means}]"
    return "\n".join([summary, *lines, ""])


def _votes(label: str, rng: random.Random) -> list[str]:
    """Categories chosen by three observers, with a majority unless the label is ``xxx``, and by the actor."""
    others = rng.sample([name for key, name in CATEGORIES.items() if key not in (label, "xxx")], 3)
    category = CATEGORIES[label]
    if label == "xxx":
        return [*others, category]
    votes = [category, category, rng.choice((category, category, others[0], f"{others[0]}; {others[1]}"))]
    rng.shuffle(votes)
    return [*votes, rng.choice((category, category, others[2]))]


def _span(start: int, end: int) -> str:
    return f"[{start / 10_000:08.4f}-{end / 10_000:08.4f}]"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
