"""Recordings of utterances: waveforms, and sources of audio players."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mscnn.errors import UserError
from mscnn.reporting.page.source import ReportData

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Recording:
    """Source of an audio player: URL of a file, or the samples (``data:``)."""

    utt: str
    src: str


def locate_recording(data: ReportData, utt: str) -> tuple[Path, float, float | None] | None:
    """File of an utterance, start and end in seconds (None: end of the file); None where it is not available."""
    segment = data.tables["segments"].get(utt)
    name, start, end = segment.split() if segment else (utt, "0", None)
    wav = data.tables["wav.scp"].get(name)
    if wav is None or wav.endswith("|") or not Path(wav).is_file():
        return None
    return Path(wav), float(start), None if end is None else float(end)


def waveform(data: ReportData, utt: str) -> tuple[np.ndarray, int] | None:
    """Samples (n,) and their sampling rate in Hz; None where the recording is not available or not audio."""
    from mscnn.audio.check import read_header
    from mscnn.audio.read import BadAudio, load_audio

    location = locate_recording(data, utt)
    if location is None:
        return None
    wav, start, end = location
    try:
        rate = read_header(wav).rate
        return load_audio(wav, rate, True, start=start, end=end)[0], rate
    except (UserError, BadAudio):
        return None


def recording(data: ReportData, utt: str, mode: str) -> Recording | None:
    """The recording of an utterance: link to the file (``near``), samples (``embed``), or None (``none``)."""
    if mode == "none":
        return None
    src = _link(data, utt) if mode == "near" else _embedded(data, utt)
    return None if src is None else Recording(utt, src)


def _link(data: ReportData, utt: str) -> str | None:
    """URL relative to the report; symbolic links are not resolved, because browsers do not resolve them."""
    location = locate_recording(data, utt)
    if location is None:
        return None
    wav, start, end = location
    url = quote(Path(os.path.relpath(wav, data.exp.path)).as_posix())
    return url if end is None else f"{url}#t={start:g},{end:g}"


def _embedded(data: ReportData, utt: str) -> str | None:
    """The samples of an utterance as ``data:`` URL."""
    from mscnn.audio.pcm import pcm16, wav_bytes

    audio = waveform(data, utt)
    if audio is None:
        return None
    samples, rate = audio
    return f"data:audio/wav;base64,{base64.b64encode(wav_bytes(pcm16(samples), rate)).decode()}"
