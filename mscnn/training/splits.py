"""Train, dev and test split of a fold as input of a network: normalised examples, without labels of the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.config.segments import Segments
from mscnn.data.protocols import Fold
from mscnn.data.segments import Spans, segment
from mscnn.features.store import Frames
from mscnn.models.inputs import Sizes
from mscnn.training.examples import Examples, Stream, TokenIds
from mscnn.training.normalise import Normalisers
from mscnn.training.sources import Recordings, Sources
from mscnn.training.words import Words, learn_words

if TYPE_CHECKING:
    from mscnn.training.words import Tokens


@dataclass(frozen=True)
class Splits:
    """The splits of a fold, sizes for the model, and words and statistics of the training split.

    Attributes:
        statistics: statistics of normalisation, by the names in the file of weights.
        words: vocabulary and word vectors; None for systems without text.
    """

    train: Examples
    dev: Examples
    test: Examples
    sizes: Sizes
    statistics: dict[str, np.ndarray]
    words: Words | None


def make_splits(
    spec: ModelSpec, sources: Sources, fold: Fold, classes: Sequence[str], *, cache: Path, seed: int
) -> Splits:
    """Input of a system for the splits of a fold; the test split has no labels.

    Args:
        cache: folder of the cache of word vectors.
        seed: seed of the word vectors.
    """
    words = learn_words(sources, fold, cache, seed) if spec.words else None
    vocabulary = words.vocabulary if words else None
    train = read_examples(spec, sources, fold.train, vocabulary, classes=sources.data.emo)
    dev, test = (read_examples(spec, sources, utts, vocabulary) for utts in (fold.dev, fold.test))
    normalisers = Normalisers(spec)
    normalisers.fit(train)
    for split in (train, dev, test):
        normalisers.apply(split)
    index = {name: k for k, name in enumerate(classes)}
    for split in (train, dev):
        split.labels = np.array([index[sources.data.emo[utt]] for utt in split.utts])
    sizes = make_sizes(spec, len(classes), sources, train, words.embedding.shape if words else None)
    return Splits(train, dev, test, sizes, normalisers.statistics, words)


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
        examples.tokens = TokenIds.of(vocabulary.encode(texts[utt], limits.max_tokens) for utt in utts)
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
        frames = source.select(examples.utts)
        if name == "audio" and segments and segments.pad_first:
            frames = frames.padded(segments.frames)
        lengths = np.minimum(frames.lengths, max_frames) if name == "audio" and max_frames else frames.lengths
        if name == "audio" and segments:
            known = None if classes is None else [classes[utt] for utt in examples.utts]
            spans = segment(segments, lengths, train=classes is not None, classes=known)
            examples.utterance, examples.segments = spans.utterance, segments
        if spans is None or segments is None:
            examples.streams[name] = Stream.whole(frames, lengths)
        else:
            examples.streams[name] = _segmented(name, frames, lengths, spans, segments)


def _segmented(name: str, frames: Frames, lengths: np.ndarray, spans: Spans, segments: Segments) -> Stream:
    """Frames of a feature for each segment of the audio: a segment of its own length, or the whole utterance."""
    if name == "audio":
        return Stream(frames, spans.utterance, spans.starts, spans.lengths, segments.relative)
    totals = lengths[spans.utterance]
    if name not in segments.streams:
        return Stream(frames, spans.utterance, np.zeros_like(totals), totals)
    size = segments.streams[name]
    first = np.minimum(spans.starts * size // segments.frames, totals - 1)
    return Stream(frames, spans.utterance, first, np.minimum(size, totals - first))
