"""Length, sampling rate and channels of audio files from their headers.

A file that cannot be used is reported with the reason. libsndfile says only "unknown format" of an empty file, a
git-LFS pointer or half a header, and reads a truncated WAV file as a shorter one; here these are distinguished.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from mscnn.audio.read import BadAudio, open_audio

if TYPE_CHECKING:
    import soundfile

LFS_MAGIC = b"version https://git-lfs"
APPLE_DOUBLE = b"\x00\x05\x16\x07"
UNKNOWN_LENGTH = 0xFFFFFFFF  # written by programs that stream to a pipe
THREADS = 8  # they wait for the disk, above all a network disk


@dataclass(frozen=True)
class Header:
    """Samples per channel, sampling rate in Hz and number of channels of an audio file."""

    samples: int
    rate: int
    channels: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.samples / self.rate


def read_headers(paths: Iterable[str]) -> Iterator[Header | BadAudio]:
    """Header of each file, in the order given; for a file that cannot be used, the error."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(_header_or_issue, paths)


def read_header(path: str | os.PathLike) -> Header:
    """Header of one file, checked against the size of the file.

    Raises:
        BadAudio: its kind is missing-wav, unreadable-wav, empty-wav, lfs-pointer, not-a-wav, truncated-wav or
            header-only-wav; or no-sound, broken-video or truncated-video.
    """
    try:
        with open(path, "rb") as file:
            _refuse(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise BadAudio("missing-wav", "no such file") from None
    except OSError as error:
        raise BadAudio("unreadable-wav", f"cannot be read: {error.strerror}") from None
    with open_audio(path) as audio:
        if not audio.frames:
            raise BadAudio("header-only-wav", "a header without audio")
        if not _has_last_sample(audio):
            raise BadAudio("truncated-wav", f"the header states {audio.frames} samples, the last one is missing")
        return Header(audio.frames, audio.samplerate, audio.channels)


def _header_or_issue(path: str) -> Header | BadAudio:
    try:
        return read_header(path)
    except BadAudio as issue:
        return issue


def _refuse(file: BinaryIO, size: int) -> None:
    """Raise BadAudio for files that libsndfile refuses without a reason or reads only in part."""
    start = file.read(len(LFS_MAGIC))
    if not start:
        raise BadAudio("empty-wav", "the file has 0 bytes")
    if start == LFS_MAGIC:
        raise BadAudio("lfs-pointer", "a git-LFS pointer in place of the audio")
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        _refuse_truncated(file, size)
    elif start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        stated = 8 + struct.unpack("<I", start[4:8])[0]
        if stated > size:
            raise BadAudio("truncated-video", f"the header states {stated} bytes, the file has {size}")
    elif start[:4] == b"RIFF" and size < 12:
        raise BadAudio("truncated-wav", f"the file ends after {size} bytes, inside its header")
    elif start[:4] == APPLE_DOUBLE:
        raise BadAudio("not-a-wav", f"an AppleDouble file of macOS, not the recording ({size} bytes)")


def _refuse_truncated(file: BinaryIO, size: int) -> None:
    """Raise BadAudio for a truncated RIFF file; its chunks are tag, uint32 length, bytes, pad to even."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        tag, length = struct.unpack("<4sI", file.read(8))
        position += 8
        if tag == b"data":
            if length != UNKNOWN_LENGTH and length > size - position:
                message = f"the header states {length} bytes of audio, the file has {size - position}"
                raise BadAudio("truncated-wav", message)
            return
        position += length + length % 2
    raise BadAudio("truncated-wav", f"the file ends after {size} bytes, before any audio")


def _has_last_sample(audio: "soundfile.SoundFile") -> bool:
    """Whether the last sample can be decoded: the only sign of a truncated compressed file."""
    import soundfile

    try:
        audio.seek(audio.frames - 1)
        return len(audio.read(1)) == 1
    except soundfile.LibsndfileError:
        return False
