"""The sound of video files (mp4, avi, Matroska, …), which libsndfile does not read; FFmpeg decodes it, through PyAV."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from typing import IO

from mscnn.audio.read import BadAudio
from mscnn.packages import require

BOXES = (b"ftyp", b"moov", b"mdat")  # mp4, mov, m4a; at byte 4
MATROSKA = b"\x1aE\xdf\xa3"  # mkv, webm
MAGIC_BYTES = 12
MISSING_SECONDS = 0.25  # of sound that the container states: more than rounding to whole frames


def is_video(start: bytes) -> bool:
    """Whether a file that begins with these bytes, ``MAGIC_BYTES`` or more, is a container that FFmpeg reads."""
    return start[4:8] in BOXES or start.startswith(MATROSKA) or (start[:4], start[8:12]) == (b"RIFF", b"AVI ")


def sound(path: str | os.PathLike) -> IO[bytes]:
    """The first sound track of a video as a temporary W64 file of 32-bit floats, with its own rate and channels.

    W64 is WAV without its limit of 4 GB; in memory the sound of a long video would need gigabytes.

    Raises:
        BadAudio: kind no-sound, broken-video, or truncated-video where less sound can be decoded than is stated.
        UserError: the package is not installed.
    """
    av = require("av", f"{path}: the sound of video files")
    import soundfile

    w64 = tempfile.TemporaryFile()  # noqa: SIM115 (it is returned; what closes it removes it)
    # a file object, as FFmpeg takes some names for addresses
    try:
        with open(path, "rb") as file, closing(av.open(file, metadata_errors="ignore")) as container:
            if not container.streams.audio:
                raise BadAudio("no-sound", "a video without sound")
            track = container.streams.audio[0]
            stated = float(track.duration * track.time_base) if track.duration else 0.0
            form = av.AudioResampler(format="flt", layout=track.layout, rate=track.rate)
            with soundfile.SoundFile(w64, "w", track.rate, track.channels, "FLOAT", format="W64") as out:
                for frame in container.decode(track):
                    for part in form.resample(frame):
                        out.write(part.to_ndarray().reshape(-1, track.channels))
                decoded = out.frames / track.rate
    # where FFmpeg does not know the codec, its track lacks what others have; damaged ones state a rate of 0
    except (av.FFmpegError, EOFError, AttributeError, TypeError, ValueError, ZeroDivisionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadAudio("broken-video", f"the sound of the video cannot be decoded: {reason}") from None
    if decoded < stated - MISSING_SECONDS:
        raise BadAudio("truncated-video", f"the video states {stated:.2f} s of sound, {decoded:.2f} s can be decoded")
    w64.seek(0)
    return w64
