"""Length, rate and channels of an audio file from its header: nothing is decoded, so thousands take a second."""

import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LFS_MAGIC = b"version https://git-lfs"
APPLE_DOUBLE = b"\x00\x05\x16\x07"
OTHER_FORMATS = (b"fLaC", b"OggS", b"RF64", b"RIFX", b"FORM")  # left to libsndfile
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # WAVE format tags whose length follows from the bytes
UNKNOWN_LENGTH = 0xFFFFFFFF  # written by programs that stream to a pipe
THREADS = 8  # they wait for the disk, most of all a network disk


@dataclass(frozen=True)
class Header:
    """What an audio header says: samples per channel, Hz, channels."""

    samples: int
    rate: int
    channels: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


class BadAudio(Exception):
    """An audio file that cannot be used: ``kind`` names the fault, the message says what was found."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def read_headers(paths: Iterable[str]) -> Iterator[Header | BadAudio]:
    """Headers of many files in the order given; a file that cannot be used gives its fault instead."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(_header_or_fault, paths)


def read_header(path: str | os.PathLike) -> Header:
    """Read the header of one file and compare it with the size of the file.

    Raises:
        BadAudio: its kind is missing-wav, unreadable-wav, empty-wav, lfs-pointer, not-a-wav, truncated-wav or
            header-only-wav.
    """
    try:
        with open(path, "rb") as file:
            return _read(file, Path(path), os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise BadAudio("missing-wav", "no such file") from None
    except OSError as error:
        raise BadAudio("unreadable-wav", f"cannot be read: {error.strerror}") from None


def _header_or_fault(path: str) -> Header | BadAudio:
    try:
        return read_header(path)
    except BadAudio as fault:
        return fault


def _read(file: BinaryIO, path: Path, size: int) -> Header:
    start = file.read(len(LFS_MAGIC))
    if not start:
        raise BadAudio("empty-wav", "the file has 0 bytes")
    if start == LFS_MAGIC:
        raise BadAudio("lfs-pointer", "a git-LFS pointer stands where the audio should be")
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return _riff(file, path, size)
    if start[:4] in OTHER_FORMATS:
        return _libsndfile(path)
    if start[:4] == b"RIFF" and size < 12:
        raise BadAudio("truncated-wav", f"the file ends after {size} bytes, inside its header")
    what = "an AppleDouble file" if start[:4] == APPLE_DOUBLE else f"a file that begins with {start[:12]!r}"
    raise BadAudio("not-a-wav", f"expected a RIFF WAVE file, found {what} ({size} bytes)")


def _riff(file: BinaryIO, path: Path, size: int) -> Header:
    """Walk the chunks ``tag, uint32 length, bytes, pad to even`` up to the audio."""
    position, form = 12, None
    while position + 8 <= size:
        file.seek(position)
        tag, length = struct.unpack("<4sI", file.read(8))
        position += 8
        if tag == b"fmt ":
            form = _format(file.read(min(length, 40)))
            if form is None:
                return _libsndfile(path)
        elif tag == b"data":
            if form is None:
                raise BadAudio("not-a-wav", "the audio stands before its format ('data' before 'fmt ')")
            rate, channels, block = form
            return Header(_data_bytes(length, size - position, block) // block, rate, channels)
        position += length + length % 2
    raise BadAudio("truncated-wav", f"the file ends after {size} bytes, before any audio")


def _format(chunk: bytes) -> tuple[int, int, int] | None:
    """(Hz, channels, bytes of one sample of all channels); None where libsndfile must be asked."""
    if len(chunk) < 16:
        raise BadAudio("truncated-wav", "the file ends inside its format description ('fmt ')")
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == EXTENSIBLE and len(chunk) >= 26:
        tag = struct.unpack("<H", chunk[24:26])[0]
    if tag not in (PCM, FLOAT):
        return None
    if not (channels and rate and block):
        message = f"the header says {channels} channels, {rate} Hz, {bits} bits, {block} bytes a sample"
        raise BadAudio("not-a-wav", message)
    return rate, channels, block


def _data_bytes(promised: int, present: int, block: int) -> int:
    length = present if promised == UNKNOWN_LENGTH else promised
    if length > present:
        raise BadAudio("truncated-wav", f"the header promises {promised} bytes of audio, the file holds {present}")
    if length < block:
        raise BadAudio("header-only-wav", "a header without audio")
    return length


def _libsndfile(path: Path) -> Header:
    """Ask libsndfile, and read the last sample: a compressed file cut short shows it nowhere else."""
    import soundfile

    try:
        audio = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise BadAudio("not-a-wav", f"cannot be read as audio: {error.error_string}") from None
    with audio:
        if not audio.frames:
            raise BadAudio("header-only-wav", "a header without audio")
        try:
            audio.seek(audio.frames - 1)
            whole = len(audio.read(1)) == 1
        except soundfile.LibsndfileError:
            whole = False
        if not whole:
            raise BadAudio("truncated-wav", f"the header promises {audio.frames} samples, the last one is not there")
        return Header(audio.frames, audio.samplerate, audio.channels)
