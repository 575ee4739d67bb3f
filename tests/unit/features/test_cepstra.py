"""MFCC are librosa's within 1e-3, for every feature, signal and length; librosa is not imported."""

import subprocess
import sys

import librosa
import numpy as np
import pytest

from mscnn.features import cepstra
from mscnn.features.config import Feature
from mscnn.features.mfcc import Mfcc, SegmentMfcc, derivative
from mscnn.paths import names
from tests.conftest import ROOT

MFCC = [name for name in names("features") if issubclass(type(Feature.load(name).extractor), Mfcc)]
KEYS = ("n_mfcc", "n_mels", "n_fft", "win_length", "hop_length", "window", "center")
TIME = np.arange(40001) / 16000
NOISE = np.random.default_rng(0).standard_normal(len(TIME))
SIGNALS = {
    "noise": 0.2 * NOISE * np.linspace(0, 1, len(TIME)),
    "faint": 1e-4 * NOISE,
    "silence": 0 * TIME,
    "constant": 1 + 0 * TIME,
    "sine": np.sin(2 * np.pi * 440.3 * TIME),  # 80 dB and more between bands
    "clipped": np.sign(np.sin(2 * np.pi * 200 * TIME)),
}
pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large", "ignore:Empty filters")


def plain(one, samples):
    """The features of an extractor by librosa alone."""
    options = {key: getattr(one, key) for key in KEYS}
    htk = hasattr(one, "preemphasis")
    y = librosa.effects.preemphasis(samples, coef=one.preemphasis, zi=[0.0]) if htk else samples
    static = librosa.feature.mfcc(y=y, sr=one.rate, htk=htk, **options)
    mode = "interp" if static.shape[1] >= one.delta_width else "nearest"
    deltas = [
        librosa.feature.delta(static, width=one.delta_width, order=order, mode=mode)
        for order in range(1, one.deltas + 1)
    ]
    return np.concatenate([static, *deltas]).T


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", MFCC)
def test_features_of_the_repository(name, signal):
    one = Feature.load(name).extractor
    for length in (1, 2, 159, 160, 161, 399, 400, 700, 1279, 1280, 1281, 2047, 2048, 2049, 9999, 40001):
        samples = SIGNALS[signal][:length].astype(np.float32)
        found = one(samples)
        if isinstance(one, SegmentMfcc):
            samples, found = np.pad(samples, (0, one.segment))[: one.segment], found[: one.segment_frames]
        expected = plain(one, samples)
        assert found.dtype == np.float32 and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "boxcar", "nuttall"])
@pytest.mark.parametrize(
    "n_fft, win_length, hop_length", [(512, 400, 160), (511, 400, 99), (1024, 1024, 1024), (1025, 301, 160)]
)
@pytest.mark.parametrize("center", [False, True])
def test_other_options(htk, window, n_fft, win_length, hop_length, center):
    options = dict(zip(KEYS, (13, 40, n_fft, win_length, hop_length, window, center), strict=True))
    for rate, samples in ((8000, 1025), (16000, 12345), (44100, 30000)):
        signal = SIGNALS["noise"][-samples:].astype(np.float32)
        expected = librosa.feature.mfcc(y=signal, sr=rate, htk=htk, **options).T
        np.testing.assert_allclose(cepstra.mfcc(signal, rate=rate, htk=htk, **options), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("width, order", [(3, 1), (5, 4), (9, 1), (9, 2), (9, 3), (51, 2)])
def test_derivatives(width, order):
    static = np.random.default_rng(1).standard_normal((60, 3)).astype(np.float32)
    for length in (1, 2, width - 1, width, width + 1, 60):
        part = static[:length]
        mode = "interp" if len(part) >= width else "nearest"
        expected = librosa.feature.delta(part, width=width, order=order, axis=0, mode=mode)
        np.testing.assert_allclose(derivative(part, width, order), expected, rtol=1e-4, atol=1e-5)


def test_heavy_packages_are_not_imported():
    code = (
        "import sys, numpy; from mscnn.features.config import Feature; "
        "names = 'mfcc96', 'mfcc120', 'prosody35', 'logspec200', 'logmel3d_code'; x = numpy.ones(9000, 'f4'); "
        "assert [len(Feature.load(name).extractor(x)) for name in names] == [57, 54, 1, 53, 55]; "
        "print([name for name in ('librosa', 'numba', 'scipy.signal', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
