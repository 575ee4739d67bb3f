"""A voice made of formulas, the same on every machine: what other programs made of it is in data/."""

import numpy as np
from scipy.signal import lfilter

RATE = 16000
FORMANTS = ((700, 130), (1220, 110), (2600, 160))  # Hz: frequency, bandwidth


def voice(seconds=1.0):
    """Two vowels, F0 from 120 to 180 Hz, with 0.1 s of faint noise between them; 16-bit values as float32."""
    n = round(seconds * RATE)
    time = np.arange(n) / RATE
    phase = np.cumsum(120 + 60 * time / seconds) / RATE
    noise = ((np.arange(n) * 7919 + 13) % 10007) / 10007 - 0.5
    sound = (np.floor(phase) > np.floor(np.roll(phase, 1))) + 0.002 * noise
    sound[abs(time - 0.5 * seconds) < 0.05] = 0
    for hertz, width in FORMANTS:
        radius = np.exp(-np.pi * width / RATE)
        sound = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2], sound)
    sound = 0.5 * sound / np.abs(sound).max() + 0.001 * noise
    return (np.rint(sound * 32768) / 32768).astype(np.float32)
