"""16-bit PCM: conversion of samples to integers, and WAV files."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from mscnn.files import atomic

if TYPE_CHECKING:
    import numpy as np

FULL_SCALE = 32768


def pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1) as little-endian 16-bit integers, clipped to full scale."""
    import numpy as np

    return np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")


def wav_bytes(pcm: np.ndarray, rate: int) -> bytes:
    """Content of a mono WAV file of (n,) int16 samples; ``rate`` in Hz."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, pcm, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def write_wav(path: str | os.PathLike, pcm: np.ndarray, rate: int) -> None:
    """Write a mono WAV file of (n,) int16 samples atomically; ``rate`` in Hz."""
    with atomic(path, "wb") as file:
        file.write(wav_bytes(pcm, rate))
