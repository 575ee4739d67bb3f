"""Digests of the samples of recordings, independent of name, format and header of the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mscnn import log
from mscnn.audio.read import BadAudio, open_audio
from mscnn.files import atomic, read_mapping

BLOCK = 1 << 20  # samples
THREADS = 8  # reading, decoding and hashing release Python's global lock
SAMPLE_TYPE = "float32"  # of the samples that are hashed


class Digests:
    """Digests of the samples of files; a file in ``cache`` with the same size and modification time is not read again.

    Stage 1 (data) uses them to find copies before it writes a data directory, and audits with the same cache.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache, self._known, self._stale = cache, read_mapping(cache) if cache else {}, False
        self._requested: set[str] = set()

    def of(self, paths: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Digest of each file that can be read as audio, and the reason for each that cannot."""
        states = {path: _file_state(path) for path in paths}
        todo = [path for path, state in states.items() if self._known.get(path, [None])[0] != state]
        unreadable = {}
        with ThreadPoolExecutor(THREADS) as pool:
            results = log.progress(pool.map(_digest_or_issue, todo), total=len(todo), desc="hash")
            for path, result in zip(todo, results, strict=True):
                if isinstance(result, BadAudio):
                    unreadable[path] = str(result)
                else:
                    self._known[path] = [states[path], result]
        self._requested |= states.keys() - unreadable.keys()
        self._stale = self._stale or bool(todo)
        return {path: self._known[path][1] for path in states if path not in unreadable}, unreadable

    def write(self) -> None:
        """Write the cache: the digests of the files that were requested."""
        if self._cache and self._stale:
            with atomic(self._cache) as out:
                json.dump({path: self._known[path] for path in sorted(self._requested)}, out, indent=0)


def sample_digest(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of sampling rate, channels and samples of a file.

    Raises:
        BadAudio: the file cannot be read as audio.
    """
    with open_audio(path) as file:
        state = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
        while len(block := file.read(BLOCK, dtype=SAMPLE_TYPE)):
            state.update(block)
    return state.hexdigest()


def _digest_or_issue(path: str) -> str | BadAudio:
    try:
        return sample_digest(path)
    except BadAudio as issue:
        return issue


def _file_state(path: str) -> str:
    """Size in bytes, modification time in nanoseconds, and the type of the hashed samples."""
    status = os.stat(path)
    return f"{status.st_size} {status.st_mtime_ns} {SAMPLE_TYPE}"
