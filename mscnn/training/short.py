"""The shortest utterances, and the exclusion of those shorter than a segment, as some authors do."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from mscnn.config.model import ModelSpec
from mscnn.data.protocols import Fold
from mscnn.training.sources import Sources


def too_short(spec: ModelSpec, sources: Sources) -> frozenset[str]:
    """Utterances of the data that the segmentation rule excludes; empty unless it says ``segments.short: drop``.

    Features with an option ``segment`` are padded to a segment: there, the duration of the utterance counts.
    """
    rule, data = spec.segments, sources.data
    if rule is None or rule.short != "drop":
        return frozenset()
    features = sources.features["audio"]
    samples, rate = features.options.get("segment"), features.options.get("rate")
    if isinstance(samples, int) and isinstance(rate, int):
        return frozenset(utt for utt in data.utts if round(data.dur[utt] * rate) < samples)
    utts = data.utts
    return frozenset(utts[i] for i in np.flatnonzero(features.lengths(utts) < rule.frames))


def exclude(folds: Sequence[Fold], utts: Collection[str]) -> list[Fold]:
    """The folds without some utterances."""

    def kept(part: Sequence[str]) -> tuple[str, ...]:
        return tuple(utt for utt in part if utt not in utts)

    return [Fold(fold.index, kept(fold.train), kept(fold.dev), kept(fold.test)) for fold in folds]


def shortest(spec: ModelSpec, sources: Sources) -> list[str]:
    """The utterance with the fewest frames, and of those that fill a segment, the shortest; the first without audio."""
    excluded = too_short(spec, sources)
    utts = [utt for utt in sources.data.utts if utt not in excluded]
    if not spec.audio:
        return utts[:1]
    lengths = sources.features["audio"].lengths(utts)
    whole = np.flatnonzero(lengths >= spec.segments.frames) if spec.segments else lengths[:0]
    chosen = [int(lengths.argmin()), *(int(i) for i in whole[np.argsort(lengths[whole], kind="stable")][:1])]
    return [utts[i] for i in dict.fromkeys(chosen)]
