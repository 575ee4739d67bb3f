"""Spectrograms against librosa, python_speech_features and a DFT by hand."""

from dataclasses import asdict
from pathlib import Path

import librosa
import numpy as np
import pytest

from mscnn.features.config import Feature
from mscnn.features.spectrogram import Spectrogram
from tests.raises import fails
from tests.unit.features.synthetic import voice

DATA = Path(__file__).parent / "data"


@pytest.mark.filterwarnings("ignore:n_fft=800 is too large")  # of librosa
@pytest.mark.parametrize("n", [16000, 16001, 700])
def test_camser_by_librosa(n):
    samples = voice(1.5)[:n]
    emphasised = librosa.effects.preemphasis(samples, zi=[0.0])
    spectrum = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=160, win_length=640, window="hamming"))
    expected = librosa.amplitude_to_db(spectrum, ref=np.max)[:200].T
    features = Feature.load("camser_spec").extractor(samples)
    assert features.shape == expected.shape == (1 + n // 160, 200)
    assert features.max() <= 0 and features.min() >= -80
    np.testing.assert_allclose(features, expected, atol=2e-3)


def test_segments_of_glam_by_python_speech_features():
    rows = np.loadtxt(DATA / "python_speech_features_spectrogram.txt")
    features = Feature.load("logspec400_peak").extractor(voice(2.0))
    assert features.shape == (197, 401)
    features -= features.max()
    np.testing.assert_allclose(features[rows[:, 0].astype(int), :60], rows[:, 1:], rtol=1e-5)


def hand_made(samples, window, n_fft, bins):
    """|sum x w exp(-2 pi i k t / n_fft)|² of the first frame."""
    t = np.arange(len(window))
    basis = np.exp(-2j * np.pi * np.arange(bins)[:, None] * t / n_fft)
    return np.abs(basis @ (samples[: len(window)] * window)) ** 2


def test_power_of_delta():
    samples = voice(1.0)[4000:6000].astype(float)
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    features = Feature.load("spec257").extractor(samples.astype(np.float32))
    assert features.shape == (11, 257)
    np.testing.assert_allclose(features[3], hand_made(emphasised[480:], hann, 512, 257), rtol=1e-4, atol=1e-12)


def test_log_power_up_to_4_khz():
    samples = voice(1.0)[4000:7000]
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(640) / 640)
    features = Feature.load("logspec200").extractor(samples)
    assert features.shape == (15, 200)
    np.testing.assert_allclose(features[2], 10 * np.log10(hand_made(samples[320:], hamming, 800, 200)), atol=1e-3)
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000).astype(np.float32)
    assert (Feature.load("logspec200").extractor(tone).argmax(axis=1) == 50).all()


def test_wrong_options():
    with fails("config-value", "bins", "n_fft"):
        Feature.load("spec257", ["bins=258"])
    with fails("config-value", "scale", "log", "power", "decibel"):
        Feature.load("spec257", ["scale=log"])


@pytest.mark.parametrize("n", [700, 31999, 32000, 40001])
def test_peaks_are_those_of_all_bins(n):
    """The last value is the maximum up to 8 kHz, here of a tone above the bins that are kept."""
    samples = np.sin(2 * np.pi * 3000 * np.arange(n) / 16000).astype(np.float32)
    peak = Feature.load("logspec400_peak").extractor
    everything = Spectrogram(**{k: v for k, v in (asdict(peak) | {"bins": 1600}).items() if k != "segment"})
    features, expected = peak(samples), everything(np.pad(samples, (0, max(0, 32000 - n))))
    assert len(features) == 197 + max(0, n - 32000) // 160
    np.testing.assert_array_equal(features[:, :400], expected[:, :400])
    np.testing.assert_array_equal(features[:, 400], expected.max(axis=1))
    assert features[0, 400] > features[0, :400].max() + 10
