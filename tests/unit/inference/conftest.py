"""The toy corpus of the tests of training, with recordings, and systems trained on them once for all tests."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir
from mscnn.features.config import Feature
from mscnn.features.extract import extract
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.unit.training.conftest import in_process, make_toy, toy, toy_experiment  # noqa: F401

RATE = 16000
SETTINGS = {
    "audio_cnn": ("max_epochs=1", "batch_size=4", "filters=4"),
    "mscnn_no_xvector": ("max_epochs=1", "batch_size=4", "filters=4", "max_frames=90"),
    "text_cnn": ("max_epochs=1", "batch_size=4", "filters=4"),
    "majority": (),
}


def tone(seconds: float, pitch: float = 220.0, rate: int = RATE) -> np.ndarray:
    """Samples of a tone that fades in."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * pitch * t) * np.minimum(1, 4 * t)).astype(np.float32)


@pytest.fixture(scope="session")
def voices(tmp_path_factory) -> Path:
    """The toy corpus with recordings of half a second to two seconds, and their features."""
    return make_voices(tmp_path_factory.mktemp("voices"))


def make_voices(folder: Path) -> Path:
    """Write the content of ``voices`` into an empty folder; returns it."""
    make_toy(folder)
    data = DataDir.load(folder / "data" / "toy")
    tables = {"utt2spk": data.spk, "utt2emo": data.emo, "text": data.text, "utt2session": {u: u[0] for u in data.utts}}
    tables |= {"wav.scp": {}, "utt2dur": {}}
    (folder / "wav").mkdir()
    for utt in data.utts:
        seconds, wav = 0.5 + 0.3 * int(utt[-1]), folder / "wav" / f"{utt}.wav"
        soundfile.write(wav, tone(seconds, 150 + 100 * int(utt[-1])), RATE)
        tables["wav.scp"][utt], tables["utt2dur"][utt] = wav, f"{seconds:.3f}"
    DataDir.write(folder / "data" / "toy", tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        extract(DataDir.load(folder / "data" / "toy"), Feature.load("mfcc96"), folder / "voiced", nj=1, convert=False)
    return folder


@pytest.fixture(scope="session")
def trained(voices) -> Callable[[str], Path]:
    """A function from a model to the folder of an experiment with it, trained for one epoch."""

    return cache(lambda model: train_on(voices, model))


def train_on(voices: Path, model: str) -> Path:
    """Train a model on the corpus of :func:`make_voices`; returns the folder of the experiment."""
    experiment = toy_experiment(
        voices,
        model,
        exp=model,
        settings=SETTINGS[model],
        feature_dirs=(voices / "voiced",),
        text=TextOptions(dim=8),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        train_experiments([experiment], nj=1)
    return experiment.exp
