"""The cepstra are librosa's, bit by bit, for the options of every feature and for others; librosa is not imported."""

import subprocess
import sys

import librosa
import numpy as np
import pytest

from mscnn.features import cepstra
from mscnn.features.config import Feature
from mscnn.features.mfcc import Mfcc
from mscnn.paths import names
from tests.conftest import ROOT

MFCC = [name for name in names("features") if issubclass(type(Feature.load(name).extractor), Mfcc)]
KEYS = ("n_mfcc", "n_mels", "n_fft", "win_length", "hop_length", "window", "center")
pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large", "ignore:Empty filters")


def noise(samples, dtype=np.float32):
    rng = np.random.default_rng(samples)
    return (0.2 * rng.standard_normal(samples) * np.linspace(0, 1, samples)).astype(dtype)


def equal(options, rate, htk, samples):
    expected = librosa.feature.mfcc(y=samples, sr=rate, htk=htk, **options)
    got = cepstra.mfcc(samples, rate=rate, htk=htk, **options)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", MFCC)
def test_features_of_the_repository(name):
    one = Feature.load(name).extractor
    options = {key: getattr(one, key) for key in KEYS}
    for samples in (1, 100, 1281, 2048, 16000, 70001):
        equal(options, one.rate, name.endswith("htk"), noise(samples))
    equal(options, one.rate, False, np.zeros(5000, np.float32))


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "boxcar"])
@pytest.mark.parametrize("n_fft, win_length, hop_length", [(512, 400, 160), (511, 400, 99), (1024, 1024, 1024)])
@pytest.mark.parametrize("center", [False, True])
def test_other_options(htk, window, n_fft, win_length, hop_length, center):
    options = dict(zip(KEYS, (13, 40, n_fft, win_length, hop_length, window, center), strict=True))
    for dtype in (np.float32, np.float64):
        for rate, samples in ((8000, 1024), (16000, 12345), (44100, 50000)):
            equal(options, rate, htk, noise(samples, dtype))


def test_librosa_is_not_imported():
    code = (
        "import sys, numpy; from mscnn.features.config import Feature; "
        "assert Feature.load('mfcc96').extractor(numpy.ones(9000, 'f4')).shape == (57, 96); "
        "print([name for name in ('librosa', 'numba', 'sklearn') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
