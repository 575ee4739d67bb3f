"""The three parts of a fold as a network reads them: examples, normalised, with labels where they may be known."""

from __future__ import annotations

from collections.abc import Sequence
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
from mscnn.training.sources import Sources, TextOptions
from mscnn.xvector.vectors import read_vectors

if TYPE_CHECKING:
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    Tokens = Vocabulary | Subwords


@dataclass(frozen=True)
class Parts:
    """The three parts of a fold, sizes for the model, and what was learnt from the training part.

    Attributes:
        embedding: vectors (tokens, D) of the ``vocabulary``; None, as that, where no text is read.
        statistics: what normalises features and x-vectors, by the names that are saved.
    """

    train: Examples
    dev: Examples
    test: Examples
    sizes: Sizes
    embedding: np.ndarray | None
    statistics: dict[str, np.ndarray]
    vocabulary: Tokens | None


def make_parts(
    spec: ModelSpec, sources: Sources, fold: Fold, classes: Sequence[str], *, cache: Path, seed: int
) -> Parts:
    """Read what the system takes as input and split it into train, dev and test; test comes without labels.

    Args:
        cache: folder for what is read of a file of word vectors.
        seed: of the word vectors.
    """
    vocabulary, embedding = None, None
    if spec.text:
        texts = sources.texts()
        vocabulary, embedding = _learn_vocabulary([texts[utt] for utt in fold.train], sources.text, cache, seed)
    train = read_examples(spec, sources, fold.train, vocabulary, train=True)
    dev, test = (read_examples(spec, sources, utts, vocabulary) for utts in (fold.dev, fold.test))
    normalisers = Normalisers(spec)
    normalisers.fit(train)
    for part in (train, dev, test):
        normalisers.apply(part)
    index = {name: k for k, name in enumerate(classes)}
    for part in (train, dev):
        part.labels = np.array([index[sources.data.emo[utt]] for utt in part.utts])
    sizes = make_sizes(spec, len(classes), sources, train, None if embedding is None else embedding.shape)
    return Parts(train, dev, test, sizes, embedding, normalisers.statistics, vocabulary)


def read_examples(
    spec: ModelSpec, sources: Sources, utts: Sequence[str], vocabulary: Tokens | None, *, train: bool = False
) -> Examples:
    """What the system reads of utterances, without labels; nothing is normalised yet.

    ``train`` says whether they are segmented as training utterances are.
    """
    examples, limits = Examples(utts), models.limits(spec)
    if spec.features:
        _add_streams(examples, spec, sources, limits.max_frames, train)
    if vocabulary is not None:
        texts = sources.texts()
        examples.tokens = [vocabulary.encode(texts[utt], limits.max_tokens) for utt in utts]
    if spec.xvector:
        examples.xvectors = read_vectors(sources.xvectors(), utts)
    return examples


def make_sizes(
    spec: ModelSpec, classes: int, sources: Sources, examples: Examples, embedding: Sequence[int] | None
) -> Sizes:
    """Sizes for the model; ``embedding`` is the number of tokens and the dimension of their vectors."""
    sizes: dict[str, int] = {}
    if spec.audio:
        sizes["audio"] = sources.features["audio"].dim
    if embedding is not None:
        sizes["vocabulary"], sizes["embedding"] = embedding
    if examples.xvectors is not None:
        sizes["xvector"] = examples.xvectors.shape[1]
    return Sizes(classes, extra={name: sources.features[name].dim for name in spec.extra}, **sizes)


def _add_streams(examples: Examples, spec: ModelSpec, sources: Sources, max_frames: int | None, train: bool) -> None:
    """Features, and where each example lies in them."""
    spans, segments, emo = None, spec.segments, sources.data.emo
    for name, source in sources.features.items():
        flat, offsets = source.read_all(examples.utts)
        lengths = np.diff(offsets)
        if name == "audio" and segments and segments.pad_first:
            flat, offsets = _padded(flat, offsets, segments.frames)
            lengths = np.diff(offsets)
        if name == "audio" and max_frames:
            lengths = np.minimum(lengths, max_frames)
        if name == "audio" and segments:
            classes = [emo[utt] for utt in examples.utts] if train else None
            spans = segment(segments, lengths, train=train, classes=classes)
            examples.utterance, examples.segments = spans.utterance, segments
        if spans is None or segments is None:
            examples.streams[name] = Stream(flat, offsets[:-1], lengths)
        else:
            examples.streams[name] = _segmented(name, flat, offsets[:-1], lengths, spans, segments)


def _padded(flat: np.ndarray, offsets: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames and offsets with zeros after each utterance that has fewer than ``least`` frames."""
    lengths = np.maximum(np.diff(offsets), least)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    padded = np.zeros((ends[-1], flat.shape[1]), flat.dtype)
    for start, old, new in zip(offsets[:-1], offsets[1:], ends[:-1], strict=True):
        padded[new : new + old - start] = flat[start:old]
    return padded, ends


def _segmented(
    name: str, flat: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, spans: Spans, segments: Segments
) -> Stream:
    """Where the segments of the audio lie in a feature: it may have segments of its own, or serve all of them whole."""
    starts, of = offsets[spans.utterance], lengths[spans.utterance]
    if name == "audio":
        return Stream(flat, starts + spans.starts, spans.lengths)
    if name not in segments.streams:
        return Stream(flat, starts, of)
    frames = segments.streams[name]
    first = np.minimum(spans.starts * frames // segments.frames, of - 1)
    return Stream(flat, starts + first, np.minimum(frames, of - first))


def _learn_vocabulary(texts: list[str], options: TextOptions, cache: Path, seed: int) -> tuple[Tokens, np.ndarray]:
    """Vocabulary (or sentencepiece model) of the texts of the training part, and its vectors (tokens, D)."""
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
