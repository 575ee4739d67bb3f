"""F0 and voicing are librosa's pYIN for synthetic signals and noise, at every length and where transitions are rare."""

import librosa
import numpy as np
import pytest

from mscnn.features.pyin import Grid, pyin
from tests.unit.features.synthetic import RATE, voice

GRID = Grid(RATE, 52, 620, 0.25, 880, 160)
TIME = np.arange(RATE) / RATE
NOISE = np.random.default_rng(0).standard_normal(RATE)
TONES = np.concatenate([np.sin(2 * np.pi * f * TIME[: RATE // 4]) for f in (60, 500, 60, 500)])  # jumps of 3 octaves
SIGNALS = {
    "voice": voice(1.0),
    "noise": 0.1 * NOISE,
    "voice in noise": voice(1.0) + 0.02 * NOISE,
    "glide": np.cumsum(150 + 50 * TIME) / RATE % 1 - 0.5,
    "tone": np.sin(2 * np.pi * 220 * TIME),
    "tones": TONES,
    "silence": 0 * TIME,
    "voice, then silence": np.concatenate([voice(0.5), np.zeros(RATE // 2)]),
}


def by_librosa(samples, grid):
    f0, _, voicing = librosa.pyin(
        samples,
        fmin=grid.low,
        fmax=grid.high,
        sr=grid.rate,
        frame_length=grid.length,
        hop_length=grid.hop,
        resolution=grid.step,
        center=False,
        fill_na=0.0,
    )
    return f0, voicing


@pytest.mark.parametrize("signal", SIGNALS)
def test_equals_librosa(signal):
    samples = SIGNALS[signal].astype(np.float32)
    f0, voicing = pyin(samples, GRID)
    expected = by_librosa(samples, GRID)
    np.testing.assert_allclose(f0, expected[0], rtol=1e-12)
    # a trough of which a rounding error decides has a probability of 0.01
    assert (np.abs(voicing - expected[1]) > 1e-6).sum() <= 1


@pytest.mark.parametrize("samples", [880, 881, 1039, 1040, 1041, 11111])
def test_lengths(samples):
    part = SIGNALS["voice in noise"][:samples].astype(np.float32)
    f0, voicing = pyin(part, GRID)
    expected = by_librosa(part, GRID)
    assert f0.shape == voicing.shape == (1 + (samples - 880) // 160,)
    np.testing.assert_allclose(f0, expected[0], rtol=1e-12)
    np.testing.assert_allclose(voicing, expected[1], atol=1e-6)


@pytest.mark.parametrize("grid", [Grid(8000, 80, 400, 0.5, 400, 80), Grid(RATE, 100, 300, 0.1, 1024, 256)])
def test_other_grids(grid):
    samples = SIGNALS["voice in noise"].astype(np.float32)
    np.testing.assert_allclose(pyin(samples, grid)[0], by_librosa(samples, grid)[0], rtol=1e-12)
