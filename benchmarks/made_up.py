"""Data that are made up: data directories and features of any size, the same every time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from mscnn.data.datadir import DataDir
from mscnn.features.archive import FeatureDir, write_archive
from mscnn.features.config import Feature, options_hash
from mscnn.files import atomic, write_table

CLASSES = ("angry", "happy", "neutral", "sad")
WORDS = np.array([f"word{i}" for i in range(5000)])


def utterances(number: int, speakers: int) -> Iterator[tuple[str, dict]]:
    """Ids and facts of utterances; texts have 5 to 20 words, whose frequencies are those of speech."""
    rng = np.random.default_rng(0)
    speaker, emotion = np.arange(number) % speakers, rng.integers(len(CLASSES), size=number)
    chances = 1 / np.arange(1, len(WORDS) + 1)
    sizes, seconds = rng.integers(5, 21, number), rng.uniform(2, 7, number)
    ends, words = np.cumsum(sizes), rng.choice(len(WORDS), sizes.sum(), p=chances / chances.sum())
    for i, (one, k, end) in enumerate(zip(speaker, emotion, ends, strict=True)):
        yield (
            f"spk{one:05d}-{i:07d}",
            {
                "emo": CLASSES[k],
                "spk": f"spk{one:05d}",
                "text": " ".join(WORDS[words[end - sizes[i] : end]]),
                "session": f"session{one // 2}",
                "dur": round(float(seconds[i]), 2),
            },
        )


def make_data(folder: Path, number: int, speakers: int) -> DataDir:
    """A data directory of such utterances, without audio."""
    rows = dict(utterances(number, speakers))
    names = {"text": "text", "utt2spk": "spk", "utt2emo": "emo", "utt2dur": "dur", "utt2session": "session"}
    DataDir.write(folder, {name: {utt: str(row[key]) for utt, row in rows.items()} for name, key in names.items()})
    return DataDir.load(folder)


def make_features(folder: Path, name: str, data: DataDir, dim: int, frames: tuple[int, int]) -> FeatureDir:
    """Features of noise whose mean depends on the class; each utterance has ``frames`` frames, from the first number
    to the second."""
    feature = Feature.load(name)
    counts = write_archive(folder / "feats.1", _matrices(data, dim, frames))
    (folder / "feats.scp").write_text((folder / "feats.1.scp").read_text())
    write_table(folder / "utt2num_frames", counts)
    facts = {"feature": name, "options": feature.options, "hash": options_hash(feature.options), "content": "made up"}
    with atomic(folder / "feature.yaml") as out:
        yaml.safe_dump({**facts, "dim": dim, "frame_shift": feature.extractor.frame_shift}, out)
    return FeatureDir.load(folder)


def make_xvectors(folder: Path, data: DataDir, dim: int = 512) -> Path:
    """Vectors of noise; returns the path of ``xvector.scp``."""
    rng = np.random.default_rng(1)
    write_archive(folder / "xvector", ((utt, rng.standard_normal(dim, np.float32)) for utt in data.utts))
    return folder / "xvector.scp"


def _matrices(data: DataDir, dim: int, frames: tuple[int, int]) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(2)
    means = 0.03 * rng.standard_normal((len(CLASSES), dim), np.float32)
    for utt in data.utts:
        length = int(rng.integers(*frames, endpoint=True))
        yield utt, rng.standard_normal((length, dim), np.float32) + means[CLASSES.index(data.emo[utt])]
