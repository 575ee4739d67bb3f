"""Content of recordings: the same samples have the same digest, whatever the name, format or header of the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mscnn import log
from mscnn.audio.read import BadAudio, opened
from mscnn.files import atomic, read_mapping

BLOCK = 1 << 20  # samples
THREADS = 8  # reading, decoding and hashing all release Python's lock
FORM = "float32"  # of the samples that are hashed, as they are read everywhere


class Digests:
    """Digests of the samples of files; a file that ``cache`` knows with its size and time of change is not read again.

    Stage 1 (data) looks for copies with them before it writes a data directory, and audits with the same cache.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache, self._known, self._stale = cache, read_mapping(cache) if cache else {}, False
        self._asked: set[str] = set()

    def of(self, paths: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Digest of each file; and for each that cannot be read as audio, why."""
        marks = {path: _mark(path) for path in paths}
        todo = [path for path, mark in marks.items() if self._known.get(path, [None])[0] != mark]
        unreadable = {}
        with ThreadPoolExecutor(THREADS) as pool:
            results = log.progress(pool.map(_digest_or_issue, todo), total=len(todo), desc="hash")
            for path, result in zip(todo, results, strict=True):
                if isinstance(result, BadAudio):
                    unreadable[path] = str(result)
                else:
                    self._known[path] = [marks[path], result]
        self._asked |= marks.keys() - unreadable.keys()
        self._stale = self._stale or bool(todo)
        return {path: self._known[path][1] for path in marks if path not in unreadable}, unreadable

    def write(self) -> None:
        """Keep the digests of the files that were asked for."""
        if self._cache and self._stale:
            with atomic(self._cache) as out:
                json.dump({path: self._known[path] for path in sorted(self._asked)}, out, indent=0)


def sample_digest(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of rate, channels and samples of a file, as the reader returns them.

    Raises:
        BadAudio: the file cannot be read as audio.
    """
    with opened(path) as file:
        state = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
        while len(block := file.read(BLOCK, dtype=FORM)):
            state.update(block)
    return state.hexdigest()


def _digest_or_issue(path: str) -> str | BadAudio:
    try:
        return sample_digest(path)
    except BadAudio as issue:
        return issue


def _mark(path: str) -> str:
    """What changes when a file does (bytes and nanoseconds), or how its samples are hashed."""
    status = os.stat(path)
    return f"{status.st_size} {status.st_mtime_ns} {FORM}"
