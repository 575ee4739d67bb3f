"""The rule by which a system segments utterances: ``segments:`` in ``conf/models``; mscnn.data.segments follows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mscnn.config.schema import Count, CountOr0


@dataclass(frozen=True)
class Segments:
    """How utterances are segmented, and how the scores of segments become those of utterances.

    Attributes:
        frames: length of a segment; a shorter utterance is one segment, padded with zeros.
        hop, test_hop: frames from one segment to the next, in training and otherwise; 0: ``frames``, and ``hop``.
        long: of longer utterances take ``slide`` (every hop), ``ends`` (the first and the last) or ``first``.
        tail: what becomes of frames after the last whole segment: ``pad`` (a segment of their own) or ``drop``.
        slide_classes: classes whose training utterances slide all the same (Chen et al. 2018 balance classes so).
        pad_first: whether features are normalised as segments: short utterances are padded before, padding counts, and
            so does a frame as often as segments hold it.
        aggregate: an utterance scores the mean_logits, mean_logprob, mean_posterior, max_logits or max_posterior of
            its segments.
        streams: frames that the further features have in a segment; those not named are of the whole utterance.
    """

    frames: Count
    hop: CountOr0 = 0
    test_hop: CountOr0 = 0
    long: Literal["slide", "ends", "first"] = "slide"
    tail: Literal["pad", "drop"] = "pad"
    slide_classes: tuple[str, ...] = ()
    pad_first: bool = False
    aggregate: Literal["mean_logits", "mean_logprob", "mean_posterior", "max_logits", "max_posterior"] = "mean_logprob"
    streams: Mapping[str, Count] = field(default_factory=dict)
