"""Modulation spectrogram: a modulated tone excites its own auditory band and its own modulation band."""

import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.features.config import Feature

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
    found = modulation(tone)
    assert found.shape == (200, 288)
    power = found.T.reshape(9, 32, 200)[:, :, 100:].var(axis=2)
    assert power.sum(axis=1).argmax() == band
    assert power[band].argmax() == np.abs(modulation.centres() - 1000).argmin()


def test_low_pass_is_the_level(modulation):
    tone = 0.3 * np.sin(2 * np.pi * modulation.centres()[15] * np.arange(2 * RATE) / RATE)
    found = modulation(tone.astype(np.float32)).T.reshape(9, 32, -1)[:, 15, -1]
    assert found[0] == pytest.approx(0.3, rel=0.02) and np.abs(found[1:]).max() < 0.01


def test_rates_that_do_not_divide():
    with pytest.raises(UserError, match="frame_rate a divisor"):
        Feature.load("modulation", ["frame_rate=90"])
