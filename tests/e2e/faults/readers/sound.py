"""Recordings: headers and samples of every container, and the sound of videos."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from mscnn.audio.blocks import AudioFile
from mscnn.audio.check import read_header, surplus
from mscnn.audio.duplicates import read_content
from mscnn.audio.read import BadAudio, load_audio
from mscnn.errors import UserError
from tests.e2e.faults.readers.base import Read, Reader
from tests.videos import write_video

RATE, SAMPLES = 16000, 1600
FORMATS = [
    *[("a.wav", "PCM_16"), ("b.wav", "FLOAT"), ("c.wav", "PCM_24"), ("d.wav", "ULAW"), ("e.wav", "IMA_ADPCM")],
    *[("a.flac", "PCM_16"), ("a.ogg", "VORBIS"), ("b.ogg", "OPUS"), ("a.mp3", "MPEG_LAYER_III"), ("a.aiff", "PCM_16")],
    *[("a.au", "PCM_16"), ("a.w64", "PCM_16"), ("a.rf64", "PCM_16"), ("a.caf", "PCM_16"), ("a.sph", "PCM_16")],
]
FILES = {"sph": "NIST", "mp3": "MP3", "aiff": "AIFF"}


def _sound(seconds: float = SAMPLES / RATE) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE))


def recordings(folder: Path) -> tuple[Sequence[Path], Read]:
    for name, subtype in FORMATS:
        ending = name.rpartition(".")[2]
        soundfile.write(folder / name, _sound(), RATE, subtype=subtype, format=FILES.get(ending, ending.upper()))
    stereo = np.stack([_sound(), _sound()[::-1]], axis=1)
    soundfile.write(folder / "stereo.wav", stereo, RATE)
    return sorted(folder.iterdir()), _read


def videos(folder: Path) -> tuple[Sequence[Path], Read]:
    samples = (20000 * _sound(0.3)).astype(np.int16)[None]
    for name in ("a.mp4", "a.avi", "a.mkv", "a.mov"):
        write_video(folder / name, samples, RATE)
    return sorted(folder.iterdir()), _read


def _read(path: Path) -> None:
    """As stage 1, as stages 2 and 3, and as predictions read a recording."""
    for read in (read_header, read_content, surplus, _converted, _in_blocks):
        with suppress(BadAudio, UserError):
            read(path)


def _converted(path: Path) -> None:
    samples, _ = load_audio(path, RATE, convert=True)
    assert samples.ndim == 1 and np.isfinite(samples).all()


def _in_blocks(path: Path) -> None:
    file = AudioFile.open(path)
    for samples in file.spans([(0, min(RATE, file.frames)), (max(0, file.frames - RATE), file.frames)]):
        assert np.isfinite(samples).all()


READERS: dict[str, Reader] = {"audio": recordings, "videos": videos}
