"""Raw waveform as features."""

import numpy as np

from mscnn.features.config import Feature
from tests.unit.features.synthetic import voice


def test_samples_with_and_without_pre_emphasis():
    raw, emphasised = Feature.load("raw16k").extractor, Feature.load("raw16k_preemphasis").extractor
    assert raw.frame_shift == 1 / 16000 and raw.dim == 1
    np.testing.assert_array_equal(raw(voice())[:, 0], voice())
    features, x = emphasised(voice()), voice().astype(float)
    assert features.dtype == np.float32 and features[0, 0] == voice()[0]
    np.testing.assert_allclose(features[1:, 0], x[1:] - 0.97 * x[:-1], atol=1e-7)
