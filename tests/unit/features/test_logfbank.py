"""python_speech_features: its values, and its formulas as loops."""

from pathlib import Path

import numpy as np

from mscnn.features.config import Feature
from tests.unit.features.synthetic import voice

DATA = Path(__file__).parent / "data"


def test_equals_the_package():
    rows = np.loadtxt(DATA / "python_speech_features.txt")
    features = Feature.load("logmel3d_code").extractor(voice(1.0))
    assert features.shape == (99, 120)
    np.testing.assert_allclose(features[rows[:, 0].astype(int)], rows[:, 1:], atol=1e-4)


def test_triangles_equal_the_published_loop():
    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)

    points = 700 * (10 ** (np.linspace(mel(0), mel(8000), 42) / 2595) - 1)
    corner = np.floor(513 * points / 16000)
    expected = np.zeros((40, 257))
    for j in range(40):
        for i in range(int(corner[j]), int(corner[j + 1])):
            expected[j, i] = (i - corner[j]) / (corner[j + 1] - corner[j])
        for i in range(int(corner[j + 1]), int(corner[j + 2])):
            expected[j, i] = (corner[j + 2] - i) / (corner[j + 2] - corner[j + 1])
    np.testing.assert_allclose(Feature.load("logmel3d_code").extractor.triangles(), expected, atol=1e-12)


def test_silence_is_the_log_of_epsilon_and_peak_scale_is_independent_of_level():
    silent = Feature.load("logmel3d_code").extractor(np.zeros(1000, np.float32))
    np.testing.assert_allclose(silent[:, :40], np.log(np.finfo(float).eps), rtol=1e-6)
    plain, peak = Feature.load("logmel3d_code").extractor, Feature.load("logmel3d_code_peak").extractor
    np.testing.assert_allclose(peak(voice() / 4), peak(voice()), atol=1e-5)
    np.testing.assert_allclose(
        plain(voice())[:, :40] - peak(voice())[:, :40], 2 * np.log(32768 * np.abs(voice()).max()), atol=1e-3
    )
