"""MFCC against plain librosa calls and against the formula of the derivative."""

import librosa
import numpy as np
import pytest

from mscnn.features.config import Feature


@pytest.fixture(scope="module")
def mfcc():
    return Feature.load("mfcc96").extractor


def speech(samples, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(samples) * np.hanning(samples)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")  # of the plain call
@pytest.mark.parametrize("samples", [16000, 40001, 1281])
def test_equals_plain_librosa(mfcc, samples):
    y = speech(samples)
    static = librosa.feature.mfcc(
        y=y, sr=16000, n_mfcc=32, n_fft=2048, win_length=400, hop_length=160, window="hamming", center=True
    )
    expected = np.concatenate([static, librosa.feature.delta(static), librosa.feature.delta(static, order=2)]).T
    features = mfcc(y)
    assert features.dtype == np.float32 and features.shape == (1 + samples // 160, mfcc.dim) == (1 + samples // 160, 96)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-3)


def test_static_part_from_first_principles(mfcc):
    """One frame by numpy alone: windowed DFT, Slaney mel bands, decibels, orthonormal DCT-II."""
    y, t = speech(16000), 50
    window = np.zeros(2048)
    window[824:1224] = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(window * y[t * 160 - 1024 : t * 160 + 1024])) ** 2
    decibels = 10 * np.log10(np.maximum(librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128) @ power, 1e-10))
    k, n = np.arange(32)[:, None], np.arange(128)
    dct = np.sqrt(2 / 128) * np.cos(np.pi * k * (2 * n + 1) / 256)
    dct[0] /= np.sqrt(2)
    np.testing.assert_allclose(mfcc(y)[t, :32], dct @ decibels, atol=2e-3)


def test_first_derivative_is_the_regression_slope(mfcc):
    features = mfcc(speech(16000))
    taps = np.arange(-4, 5)
    slope = taps @ features[46:55, :32] / (taps @ taps)
    np.testing.assert_allclose(features[50, 32:64], slope, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 159, 160, 700, 1279])
def test_very_short_repeats_the_edge_frames(mfcc, samples, recwarn):
    features = mfcc(speech(samples + 2)[1:-1])
    assert features.shape == (1 + samples // 160, 96) and len(features) < mfcc.min_frames == 9
    assert np.isfinite(features).all() and not recwarn.list
    edge = np.pad(features[:, :32], ((4, 4), (0, 0)), mode="edge")
    taps = np.arange(-4, 5)
    expected = [taps @ edge[t : t + 9] / (taps @ taps) for t in range(len(features))]
    np.testing.assert_allclose(features[:, 32:64], expected, atol=1e-3)


def test_silence_gives_finite_numbers(mfcc):
    features = mfcc(np.zeros(16000, np.float32))
    assert np.isfinite(features).all() and np.ptp(features[:, 0]) == 0


def test_camser_by_plain_librosa():
    y = speech(16000)
    emphasised = librosa.effects.preemphasis(y, zi=[0.0])
    expected = librosa.feature.mfcc(y=emphasised, sr=16000, n_mfcc=40, hop_length=160, htk=True).T
    features = Feature.load("mfcc40_htk").extractor(y)
    assert features.shape == (101, 40)
    np.testing.assert_allclose(features, expected, atol=1e-3)


def test_glam_by_plain_librosa():
    """librosa's defaults except for the number of cepstra, 1.8 s."""
    y = speech(28800)
    expected = librosa.feature.mfcc(y=y, sr=16000, n_mfcc=26).T
    np.testing.assert_allclose(Feature.load("mfcc26_seg18").extractor(y), expected, atol=1e-4)
