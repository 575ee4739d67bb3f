"""A toy corpus on disk: two sessions of two speakers, recordings of noise, texts that determine the class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from mscnn.data.datadir import DataDir

WORDS = {"happy": "what a lovely day {}", "sad": "oh no not that {} again"}
NOUNS = ("fish", "lamp", "road", "stone", "cloud", "boat")


def write_noise(path: Path, seed: int, samples: int = 400, rate: int = 16000, **options) -> None:
    """Write 16-bit noise; the same seed gives the same samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype=np.int16)
    soundfile.write(path, noise, rate, **options)


@pytest.fixture
def tables(tmp_path) -> dict[str, dict[str, str]]:
    """Tables of a data directory: speakers A1 A2 (session A) and B1 B2, six utterances each, all texts different."""
    utts = [f"{spk}-{i}" for spk in ("A1", "A2", "B1", "B2") for i in range(6)]
    for seed, utt in enumerate(utts):
        write_noise(tmp_path / "wav" / f"{utt}.wav", seed)
    emotion = {u: ("happy", "sad")[int(u[-1]) % 2] for u in utts}
    return {
        "wav.scp": {u: str(tmp_path / "wav" / f"{u}.wav") for u in utts},
        "text": {u: WORDS[emotion[u]].format(f"{NOUNS[int(u[-1])]} {u[:2]}") for u in utts},
        "utt2spk": {u: u[:2] for u in utts},
        "utt2emo": emotion,
        "utt2dur": dict.fromkeys(utts, "0.025"),
        "utt2session": {u: u[0] for u in utts},
        "utt2scene": {u: ("impro01" if int(u[-1]) < 2 else "script01_1") for u in utts},
    }


@pytest.fixture
def make(tmp_path, tables) -> Callable[..., Path]:
    """Function that writes the toy data directory, with entries of its tables changed: (**{table: {utt: value}})."""

    def write(**changes: dict[str, str]) -> Path:
        for name, entries in changes.items():
            tables[name] |= entries
        DataDir.write(tmp_path / "data" / "toy", tables)
        return tmp_path / "data" / "toy"

    return write


@pytest.fixture
def protocol(tmp_path) -> Callable[..., str]:
    """Function that writes a protocol of the two sessions as folds, or one with other facts: (name, **facts)."""

    def write(name: str, disjoint: tuple[str, ...] = (), **facts: object) -> str:
        usual = {
            "name": name,
            "version": 1,
            "test": {"scheme": "group", "by": "session", "folds": 2},
            "dev": {"scheme": "share", "share": 0.25, "seed": 1},
            "disjoint": {"train-test": [*disjoint], "train-dev": [], "dev-test": []},
            "selection": "dev",
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(usual | facts))
        return str(tmp_path / f"{name}.yaml")

    return write
