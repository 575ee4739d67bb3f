"""Recordings of utterances: samples to draw, and players that work from disk."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mscnn.errors import UserError
from mscnn.reporting.page.html import Markup, element
from mscnn.reporting.page.source import Source

if TYPE_CHECKING:
    import numpy as np


def place(source: Source, utt: str) -> tuple[Path, float, float | None] | None:
    """The recording of an utterance and what part of it (seconds; None: to the end); None where it is not at hand."""
    cut = source.tables["segments"].get(utt)
    name, start, end = cut.split() if cut else (utt, "0", None)
    wav = source.tables["wav.scp"].get(name)
    if wav is None or wav.endswith("|") or not Path(wav).is_file():
        return None
    return Path(wav), float(start), None if end is None else float(end)


def waveform(source: Source, utt: str) -> tuple[np.ndarray, int] | None:
    """Samples (n,) in their own rate, and the rate in Hz; None where the recording is not at hand, or no audio."""
    from mscnn.audio.check import read_header
    from mscnn.audio.read import BadAudio, load_audio

    found = place(source, utt)
    if found is None:
        return None
    wav, start, end = found
    try:
        rate = read_header(wav).rate
        return load_audio(wav, rate, True, start=start, end=end)[0], rate
    except (UserError, BadAudio):
        return None


def player(source: Source, utt: str, mode: str) -> Markup | None:
    """A player of an utterance: of the file near by (``near``), with the samples in the page (``embed``), or none."""
    if mode == "none":
        return None
    src = _link(source, utt) if mode == "near" else _embedded(source, utt)
    return src and element("audio", controls=True, preload="none", src=src, aria_label=f"Recording of {utt}")


def _link(source: Source, utt: str) -> str | None:
    """Relative to the report: as the folders are named, since a browser knows nothing of symbolic links."""
    found = place(source, utt)
    if found is None:
        return None
    wav, start, end = found
    url = quote(Path(os.path.relpath(wav, source.exp.path)).as_posix())
    return url if end is None else f"{url}#t={start:g},{end:g}"


def _embedded(source: Source, utt: str) -> str | None:
    from mscnn.audio.pcm import pcm16, wav_bytes

    heard = waveform(source, utt)
    if heard is None:
        return None
    samples, rate = heard
    return f"data:audio/wav;base64,{base64.b64encode(wav_bytes(pcm16(samples), rate)).decode()}"
