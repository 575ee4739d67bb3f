"""Train, dev and test split of a fold as input of a network: normalised examples, without labels of the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn import log, models
from mscnn.config.model import ModelSpec
from mscnn.config.segments import Segments
from mscnn.data.protocols import Fold
from mscnn.data.segments import Spans, segment
from mscnn.models.inputs import Sizes
from mscnn.training.examples import Examples, Stream
from mscnn.training.normalise import Normalisers
from mscnn.training.sources import Recordings, Sources, TextOptions

if TYPE_CHECKING:
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    Tokens = Vocabulary | Subwords


@dataclass(frozen=True)
class Splits:
    """The splits of a fold, sizes for the model, and vocabulary and statistics of the training split.

    Attributes:
        embedding: vectors (tokens, D) of the ``vocabulary``; both are None for systems without text.
        statistics: statistics of normalisation, by the names in the file of weights.
    """

    train: Examples
    dev: Examples
    test: Examples
    sizes: Sizes
    embedding: np.ndarray | None
    statistics: dict[str, np.ndarray]
    vocabulary: Tokens | None


def make_splits(
    spec: ModelSpec, sources: Sources, fold: Fold, classes: Sequence[str], *, cache: Path, seed: int
) -> Splits:
    """Input of a system for the splits of a fold; the test split has no labels.

    Args:
        cache: folder of the cache of word vectors.
        seed: seed of the word vectors.
    """
    vocabulary, embedding = None, None
    if spec.text:
        texts = sources.texts()
        vocabulary, embedding = _learn_vocabulary([texts[utt] for utt in fold.train], sources.text, cache, seed)
    train = read_examples(spec, sources, fold.train, vocabulary, classes=sources.data.emo)
    dev, test = (read_examples(spec, sources, utts, vocabulary) for utts in (fold.dev, fold.test))
    normalisers = Normalisers(spec)
    normalisers.fit(train)
    for split in (train, dev, test):
        normalisers.apply(split)
    index = {name: k for k, name in enumerate(classes)}
    for split in (train, dev):
        split.labels = np.array([index[sources.data.emo[utt]] for utt in split.utts])
    sizes = make_sizes(spec, len(classes), sources, train, None if embedding is None else embedding.shape)
    return Splits(train, dev, test, sizes, embedding, normalisers.statistics, vocabulary)


def read_examples(
    spec: ModelSpec,
    sources: Recordings,
    utts: Sequence[str],
    vocabulary: Tokens | None,
    *,
    classes: Mapping[str, str] | None = None,
) -> Examples:
    """Input of a system for utterances, before normalisation and without labels.

    ``classes``: class of each utterance, for the segmentation of training; None: the segmentation is that of test.
    """
    examples, limits = Examples(utts), models.limits(spec)
    if spec.features:
        _add_streams(examples, spec, sources, limits.max_frames, classes)
    if vocabulary is not None:
        texts = sources.texts()
        examples.tokens = [vocabulary.encode(texts[utt], limits.max_tokens) for utt in utts]
    if spec.xvector:
        examples.xvectors = sources.vectors(utts)
    return examples


def make_sizes(
    spec: ModelSpec, classes: int, sources: Recordings, examples: Examples, embedding: Sequence[int] | None
) -> Sizes:
    """Sizes for the model; ``embedding`` is the number of tokens and the dimension of word vectors."""
    sizes: dict[str, int] = {}
    if spec.audio:
        sizes["audio"] = sources.features["audio"].dim
    if embedding is not None:
        sizes["vocabulary"], sizes["embedding"] = embedding
    if examples.xvectors is not None:
        sizes["xvector"] = examples.xvectors.shape[1]
    return Sizes(classes, extra={name: sources.features[name].dim for name in spec.extra}, **sizes)


def _add_streams(
    examples: Examples,
    spec: ModelSpec,
    sources: Recordings,
    max_frames: int | None,
    classes: Mapping[str, str] | None,
) -> None:
    """Add the features, and the frames of each example in them."""
    spans, segments = None, spec.segments
    for name, source in sources.features.items():
        flat, offsets = source.read_all(examples.utts)
        lengths = np.diff(offsets)
        if name == "audio" and segments and segments.pad_first:
            flat, offsets = _padded(flat, offsets, segments.frames)
            lengths = np.diff(offsets)
        if name == "audio" and max_frames:
            lengths = np.minimum(lengths, max_frames)
        if name == "audio" and segments:
            known = None if classes is None else [classes[utt] for utt in examples.utts]
            spans = segment(segments, lengths, train=classes is not None, classes=known)
            examples.utterance, examples.segments = spans.utterance, segments
        if spans is None or segments is None:
            examples.streams[name] = Stream(flat, offsets[:-1], lengths)
        else:
            examples.streams[name] = _segmented(name, flat, offsets[:-1], lengths, spans, segments)


def _padded(flat: np.ndarray, offsets: np.ndarray, min_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames and offsets of utterances zero-padded to at least ``min_frames`` frames."""
    lengths = np.maximum(np.diff(offsets), min_frames)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    padded = np.zeros((ends[-1], flat.shape[1]), flat.dtype)
    for start, old, new in zip(offsets[:-1], offsets[1:], ends[:-1], strict=True):
        padded[new : new + old - start] = flat[start:old]
    return padded, ends


def _segmented(
    name: str, flat: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, spans: Spans, segments: Segments
) -> Stream:
    """Frames of a feature for each segment of the audio: a segment of its own length, or the whole utterance."""
    starts, totals = offsets[spans.utterance], lengths[spans.utterance]
    if name == "audio":
        return Stream(flat, starts + spans.starts, spans.lengths)
    if name not in segments.streams:
        return Stream(flat, starts, totals)
    frames = segments.streams[name]
    first = np.minimum(spans.starts * frames // segments.frames, totals - 1)
    return Stream(flat, starts + first, np.minimum(frames, totals - first))


def _learn_vocabulary(texts: list[str], options: TextOptions, cache: Path, seed: int) -> tuple[Tokens, np.ndarray]:
    """Vocabulary (or sentencepiece model) of the transcripts of the training split, and word vectors (tokens, D)."""
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
