"""Prosody: functionals and loudness equal openSMILE's, F0 and voicing of the substitute are close to openSMILE's."""

import sys
from pathlib import Path

import numpy as np

from mscnn.features import prosody
from mscnn.features.config import Feature
from tests.raises import fails
from tests.unit.features.synthetic import RATE, voice

REFERENCE = np.loadtxt(Path(__file__).parent / "data" / "opensmile_prosody35.txt")


def test_substitute_is_near_opensmile():
    features = Feature.load("prosody35").extractor(voice(2.0))
    assert features.shape == (1, 35)
    f0, semitones, voicing, hnr, loudness = features.reshape(5, 7)
    np.testing.assert_allclose(loudness, REFERENCE[4], rtol=3e-3, atol=1e-5)
    np.testing.assert_allclose(f0, REFERENCE[0], rtol=0.05)
    np.testing.assert_allclose(semitones, REFERENCE[1], rtol=0.05)
    np.testing.assert_allclose(hnr[[1, 4, 5]], REFERENCE[3][[1, 4, 5]], atol=1.0)  # dB
    assert 0.5 < voicing[1] <= 1


def test_opensmile_itself():
    features = Feature.load("prosody35_opensmile").extractor(voice(2.0))
    np.testing.assert_allclose(features.reshape(5, 7), REFERENCE, rtol=1e-3, atol=1e-5)
    assert np.isfinite(Feature.load("prosody35_opensmile").extractor(np.zeros(10, np.float32))).all()


def test_functionals_by_hand():
    x = np.array([1.0, 2.0, 4.0, 5.0])
    expected = [np.sqrt(2.5), 3, 1.4, (2 + 8 + 15) / 12 / 4, 1.3, 4.7, 3.4]
    np.testing.assert_allclose(prosody.functionals(x), expected)
    np.testing.assert_array_equal(prosody.functionals(x[:0]), np.zeros(7))
    np.testing.assert_allclose(prosody.functionals(x[:1]), [0, 1, 0, 0, 1, 1, 0])


def test_contour_of_a_glide_and_of_noise():
    time = np.arange(2 * RATE) / RATE
    saw = (np.cumsum(150 + 50 * time) / RATE % 1 - 0.5).astype(np.float32) * 0.5
    f0, semitones, voicing, hnr = prosody.voice(saw, RATE)
    frames = np.arange(len(f0)) * 0.01 + 0.0275  # s, centres of frames
    voiced = f0 > 0
    assert voiced.mean() > 0.95
    np.testing.assert_allclose(f0[voiced], (150 + 50 * frames)[voiced], rtol=0.03)
    np.testing.assert_allclose(semitones[voiced], 12 * np.log2(f0[voiced] / 27.5))
    assert np.median(hnr[voiced]) > 8 and voicing.max() <= 1
    faint = prosody.voice(saw * 1e-3, RATE)
    assert all(np.abs(contour).max() == 0 for contour in faint)  # too quiet: unvoiced
    assert not Feature.load("prosody35").extractor(saw * 1e-3)[0, :28].any()


def test_loudness_grows_with_the_power_of_two_thirds():
    quiet, loud = prosody.loudness(voice() / 10, RATE), prosody.loudness(voice(), RATE)
    np.testing.assert_allclose(loud, quiet * 100**0.33, rtol=1e-3)


def test_missing_package_names_the_substitute(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with fails("package-missing", "opensmile", "mscnn[opensmile]", "backend=substitute"):
        Feature.load("prosody35_opensmile").extractor.check()
    Feature.load("prosody35").extractor.check()
    with fails("config-value", "backend", "praat", "opensmile", "substitute"):
        Feature.load("prosody35", ["backend=praat"])
