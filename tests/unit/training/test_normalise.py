"""Normalisers: statistics of the training split, applied to any split, saved and restored."""

import numpy as np
import pytest
import torch

from mscnn.config.model import ModelSpec
from mscnn.features.store import Frames
from mscnn.training.examples import Examples, Stream
from mscnn.training.normalise import FEATURES, XVECTORS, MinMax, Normalisers, VectorLength, ZScore, whole


def rows(seed: int, n: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 3, (n, 4)).astype(np.float32)


def test_zscore_of_weighted_rows():
    train, counts = rows(0), np.arange(40) % 3
    often, once = ZScore(), ZScore()
    often.fit(whole(train, counts))
    once.fit(whole(np.repeat(train, counts, axis=0)))
    for name in ZScore.names:
        np.testing.assert_allclose(often.statistics[name], once.statistics[name], rtol=1e-5)
    train = once.apply(np.repeat(train, counts, axis=0))
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)


def test_minmax_clips_values_outside_the_range_of_training():
    minmax, train = MinMax(), rows(0)
    minmax.fit(whole(train))
    low, high = train.min(axis=0), train.max(axis=0)
    np.testing.assert_allclose(minmax.apply(np.stack([low - 1, low, high, high + 1])), [[0] * 4] * 2 + [[1] * 4] * 2)


def test_length_equals_kaldis_and_keeps_the_precision():
    vectors = VectorLength().apply(rows(1))
    np.testing.assert_allclose((vectors**2).sum(axis=1), 4, rtol=1e-5)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("kind", [*FEATURES.values(), *XVECTORS.values()])
def test_features_are_normalised_in_place(kind):
    normaliser, given = kind(), rows(2)
    normaliser.fit(whole(rows(0)))
    normalised = normaliser.apply(given)
    assert normalised.dtype == np.float32
    assert kind is VectorLength or normalised is given
    assert {*normaliser.statistics} == {*kind.names}


def examples_of(seed: int) -> Examples:
    streams = {"audio": Frames.of([rows(seed, 20)] * 2), "prosody": Frames.of([rows(seed + 1, 1)] * 2)}
    return Examples(["a", "b"], {k: Stream.whole(v) for k, v in streams.items()}, xvectors=rows(seed + 2, 2))


def test_normalisers_are_restored_from_saved_statistics():
    spec = ModelSpec.load("mha2", ["normalise.prosody=zscore", "normalise.audio=minmax"])
    fitted, restored = Normalisers(spec), Normalisers(spec)
    fitted.fit(examples_of(0))
    assert {*fitted.statistics} == {"audio.min", "audio.max", "prosody.mean", "prosody.std"}
    restored.restore({**fitted.statistics, "head.weight": rows(9)})
    one, other = examples_of(5), examples_of(5)
    fitted.apply(one)
    restored.apply(other)
    batches = [examples.batch([0, 1]) for examples in (one, other, examples_of(5))]
    for first, second, plain in ([b.audio for b in batches], [b.extra["prosody"] for b in batches]):
        assert torch.equal(first, second) and not torch.equal(first, plain)
    with pytest.raises(KeyError, match="prosody.std"):
        restored.restore({k: v for k, v in fitted.statistics.items() if k != "prosody.std"})
