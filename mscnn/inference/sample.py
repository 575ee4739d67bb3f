"""A synthetic sound like a vowel, for self-tests: recordings of a corpus often must not be passed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mscnn.audio.pcm import pcm16, write_wav

RATE, SECONDS = 16000, 2.0
FORMANTS = ((700, 90), (1220, 110), (2600, 160))  # Hz: centre and bandwidth of a vowel


def write_synthetic(path: Path) -> None:
    """Write two seconds of a vowel with falling pitch, 16 kHz, mono, 16 bits; the same bytes every time."""
    from scipy.signal import lfilter

    t = np.arange(round(RATE * SECONDS)) / RATE
    phase = np.cumsum(220 - 40 * t) / RATE
    source = np.diff(np.floor(phase), prepend=0) + 1e-3 * np.random.default_rng(0).standard_normal(len(t))
    for centre, width in FORMANTS:
        radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * centre / RATE
        source = lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], source)
    envelope = np.clip(np.minimum(t, SECONDS - t) / 0.2, 0, 1) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))
    samples = source * envelope
    write_wav(path, pcm16(0.5 * samples / np.abs(samples).max()), RATE)
