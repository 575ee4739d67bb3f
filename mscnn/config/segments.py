"""Segmentation rule of a system: ``segments:`` in ``conf/models``; mscnn.data.segments applies it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mscnn.config.schema import Count, CountOr0


@dataclass(frozen=True)
class Segments:
    """How utterances are segmented, and how scores of segments are aggregated to those of utterances.

    Attributes:
        frames: length of a segment.
        short: utterances shorter than a segment: ``pad`` (one segment, padded with zeros) or ``drop`` (excluded from
            train, dev and test; score lines state how many).
        hop, test_hop: frames from one segment to the next, in training and otherwise; 0: ``frames``, and ``hop``.
        long: segments of a longer utterance: ``slide`` (one every hop), ``ends`` (the first and the last) or ``first``.
        tail: frames after the last complete segment: ``pad`` (a padded segment of their own) or ``drop``.
        slide_classes: classes whose training utterances always slide (Chen et al. 2018 balance classes in this way).
        pad_first: whether statistics for normalisation are those of segments: short utterances are padded first, so
            padding counts, and a frame counts once per segment that contains it.
        relative: whether a segment of the audio feature is expressed relative to its own maximum, which is subtracted
            from all its values. Needs ``normalise.audio: none``, since statistics are those of utterances.
        aggregate: score of an utterance: mean_logits, mean_logprob, mean_posterior, max_logits or max_posterior of its
            segments.
        streams: length in a segment of the further features, in frames; those not named are of the whole utterance.
    """

    frames: Count
    short: Literal["pad", "drop"] = "pad"
    hop: CountOr0 = 0
    test_hop: CountOr0 = 0
    long: Literal["slide", "ends", "first"] = "slide"
    tail: Literal["pad", "drop"] = "pad"
    slide_classes: tuple[str, ...] = ()
    pad_first: bool = False
    relative: bool = False
    aggregate: Literal["mean_logits", "mean_logprob", "mean_posterior", "max_logits", "max_posterior"] = "mean_logprob"
    streams: Mapping[str, Count] = field(default_factory=dict)
