"""From files to the examples of one fold; every statistic comes from the training part."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn import log
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.features.archive import FeatureDir
from mscnn.features.xvector.vectors import read_vectors
from mscnn.models import ModelSpec
from mscnn.models.inputs import Sizes
from mscnn.training.examples import Examples

EPSILON = 1e-8
BLOCK = 1 << 16  # rows


@dataclass(frozen=True)
class TextOptions:
    """Where words come from and how they become vectors.

    ``source``: gt or an ASR engine. ``tokens``: word or sentencepiece. ``embeddings``: a GloVe, word2vec or fastText
    file; None trains word2vec on the training part. ``dim``: word2vec dimension; ``pieces``: sentencepiece vocabulary.
    """

    source: str = "gt"
    tokens: str = "word"
    embeddings: str | None = None
    dim: int = 300
    pieces: int = 1000


@dataclass(frozen=True)
class Parts:
    """The three parts of a fold, sizes for the model, and what was learnt from the training part."""

    train: Examples
    dev: Examples
    test: Examples
    sizes: Sizes
    embedding: np.ndarray | None
    statistics: dict[str, np.ndarray]
    vocabulary: object | None


def make_parts(
    spec: ModelSpec,
    data: DataDir,
    fold: Fold,
    classes: list[str],
    *,
    feature_dir: Path | None,
    text: TextOptions,
    xvector: Path | None,
    cache: Path,
    seed: int,
) -> Parts:
    """Load what the model reads and cut it into train, dev and test; test comes without labels."""
    parts = {"train": fold.train, "dev": fold.dev, "test": fold.test}
    inputs: dict[str, dict] = {part: {} for part in parts}
    statistics: dict[str, np.ndarray] = {}
    vocabulary = embedding = None
    sizes = {"classes": len(classes)}
    if spec.audio:
        features = FeatureDir.load(feature_dir)
        sizes["audio"] = features.dim
        _add_frames(inputs, parts, features, statistics, int(spec.options["max_frames"]))
    if spec.text:
        vocabulary, embedding = _add_tokens(
            inputs, parts, data.text_of(text.source), text, int(spec.options["max_tokens"]), cache, seed
        )
        sizes |= {"vocabulary": embedding.shape[0], "embedding": embedding.shape[1]}
    if spec.xvector:
        _add_xvectors(inputs, parts, xvector, spec.xvec_norm, statistics)
        sizes["xvector"] = inputs["train"]["xvectors"].shape[1]
    for part in ("train", "dev"):
        inputs[part]["labels"] = np.array([classes.index(data.emo[u]) for u in parts[part]])
    train, dev, test = (Examples(parts[part], **inputs[part]) for part in parts)
    return Parts(train, dev, test, Sizes(**sizes), embedding, statistics, vocabulary)


def _add_frames(inputs: dict, parts: dict, features: FeatureDir, statistics: dict, max_frames: int) -> None:
    """Frames z-scored with mean and standard deviation of the training part's real frames."""
    for part, utts in parts.items():
        flat, offsets = features.read_all(utts)
        if part == "train":
            statistics["audio.mean"], statistics["audio.std"] = _moments(flat)
        flat -= statistics["audio.mean"]  # in place: a large set is a memory map
        flat /= statistics["audio.std"]
        inputs[part] |= {"frames": flat, "offsets": offsets, "max_frames": max_frames}


def _moments(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) of the rows, in two passes of float64 sums over blocks."""
    blocks = range(0, len(flat), BLOCK)
    mean = sum(flat[i : i + BLOCK].sum(axis=0, dtype=np.float64) for i in blocks) / len(flat)
    variance = sum(np.square(flat[i : i + BLOCK] - mean).sum(axis=0) for i in blocks) / len(flat)
    return mean.astype(np.float32), np.maximum(np.sqrt(variance), EPSILON).astype(np.float32)


def _add_tokens(inputs, parts, texts, options: TextOptions, max_tokens: int, cache: Path, seed: int):
    """Token ids; vocabulary (or sentencepiece model) and word2vec are learnt from the training part."""
    from mscnn.text.embeddings import load_embeddings, train_word2vec
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    train_texts = [texts[u] for u in parts["train"]]
    if options.tokens == "word":
        vocabulary = Vocabulary.build(train_texts)
    else:
        vocabulary = Subwords.train(train_texts, size=options.pieces)
    for part, utts in parts.items():
        inputs[part]["tokens"] = [vocabulary.encode(texts[u], max_tokens) for u in utts]
    if options.embeddings:
        matrix, coverage = load_embeddings(options.embeddings, vocabulary.words, cache=cache, seed=seed)
        log.get_logger("train").info("embeddings cover %.1f %% of %d words", 100 * coverage, len(vocabulary) - 2)
    else:
        matrix = train_word2vec(
            [vocabulary.split(t) for t in train_texts], vocabulary.words, dim=options.dim, seed=seed
        )
    return vocabulary, matrix


def _add_xvectors(inputs: dict, parts: dict, path: Path, norm: str, statistics: dict) -> None:
    """One vector an utterance, from a Kaldi ``xvector.scp``."""
    known = read_vectors(path, [utt for utts in parts.values() for utt in utts])
    ends = np.cumsum([len(utts) for utts in parts.values()])
    for part, rows in zip(parts, np.split(known, ends[:-1]), strict=True):
        if part == "train" and norm == "zscore":
            statistics["xvector.mean"], statistics["xvector.std"] = rows.mean(axis=0), rows.std(axis=0) + EPSILON
        if norm == "zscore":
            rows = (rows - statistics["xvector.mean"]) / statistics["xvector.std"]
        elif norm == "length":  # to the length sqrt(X), as Kaldi's ivector-normalize-length
            rows = rows * np.sqrt(rows.shape[1]) / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), EPSILON)
        inputs[part]["xvectors"] = rows
