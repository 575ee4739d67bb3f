"""Resampling is librosa's, bit by bit, without its import."""

import librosa
import numpy as np
import pytest

from mscnn.audio.read import resampled


@pytest.mark.parametrize("native, rate", [(44100, 16000), (48000, 16000), (8000, 16000), (16000, 11025)])
@pytest.mark.parametrize("samples", [1, 2, 7, 1000, 44101])
def test_it_equals_librosa(native, rate, samples):
    wave = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    expected = librosa.resample(wave, orig_sr=native, target_sr=rate, res_type="soxr_hq")
    got = resampled(wave, native, rate)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
