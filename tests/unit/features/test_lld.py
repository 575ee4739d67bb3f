"""The 34 features: values of pyAudioAnalysis, and values known analytically."""

from pathlib import Path

import numpy as np
import pytest

from mscnn.features.config import Feature
from tests.raises import fails
from tests.unit.features.synthetic import voice

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def lld():
    return Feature.load("lld34").extractor


def test_equals_pyaudioanalysis(lld):
    rows = np.loadtxt(DATA / "pyaudioanalysis.txt")
    features = lld(voice(1.0))
    assert features.shape == (39, 34) and (lld.dim, lld.frame_shift) == (34, 0.025)
    np.testing.assert_allclose(features[rows[:, 0].astype(int)], rows[:, 1:], rtol=1e-4, atol=1e-6)


def test_a_tone(lld):
    """440 Hz at peak 1: 22 periods per frame, so 44 crossings; power 1/2; equal blocks; a single bin, number 22."""
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 16000 + 0.1).astype(np.float32)
    row = lld(0.3 * tone)[5]
    assert row[0] == pytest.approx(44 / 799, rel=0.03) and row[1] == pytest.approx(0.5, rel=1e-3)
    assert row[2] == pytest.approx(np.log2(10), rel=1e-3)
    assert row[3] == pytest.approx(23 / 400, rel=1e-3) and row[4] == pytest.approx(0, abs=1e-3)
    assert row[5] == pytest.approx(0, abs=1e-3) and row[6] == pytest.approx(0, abs=1e-6)
    assert row[7] == pytest.approx(22 / 400)
    assert row[21:33].argmax() == 0 + 1  # pyAudioAnalysis counts bins from 1: 460 Hz is A sharp


def test_frames_that_are_too_short_for_notes():
    with fails("config-value", "win_length"):
        Feature.load("lld34", ["win_length=100"])
