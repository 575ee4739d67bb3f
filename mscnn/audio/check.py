"""Length, sampling rate and channels of audio files from their headers.

A file that cannot be used is reported with the reason. libsndfile says only "unknown format" of an empty file, a
git-LFS pointer or half a header, and reads a truncated WAV file as a shorter one; here these are distinguished.
"""

import os
import re
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from mscnn.audio.read import BadAudio, open_audio, skip
from mscnn.files import regular

if TYPE_CHECKING:
    import soundfile

LFS_MAGIC = b"version https://git-lfs"
APPLE_DOUBLE = b"\x00\x05\x16\x07"
STREAMED = 0x7FFF0000  # lengths from here on are written by programs that stream to a pipe: sox, arecord, ffmpeg
STREAMED_OTHERS = 0x7F000000  # the same, of formats other than WAV
STREAMED_64 = 1 << 62  # the same, of lengths of 64 bits
HEAD = 1024  # bytes at the start in which formats other than WAV state their size
PROBED = 4096  # bytes after the audio that are looked at
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
        with open(regular(path), "rb") as file:
            _refuse(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise BadAudio("missing-wav", "no such file") from None
    except OSError as error:
        raise BadAudio("unreadable-wav", f"cannot be read: {error.strerror}") from None
    with open_audio(path) as audio:
        if not audio.frames:
            raise no_samples(path)
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
    elif (stated := _stated_size(start + file.read(HEAD - len(start)))) > size + 1:  # the last byte may be padding
        raise BadAudio("truncated-wav", f"the header states {stated} bytes, the file has {size}")
    elif start[:4] == APPLE_DOUBLE:
        raise BadAudio("not-a-wav", f"an AppleDouble file of macOS, not the recording ({size} bytes)")


def _stated_size(head: bytes) -> int:
    """Bytes that a file states to have at its start, 0 where it states none; libsndfile reads as many as there are.

    Formats that are not here have no length in their header, or libsndfile refuses them where they are truncated.
    """
    streamed = STREAMED_OTHERS
    try:
        match head[:4]:
            case b"FORM":  # AIFF, 8SVX
                size = 8 + struct.unpack_from(">I", head, 4)[0]
            case b".snd":  # AU
                size = sum(struct.unpack_from(">II", head, 4))
            case b"Crea":  # VOC, by its first block
                (first,) = struct.unpack_from("<H", head, 20)
                size = first + 4 + int.from_bytes(head[first + 1 : first + 4], "little")
            case b"NIST":
                facts = dict(re.findall(rb"^(\w+) -i (\d{1,9})\s*$", head, re.MULTILINE))
                if b"shorten" in head:  # compressed: libsndfile says that it does not read it
                    return 0
                samples = int(facts[b"sample_count"]) * int(facts.get(b"channel_count", 1))
                return int(head.split()[1]) + samples * int(facts[b"sample_n_bytes"])
            case b"RF64":
                size, streamed = 8 + struct.unpack_from("<Q", head, 20)[0], STREAMED_64
            case b"riff":  # W64
                size, streamed = struct.unpack_from("<Q", head, 16)[0], STREAMED_64
            case _:
                return 0
    except (struct.error, LookupError, ValueError):  # shorter than a header: libsndfile says so
        return 0
    return size if size < streamed else 0


def _refuse_truncated(file: BinaryIO, size: int) -> None:
    """Raise BadAudio for a truncated RIFF file."""
    for tag, position, length in _chunks(file, size):
        if tag == b"data":
            if size - position < length < STREAMED:
                message = f"the header states {length} bytes of audio, the file has {size - position}"
                raise BadAudio("truncated-wav", message)
            return
    raise BadAudio("truncated-wav", f"the file ends after {size} bytes, before any audio")


def no_samples(path: str | os.PathLike) -> BadAudio:
    """Why a file that can be opened has no samples: a WAV file may not have been closed (``unclosed-wav``)."""
    with open(path, "rb") as file:
        size, start = os.fstat(file.fileno()).st_size, file.read(12)
        chunk = next((c for c in _chunks(file, size) if c[0] == b"data"), None) if start[8:] == b"WAVE" else None
        if chunk is not None and not chunk[2] and size > chunk[1]:
            stated = (
                f"the header states 0 bytes of audio, {size - chunk[1]} follow: the recorder did not close the file"
            )
            return BadAudio("unclosed-wav", stated)
    return BadAudio("header-only-wav", "a header without audio")


def surplus(path: str | os.PathLike) -> int:
    """Number of bytes after the audio of a WAV file that belong to no chunk; 0: none, or zeros.

    They may be audio: a recorder that was stopped leaves a header of less audio than the file has.
    """
    with open(path, "rb") as file:
        size, start = os.fstat(file.fileno()).st_size, file.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"WAVE":
            return 0
        for tag, position, _ in _chunks(file, size):
            if not tag.isalnum() and not tag.strip().isalnum():
                file.seek(position - 8)
                return size - position + 8 if file.read(PROBED).strip(b"\0") else 0
    return 0


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Tag, first byte and length of each chunk of a RIFF file: tag, uint32 length, bytes, pad to even."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        tag, length = struct.unpack("<4sI", file.read(8))
        yield tag, position + 8, length
        position += 8 + length + length % 2


def _has_last_sample(audio: "soundfile.SoundFile") -> bool:
    """Whether the last sample can be decoded: the only sign of a truncated compressed file."""
    import soundfile

    try:
        return skip(audio, audio.frames - 1) == audio.frames - 1 and len(audio.read(1)) == 1
    except soundfile.LibsndfileError:
        return False
