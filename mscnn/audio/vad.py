"""Voice activity: which tenths of a second of a recording have speech. The recording is read in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mscnn import packages
from mscnn.audio.blocks import Recording
from mscnn.audio.read import SILENT, mono
from mscnn.errors import UserError

if TYPE_CHECKING:
    import numpy as np

STEPS = 10  # decisions per second
BLOCK = 10  # s, read at a time
QUANTILE, RANGE = 0.95, 30.0  # energy: speech is at most RANGE dB below this quantile of the levels
FLOOR = -60.0  # dB relative to full scale, below which nothing is speech
SILERO_RATE, SILERO_CHUNK, SILERO_THRESHOLD = 16000, 512, 0.5  # Hz, samples, probability


def speech(recording: Recording, method: str) -> np.ndarray:
    """Whether each tenth of a second of a recording has speech: (ceil(10 * seconds),) bool.

    Args:
        method: ``energy`` (level within 30 dB of that of the loud parts), ``silero`` (the network of the package
            silero-vad), or ``none`` (all of it).

    Raises:
        UserError: the method is unknown, its package is not installed, or the recording cannot be decoded.
    """
    if method not in METHODS:
        raise UserError(f"vad={method}: unknown; known: {', '.join(METHODS)}", code="vad-unknown")
    return METHODS[method](recording)


def within(active: np.ndarray, start: float, end: float) -> bool:
    """Whether a tenth of a second has speech that lies, at least in part, in the seconds from ``start`` to ``end``."""
    first, last = round(start * STEPS, 6), round(end * STEPS, 6)  # 3 * 0.1 is more than 0.3
    return bool(active[int(first) : int(-(-last // 1))].any())


def _blocks(recording: Recording) -> Iterator[np.ndarray]:
    """Mono samples of consecutive blocks."""
    size = BLOCK * recording.rate
    spans = [(i, min(i + size, recording.frames)) for i in range(0, recording.frames, size)]
    for block in recording.spans(spans):
        yield mono(block)


def _count(frames: int, rate: int) -> int:
    return -(-frames * STEPS // rate)


def _all(recording: Recording) -> np.ndarray:
    import numpy as np

    return np.ones(_count(recording.frames, recording.rate), bool)


def _energy(recording: Recording) -> np.ndarray:
    """Level of each step, against that of the loud steps."""
    import numpy as np

    powers: list[np.ndarray] = []
    for block in _blocks(recording):
        edges = np.arange(_count(len(block), recording.rate)) * recording.rate // STEPS
        sums = np.add.reduceat(block.astype(np.float64) ** 2, edges)
        powers.append(sums / np.diff([*edges, len(block)]))
    level = 10 * np.log10(np.maximum(np.concatenate(powers), SILENT**4))
    loud = np.zeros(_count(recording.frames, recording.rate), bool)
    loud[: len(level)] = level >= max(np.quantile(level, QUANTILE) - RANGE, FLOOR)
    return loud


def _silero(recording: Recording) -> np.ndarray:
    """Probability of speech by Silero VAD of chunks of 32 ms; a step takes the largest of its chunks."""
    import numpy as np
    import soxr
    import torch

    model = packages.require("silero_vad", "vad=silero", "vad=energy").load_silero_vad()
    model.reset_states()
    resampler = soxr.ResampleStream(recording.rate, SILERO_RATE, 1, dtype="float32")
    probability, rest, done = np.zeros(_count(recording.frames, recording.rate)), np.zeros(0, np.float32), 0

    def take(samples: np.ndarray) -> None:
        nonlocal rest, done
        samples = np.concatenate([rest, samples])
        count = len(samples) // SILERO_CHUNK
        for chunk in samples[: count * SILERO_CHUNK].reshape(count, SILERO_CHUNK):
            with torch.inference_mode():
                value = model(torch.from_numpy(chunk.copy()), SILERO_RATE).item()
            step = min(int((done + 0.5) * SILERO_CHUNK / SILERO_RATE * STEPS), len(probability) - 1)
            probability[step] = max(probability[step], value)
            done += 1
        rest = samples[count * SILERO_CHUNK :]

    for block in _blocks(recording):
        take(resampler.resample_chunk(np.ascontiguousarray(block, np.float32)))
    take(np.pad(resampler.resample_chunk(np.zeros(0, np.float32), last=True), (0, SILERO_CHUNK - 1)))
    return probability >= SILERO_THRESHOLD


METHODS: dict[str, Callable[[Recording], np.ndarray]] = {"energy": _energy, "silero": _silero, "none": _all}
