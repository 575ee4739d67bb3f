"""Modulation spectrogram: a modulated tone excites its own auditory band and its own modulation band."""

import numpy as np
import pytest

from mscnn.features.config import Feature
from tests.raises import fails

RATE = 16000


@pytest.fixture(scope="module")
def modulation():
    return Feature.load("modulation").extractor


def test_centres_are_equally_spaced_on_the_erb_scale(modulation):
    centres = modulation.centres()
    assert len(centres) == 32 and centres[0] == pytest.approx(80) and centres[-1] == pytest.approx(7000)
    np.testing.assert_allclose(np.diff(21.4 * np.log10(1 + 0.00437 * centres), 2), 0, atol=1e-9)


@pytest.mark.parametrize(("hertz", "band"), [(1, 0), (3.7, 2), (8, 4), (18, 6), (40, 8)])
def test_tone_of_known_modulation(modulation, hertz, band):
    time = np.arange(2 * RATE) / RATE
    tone = (0.5 * (1 + np.sin(2 * np.pi * hertz * time)) * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    features = modulation(tone)
    assert features.shape == (200, 288)
    power = features.T.reshape(9, 32, 200)[:, :, 100:].var(axis=2)
    assert power.sum(axis=1).argmax() == band
    assert power[band].argmax() == np.abs(modulation.centres() - 1000).argmin()


@pytest.mark.parametrize("centre", [80.0, 1000.0, 7000.0])
def test_gammachirps_peak_at_their_centre_with_a_flatter_lower_slope(modulation, centre):
    response = np.abs(np.fft.rfft(modulation.gammachirp(centre), 10 * RATE))  # bins of 0.1 Hz
    assert response.argmax() / 10 == pytest.approx(centre, rel=0.04)  # 80 Hz: affected by its image at -80 Hz
    assert response.max() == pytest.approx(1, abs=0.01)
    erb = 24.7 + 0.108 * centre
    below, above = (response[round(10 * (centre + side * min(2 * erb, 990)))] for side in (-1, 1))
    assert below > above  # a negative chirp: the slope towards low frequencies is flatter


def test_a_gammachirp_without_chirp_is_a_gammatone():
    """scipy's gammatone, in the frequency domain: 4th order, bandwidth 1.019 ERB."""
    from scipy.signal import freqz, gammatone

    plain = Feature.load("modulation", ["chirp=0", "bandwidth=1.019"]).extractor
    at = np.linspace(500, 2000, 31)
    expected = np.abs(freqz(*gammatone(1000, "iir", fs=RATE), worN=at, fs=RATE)[1])
    gain = np.abs(freqz(plain.gammachirp(1000.0), worN=at, fs=RATE)[1])
    np.testing.assert_allclose(gain, expected, atol=0.01)


def test_low_pass_band_follows_the_level(modulation):
    tone = 0.3 * np.sin(2 * np.pi * modulation.centres()[15] * np.arange(2 * RATE) / RATE)
    gain = modulation(tone.astype(np.float32)).T.reshape(9, 32, -1)[:, 15, -1]
    assert gain[0] == pytest.approx(0.3, rel=0.02) and np.abs(gain[1:]).max() < 0.01


def test_rates_that_do_not_divide():
    with fails("config-value", "frame_rate", 400):
        Feature.load("modulation", ["frame_rate=90"])
