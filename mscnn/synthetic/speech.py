"""How invented speakers act: an emotion is an arousal and a valence, and these change the voice."""

from __future__ import annotations

import math
import random

import numpy as np

from mscnn.synthetic.espeak import Espeak

RATE = 16000  # Hz

# label -> (arousal, valence) of the speaking style, -1 to 1
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


def act(
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
    """Speak a text: aroused means faster, higher and livelier; valence shows in pitch only, and weakly.

    Args:
        voice: as :meth:`Espeak.say` takes it.
        pitch: usual pitch of the speaker, 0 to 100.
        rate: usual rate in words per minute.
        tract: what frequencies are multiplied with, as a shorter or longer vocal tract would.

    Returns:
        (samples,) float64 at ``RATE``.
    """
    import soxr

    sound = espeak.say(
        text,
        voice,
        rate=round(rate * math.exp(0.12 * arousal + rng.gauss(0, 0.05))),
        pitch=_percent(pitch + 14 * arousal + 3 * valence + rng.gauss(0, 4)),
        pitch_range=_percent(50 + 15 * arousal + 12 * valence + rng.gauss(0, 8)),
        wordgap=max(0, round(-1.5 * arousal - 0.5 * valence)),
    )
    return soxr.resample(sound / 32768.0, espeak.rate * tract, RATE, quality="HQ")


def shape(sound: np.ndarray, tilt: float, limit: float, level: float) -> None:
    """Change the slope of the spectrum by ``tilt`` (-``limit`` to ``limit``), as vocal effort does, and the level.

    ``level`` is in dB below full scale. Works in place.
    """
    sound[1:] -= max(-limit, min(limit, tilt)) * sound[:-1]
    sound *= min(10 ** (level / 20) / math.sqrt(np.mean(sound**2)), 0.95 / np.abs(sound).max())


def _percent(value: float) -> int:
    return max(0, min(100, round(value)))
