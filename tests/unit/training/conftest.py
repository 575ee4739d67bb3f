"""A toy corpus with features: four speakers in two sessions, two classes with different means of frames."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.features.archive import write_archive
from mscnn.features.config import Feature, options_hash
from mscnn.files import write_table
from mscnn.training.experiment import ExperimentConfig

PROTOCOL = {
    "name": "toy4",
    "version": 1,
    "test": {"scheme": "group", "by": "speaker", "folds": 4},
    "dev": {"scheme": "partner"},
    "disjoint": {"train-test": ["speaker"], "train-dev": ["speaker"], "dev-test": ["speaker"]},
    "selection": "dev",
}
LABELS = {"name": "toy", "corpus": "toy", "classes": ["happy", "sad"], "map": {"h": "happy", "s": "sad"}, "drop": []}


def write_features(folder: Path, name: str, options: dict, matrices: dict[str, np.ndarray]) -> None:
    """Write matrices in the format of stage 3."""
    frames = write_archive(folder / "feats.1", matrices.items())
    (folder / "feats.scp").write_text((folder / "feats.1.scp").read_text())
    write_table(folder / "utt2num_frames", frames)
    facts = {"feature": name, "options": options, "hash": options_hash(options), "content": "0"}
    sizes = {"dim": next(iter(matrices.values())).shape[1], "frame_shift": 0.01}
    (folder / "feature.yaml").write_text(yaml.safe_dump(facts | sizes))


@pytest.fixture
def in_process(monkeypatch):
    """Run jobs as plain calls in this process, without worker processes."""
    monkeypatch.setenv("MSCNN_BACKEND", "debug")


@pytest.fixture
def toy(tmp_path) -> Path:
    """Folder with data/toy, feats/ (mfcc96), toy4.yaml (a protocol) and toy.yaml (a label map)."""
    return make_toy(tmp_path)


def make_toy(tmp_path: Path) -> Path:
    """Write the content of ``toy`` into an empty folder; returns it."""
    utts = [f"{spk}-{i}" for spk in ("A1", "A2", "B1", "B2") for i in range(6)]
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    speakers = {u: u[:2] for u in utts}
    emotions = {u: ("happy", "sad")[int(u[-1]) % 2] for u in utts}
    DataDir.write(
        tmp_path / "data" / "toy",
        {
            "wav.scp": dict.fromkeys(utts, tmp_path / "x.wav"),
            "text": {u: "what a day" if e == "happy" else "oh no not now" for u, e in emotions.items()},
            "utt2spk": speakers,
            "utt2emo": emotions,
            "utt2dur": dict.fromkeys(utts, "0.5"),
            "utt2session": {u: u[0] for u in utts},
        },
    )
    rng, feature, folder = np.random.default_rng(0), Feature.load("mfcc96"), tmp_path / "feats"
    matrices = {
        u: rng.normal(loc=3 + (e == "sad") * np.arange(96) / 48, size=(9 + int(u[-1]), 96)).astype(np.float32)
        for u, e in emotions.items()
    }
    write_features(folder, "mfcc96", feature.options, matrices)
    (tmp_path / "toy4.yaml").write_text(yaml.safe_dump(PROTOCOL))
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(LABELS))
    return tmp_path


def toy_experiment(toy: Path, model: str = "audio_cnn", exp: str = "t", **options) -> ExperimentConfig:
    """An experiment on the toy corpus, with ``options`` of ExperimentConfig."""
    return ExperimentConfig(
        model=model,
        data=toy / "data" / "toy",
        labels=str(toy / "toy.yaml"),
        protocol=str(toy / "toy4.yaml"),
        exp=toy / "exp" / exp,
        device="cpu",
        **options,
    )
