"""From files to the examples of one fold; every statistic comes from the training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn import log, models
from mscnn.config.model import ModelSpec
from mscnn.config.segments import Segments
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.data.segments import Spans, segment
from mscnn.features.archive import FeatureDir
from mscnn.models.inputs import Sizes
from mscnn.training.examples import Examples, Stream
from mscnn.xvector.vectors import read_vectors

if TYPE_CHECKING:
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

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

    @property
    def changed(self) -> list[str]:
        """What is not as usual, KEY=VALUE; of a file its name. Systems that differ in it are not the same system."""
        values = {**asdict(self), "embeddings": self.embeddings and Path(self.embeddings).name}
        return [f"{f.name}={values[f.name]}" for f in fields(self)[1:] if values[f.name] != f.default]


@dataclass(frozen=True)
class Parts:
    """The three parts of a fold, sizes for the model, and what was learnt from the training part."""

    train: Examples
    dev: Examples
    test: Examples
    sizes: Sizes
    embedding: np.ndarray | None
    statistics: dict[str, np.ndarray]
    vocabulary: Vocabulary | Subwords | None


def make_parts(
    spec: ModelSpec,
    data: DataDir,
    fold: Fold,
    classes: list[str],
    *,
    features: Mapping[str, FeatureDir],
    text: TextOptions,
    xvector: Path | None,
    cache: Path,
    seed: int,
) -> Parts:
    """Load what the model reads and cut it into train, dev and test; test comes without labels."""
    parts = {"train": fold.train, "dev": fold.dev, "test": fold.test}
    statistics: dict[str, np.ndarray] = {}
    texts, vocabulary, embedding = {}, None, None
    if spec.text:
        texts = data.text_of(text.source)
        vocabulary, embedding = _learn_words([texts[utt] for utt in fold.train], text, cache, seed)
    examples = make_examples(
        spec, data, parts, features=features, texts=texts, vocabulary=vocabulary, xvector=xvector, statistics=statistics
    )
    for part in ("train", "dev"):
        examples[part].labels = np.array([classes.index(data.emo[u]) for u in parts[part]])
    sizes = make_sizes(spec, len(classes), features, examples["train"], None if embedding is None else embedding.shape)
    return Parts(**examples, sizes=sizes, embedding=embedding, statistics=statistics, vocabulary=vocabulary)


def make_examples(
    spec: ModelSpec,
    data: DataDir,
    parts: Mapping[str, Sequence[str]],
    *,
    features: Mapping[str, FeatureDir],
    texts: Mapping[str, str],
    vocabulary: Vocabulary | Subwords | None,
    xvector: Path | None,
    statistics: dict[str, np.ndarray],
) -> dict[str, Examples]:
    """Examples, without labels, of the utterances of each of ``parts``.

    Features and x-vectors are normalised with ``statistics``. Where a part is called train, it comes first, and they
    are learnt from it and put there.
    """
    inputs: dict[str, dict] = {part: {} for part in parts}
    limits = models.limits(spec)
    if spec.features:
        _add_streams(inputs, parts, spec, features, data, statistics, limits.max_frames)
    if spec.text:
        for part, utts in parts.items():
            inputs[part]["tokens"] = [vocabulary.encode(texts[utt], limits.max_tokens) for utt in utts]
    if spec.xvector:
        _add_xvectors(inputs, parts, xvector, spec.xvec_norm, statistics)
    return {part: Examples(utts, **inputs[part]) for part, utts in parts.items()}


def make_sizes(
    spec: ModelSpec,
    classes: int,
    features: Mapping[str, FeatureDir],
    examples: Examples,
    embedding: tuple[int, int] | None,
) -> Sizes:
    """Sizes for the model; ``embedding`` is the number of words and the dimension of their vectors."""
    found: dict[str, object] = {"extra": {name: features[name].dim for name in spec.extra}}
    if spec.audio:
        found["audio"] = features["audio"].dim
    if spec.text:
        found["vocabulary"], found["embedding"] = embedding
    if spec.xvector:
        found["xvector"] = examples.xvectors.shape[1]
    return Sizes(classes, **found)


def _add_streams(inputs: dict, parts: dict, spec: ModelSpec, features: Mapping[str, FeatureDir], data: DataDir,
                 statistics: dict, longest: int | None) -> None:  # fmt: skip
    """Features normalised with what the training part tells, and where each example lies in them."""
    for part, utts in parts.items():
        streams, cut = {}, None
        for name, source in features.items():
            flat, offsets = source.read_all(utts)
            if name == "audio" and spec.segments and spec.segments.pad_first:
                flat, offsets = _padded(flat, offsets, spec.segments.frames)
            lengths = np.minimum(np.diff(offsets), longest) if longest and name == "audio" else np.diff(offsets)
            counts = None
            if name == "audio" and spec.segments:
                classes = [data.emo[utt] for utt in utts] if part == "train" else None
                cut = segment(spec.segments, lengths, train=part == "train", classes=classes)
                if spec.segments.pad_first and part == "train":  # nothing is learnt from the others
                    counts = _cover(offsets[cut.owner] + cut.starts, cut.lengths, len(flat))
            NORMS[spec.normalise.get(name, "none")](flat, part == "train", statistics, name, counts)
            streams[name] = _stream(name, flat, offsets[:-1], lengths, cut, spec.segments)
        inputs[part]["streams"] = streams
        if cut:
            inputs[part] |= {"owner": cut.owner, "segments": spec.segments}


def _padded(flat: np.ndarray, offsets: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """The same with zeros after each utterance that has fewer than ``least`` frames."""
    lengths = np.maximum(np.diff(offsets), least)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    padded = np.zeros((ends[-1], flat.shape[1]), flat.dtype)
    for start, old, new in zip(offsets[:-1], offsets[1:], ends[:-1], strict=True):
        padded[new : new + old - start] = flat[start:old]
    return padded, ends


def _cover(starts: np.ndarray, lengths: np.ndarray, frames: int) -> np.ndarray:
    """In how many segments each of so many frames lies."""
    begins, ends = (np.bincount(at, minlength=frames + 1) for at in (starts, starts + lengths))
    return np.cumsum(begins - ends)[:frames]


def _stream(
    name: str, flat: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, cut: Spans | None, segments: Segments | None
) -> Stream:
    """Where the examples lie in a feature: whole utterances, or the segments that ``cut`` made of the audio."""
    if cut is None:
        return Stream(flat, offsets, lengths)
    if name == "audio":
        return Stream(flat, offsets[cut.owner] + cut.starts, cut.lengths)
    if name not in segments.streams:
        return Stream(flat, offsets[cut.owner], lengths[cut.owner])
    frames = segments.streams[name]
    starts = np.minimum(cut.starts * frames // segments.frames, lengths[cut.owner] - 1)
    return Stream(flat, offsets[cut.owner] + starts, np.minimum(frames, lengths[cut.owner] - starts))


def _zscore(flat: np.ndarray, train: bool, statistics: dict, name: str, counts: np.ndarray | None) -> None:
    """Mean 0 and standard deviation 1 over the training part's frames, each as often as ``counts`` says."""
    if train:
        statistics[f"{name}.mean"], statistics[f"{name}.std"] = _moments(flat, counts)
    flat -= statistics[f"{name}.mean"]  # in place: a large set is a memory map
    flat /= statistics[f"{name}.std"]


def _minmax(flat: np.ndarray, train: bool, statistics: dict, name: str, counts: np.ndarray | None) -> None:
    """0 to 1 between the training part's smallest and largest values, clipped."""
    if train:
        statistics[f"{name}.min"], statistics[f"{name}.max"] = flat.min(axis=0), flat.max(axis=0)
    flat -= statistics[f"{name}.min"]
    flat /= np.maximum(statistics[f"{name}.max"] - statistics[f"{name}.min"], EPSILON)
    np.clip(flat, 0, 1, out=flat)


NORMS = {"zscore": _zscore, "minmax": _minmax, "none": lambda *given: None}


def _moments(flat: np.ndarray, counts: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) of the rows, in two passes of float64 sums over blocks.

    ``counts`` (rows,) says how often each row is there; None: once.
    """
    blocks = [slice(i, i + BLOCK) for i in range(0, len(flat), BLOCK)]
    if counts is None:
        mean = sum(flat[b].sum(axis=0, dtype=np.float64) for b in blocks) / len(flat)
        variance = sum(np.square(flat[b] - mean).sum(axis=0) for b in blocks) / len(flat)
    else:
        mean = sum(counts[b] @ flat[b].astype(np.float64) for b in blocks) / counts.sum()
        variance = sum(counts[b] @ np.square(flat[b] - mean) for b in blocks) / counts.sum()
    return mean.astype(np.float32), np.maximum(np.sqrt(variance), EPSILON).astype(np.float32)


def _learn_words(texts: list[str], options: TextOptions, cache: Path, seed: int):
    """Vocabulary (or sentencepiece model) and embeddings, from the texts of the training part."""
    from mscnn.text.embeddings import load_embeddings, train_word2vec
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    vocabulary = Vocabulary.build(texts) if options.tokens == "word" else Subwords.train(texts, size=options.pieces)
    if options.embeddings:
        matrix, coverage = load_embeddings(options.embeddings, vocabulary.words, cache=cache, seed=seed)
        log.get_logger("train").info("embeddings cover %.1f %% of %d words", 100 * coverage, len(vocabulary) - 2)
    else:
        matrix = train_word2vec([vocabulary.split(t) for t in texts], vocabulary.words, dim=options.dim, seed=seed)
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
