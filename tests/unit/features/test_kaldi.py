"""Mel bands and cepstra of Kaldi and HTK compared with values of openSMILE and with direct formulas."""

from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np
import pytest

from mscnn.features.config import Feature
from mscnn.features.dsp import add_deltas
from tests.raises import fails
from tests.unit.features.synthetic import RATE, voice

DATA = Path(__file__).parent / "data"


def powers(samples, preemphasis, bands):
    """Power in mel bands of Hamming frames, by a loop over frames, bands and bins: (T, bands)."""
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 399)
    mel = 1127 * np.log(1 + np.arange(257) * RATE / 512 / 700)
    corners = np.linspace(0, 1127 * np.log(1 + 8000 / 700), bands + 2)
    rows = []
    for start in range(0, len(samples) - 399, 160):
        frame = samples[start : start + 400].astype(float)
        frame = np.concatenate([[frame[0] * (1 - preemphasis)], frame[1:] - preemphasis * frame[:-1]])
        power = np.abs(np.fft.rfft(frame * hamming, 512)) ** 2
        row = np.zeros(bands)
        for b in range(bands):
            left, centre, right = corners[b : b + 3]
            for k in range(257):
                row[b] += power[k] * max(min((mel[k] - left) / (centre - left), (right - mel[k]) / (right - centre)), 0)
        rows.append(row)
    return np.array(rows)


def test_mfcc39_equals_opensmile():
    rows = np.loadtxt(DATA / "opensmile_mfcc39.txt")
    features = Feature.load("mfcc39").extractor(voice(1.0))
    assert features.shape == (98, 39)
    features = features[rows[:, 0].astype(int)]
    features[-2:, 26:] = rows[-2:, 27:]  # openSMILE's second slope of the last two frames is not a regression
    np.testing.assert_allclose(features, rows[:, 1:], atol=5e-4)


def test_mfcc39_from_first_principles():
    """HTK's formulas: log of power of at least 1, DCT, lifter 22, energy of the frame before pre-emphasis."""
    samples = 32768 * voice(1.0)[:2000]
    logs = np.log(np.maximum(powers(samples, 0.97, 26), 1))
    n = np.arange(1, 13)[:, None]
    dct = np.sqrt(2 / 26) * np.cos(np.pi * n / 26 * (np.arange(26) + 0.5)) * (1 + 11 * np.sin(np.pi * n / 22))
    energy = [np.log((samples[t : t + 400].astype(float) ** 2).sum()) for t in range(0, 1601, 160)]
    features = Feature.load("mfcc39").extractor(samples / np.float32(32768))
    np.testing.assert_allclose(features[:, :12], logs @ dct.T, atol=1e-3)
    np.testing.assert_allclose(features[:, 12], energy, atol=1e-5)
    np.testing.assert_allclose(features, add_deltas(features[:, :13], 2, 2), atol=1e-5)


def test_power_and_energy_below_one_count_as_one():
    faint = np.zeros(400, np.float32)
    faint[200] = 1 / 32768
    features = Feature.load("mfcc39").extractor(faint)[0]
    assert features[12] == 0 and np.abs(Feature.load("mfcc39").extractor(0 * faint)).max() == 0


def test_logmel3d_from_first_principles():
    samples = voice(1.0)[:2000]
    features = Feature.load("logmel3d").extractor(samples)
    scaled = (samples - samples.mean()) / samples.std()
    assert features.shape == (11, 120)
    np.testing.assert_allclose(features[:, :40], np.log(powers(scaled, 0, 40)), atol=2e-3)
    np.testing.assert_allclose(features, add_deltas(features[:, :40], 2, 2), atol=1e-5)
    np.testing.assert_allclose(Feature.load("logmel3d").extractor(0.1 * samples + 0.2), features, atol=2e-2)


def by_kaldi(options, feature, samples):
    """Static features (T, D) of the package, of samples that are not shorter than a frame."""
    frame, mel, one = options.frame_opts, options.mel_opts, feature.extractor
    frame.dither, frame.window_type, frame.preemph_coeff = 0, one.window, one.preemphasis
    frame.remove_dc_offset = one.remove_dc
    mel.num_bins, mel.low_freq, mel.high_freq = one.n_mels, one.low_hz, one.high_hz
    computer = knf.OnlineMfcc(options) if isinstance(options, knf.MfccOptions) else knf.OnlineFbank(options)
    computer.accept_waveform(RATE, np.pad(samples, (0, max(400 - len(samples), 0))))
    computer.input_finished()
    return np.stack([computer.get_frame(t) for t in range(computer.num_frames_ready)])


SIGNALS = {
    "voice": voice(1.0),
    "faint": np.round(6 * voice(1.0)) / 32768,
    "silence": np.zeros(RATE, np.float32),
    "noise": np.clip(np.random.default_rng(0).standard_normal(RATE), -1, 32767 / 32768).astype(np.float32),
}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("change", [[], ["window=povey", "remove_dc=false"], ["window=hanning", "preemphasis=0"]])
@pytest.mark.parametrize("name", ["mfcc120", "mfcc40"])
def test_mfcc_by_kaldi(name, change, signal):
    feature = Feature.load(name, change)
    options = knf.MfccOptions()
    options.num_ceps, options.use_energy = 40, feature.extractor.use_energy
    for length in (100, 399, 400, 559, 560, 561, RATE):
        samples = np.round(32768 * SIGNALS[signal][:length])
        expected = by_kaldi(options, feature, samples)
        found = feature.extractor((samples / 32768).astype(np.float32))
        assert found.dtype == np.float32 and found.shape == (len(expected), feature.extractor.dim)
        np.testing.assert_allclose(found[:, :40], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("window", ["hamming", "sine", "rectangular", "blackman"])
def test_logmel_by_kaldi(window, signal):
    feature = Feature.load("logmel3d", ["scale=int16", f"window={window}", "low_hz=20"])
    for length in (400, 4001, RATE):
        samples = np.round(32768 * SIGNALS[signal][:length])
        found = feature.extractor((samples / 32768).astype(np.float32))
        np.testing.assert_allclose(found[:, :40], by_kaldi(knf.FbankOptions(), feature, samples), rtol=0, atol=1e-3)


def test_wrong_names():
    with fails("config-value", "window", "hammin", "hanning"):
        Feature.load("mfcc39", ["window=hammin"])
    with fails("config-value", "scale", "int8", "int16", "unit_variance"):
        Feature.load("logmel3d", ["scale=int8"])
