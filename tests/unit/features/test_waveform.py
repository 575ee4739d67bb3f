"""Samples as features."""

import numpy as np

from mscnn.features.config import Feature
from tests.unit.features.synthetic import voice


def test_samples_as_they_are_or_emphasised():
    raw, emphasised = Feature.load("raw16k").extractor, Feature.load("raw16k_preemphasis").extractor
    assert raw.frame_shift == 1 / 16000 and raw.dim == 1
    np.testing.assert_array_equal(raw(voice())[:, 0], voice())
    found, x = emphasised(voice()), voice().astype(float)
    assert found.dtype == np.float32 and found[0, 0] == voice()[0]
    np.testing.assert_allclose(found[1:, 0], x[1:] - 0.97 * x[:-1], atol=1e-7)
