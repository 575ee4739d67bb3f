"""Content of recordings: the same samples have the same digest, whatever the name, format or header of the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mscnn import log
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic, read_mapping

BLOCK = 1 << 20  # samples
THREADS = 8  # reading, decoding and hashing all release Python's lock


class Digests:
    """Digests of the samples of files, as 16 bits; what ``cache`` knows with its size and time of change is not read.

    Stage 1 (data) looks for copies with them before it writes a data directory, and audits with the same cache.
    """

    def __init__(self, cache: Path) -> None:
        self._cache, self._known, self._asked, self._stale = cache, read_mapping(cache), set(), False

    def of(self, paths: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Digest of each file; and of each that cannot be read as audio, why."""
        marks = {path: _mark(path) for path in paths}
        todo = [path for path, mark in marks.items() if self._known.get(path, [None])[0] != mark]
        faults = {}
        with ThreadPoolExecutor(THREADS) as pool:
            found = log.progress(pool.map(_digest, todo), total=len(todo), desc="hash")
            for path, (digest, fault) in zip(todo, found, strict=True):
                if fault:
                    faults[path] = fault
                else:
                    self._known[path] = [marks[path], digest]
        self._asked |= marks.keys() - faults.keys()
        self._stale = self._stale or bool(todo)
        return {path: self._known[path][1] for path in marks if path not in faults}, faults

    def write(self) -> None:
        """Keep the digests of the files that were asked for."""
        if self._stale:
            with atomic(self._cache) as out:
                json.dump({path: self._known[path] for path in sorted(self._asked)}, out, indent=0)


def contents(data: DataDir, cache: Path) -> dict[str, str]:
    """Digest of the samples of each utterance; empty where the corpus has no recordings.

    An utterance that is a segment of a recording has the digest of the recording and its times.

    Raises:
        UserError: a file cannot be read as audio.
    """
    digests = Digests(cache)
    found, faults = digests.of(data.wav.values())
    for path, fault in faults.items():
        raise UserError(f"{path}: {fault}; look at it with: file {path}")
    digests.write()
    recordings = {key: found[path] for key, path in data.wav.items()}
    if not data.segments:
        return recordings
    return {utt: f"{recordings[rec]} {start} {end}" for utt, (rec, start, end) in data.segments.items()}


def _mark(path: str) -> str:
    """What changes when a file does: bytes and nanoseconds."""
    found = os.stat(path)
    return f"{found.st_size} {found.st_mtime_ns}"


def _digest(path: str) -> tuple[str, str]:
    """Digest, or why there is none."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            state = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
            while len(block := file.read(BLOCK, dtype="int16")):
                state.update(block)
    except (soundfile.SoundFileError, OSError) as error:
        return "", f"cannot be read as audio: {error}"
    return state.hexdigest(), ""
