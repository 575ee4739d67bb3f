"""Synthetic emotional speech: arousal and valence of an emotion determine the prosody."""

from __future__ import annotations

import math
import random

import numpy as np

from mscnn.synthetic.espeak import Espeak

RATE = 16000  # Hz

# label -> (arousal, valence), -1 to 1
PROSODY = {
    "ang": (1.0, -1.0),
    "fru": (0.3, -0.7),
    "exc": (1.0, 1.0),
    "hap": (0.8, 0.8),
    "sur": (1.0, 0.2),
    "neu": (-0.8, 0.5),
    "sad": (-1.0, -0.8),
    "xxx": (0.0, 0.0),
}


def synthesise(
    espeak: Espeak,
    text: str,
    voice: str,
    arousal: float,
    valence: float,
    rng: random.Random,
    *,
    pitch: float,
    rate: float,
    tract: float = 1.0,
) -> np.ndarray:
    """Synthesise a text: with arousal, rate, pitch and pitch range rise; valence affects pitch and its range, weakly.

    Args:
        voice: as in :meth:`Espeak.say`.
        pitch: mean pitch of the speaker, 0 to 100.
        rate: mean rate in words per minute.
        tract: factor of all frequencies, the effect of the vocal tract length.

    Returns:
        (samples,) float64 at ``RATE``.
    """
    import soxr

    speech = espeak.say(
        text,
        voice,
        rate=round(rate * math.exp(0.12 * arousal + rng.gauss(0, 0.05))),
        pitch=_percent(pitch + 14 * arousal + 3 * valence + rng.gauss(0, 4)),
        pitch_range=_percent(50 + 15 * arousal + 12 * valence + rng.gauss(0, 8)),
        wordgap=max(0, round(-1.5 * arousal - 0.5 * valence)),
    )
    return soxr.resample(speech / 32768.0, espeak.rate * tract, RATE, quality="HQ")


def apply_vocal_effort(speech: np.ndarray, tilt: float, limit: float, level: float) -> None:
    """Change the spectral tilt by ``tilt``, limited to -``limit`` to ``limit``, and set the level, in place.

    ``level`` is the RMS level in dB, full scale = 0.
    """
    speech[1:] -= max(-limit, min(limit, tilt)) * speech[:-1]
    speech *= min(10 ** (level / 20) / math.sqrt(np.mean(speech**2)), 0.95 / np.abs(speech).max())


def _percent(value: float) -> int:
    return max(0, min(100, round(value)))
