"""What recordings hold, from all of their samples: length, levels, and a digest independent of name and format."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from mscnn import log
from mscnn.audio.check import surplus
from mscnn.audio.read import BadAudio, Levels, open_audio, unusable
from mscnn.files import atomic, read_mapping

BLOCK = 1 << 20  # samples
THREADS = 8  # reading, decoding and hashing release Python's global lock
SAMPLE_TYPE = "float32"  # of the samples that are hashed
CHECKS = 2  # raised when the checks of samples change


@dataclass(frozen=True)
class Content:
    """Digest (SHA-256, hex) of rate, channels and samples, duration, and what a user should know about the levels."""

    digest: str
    seconds: float
    notices: list[str]


class Digests:
    """Contents of files; a file in ``cache`` with the same size and modification time is not read again.

    Stage 1 (data) uses them to find copies before it writes a data directory, and audits with the same cache.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache, self._known, self._stale = cache, read_mapping(cache) if cache else {}, False
        self._requested: set[str] = set()

    def of(self, paths: Iterable[str]) -> tuple[dict[str, Content], dict[str, BadAudio]]:
        """Content of each file that can be used, and the reason for each that cannot."""
        states = {path: _file_state(path) for path in paths}
        todo = [path for path, state in states.items() if self._known.get(path, [None])[0] != state]
        unusable_ones = {}
        with ThreadPoolExecutor(THREADS) as pool:
            results = log.progress(pool.map(_content_or_issue, todo), total=len(todo), desc="hash")
            for path, result in zip(todo, results, strict=True):
                if isinstance(result, BadAudio):
                    unusable_ones[path] = result
                else:
                    self._known[path] = [states[path], asdict(result)]
        self._requested |= states.keys() - unusable_ones.keys()
        self._stale = self._stale or bool(todo)
        return {path: Content(**self._known[path][1]) for path in states if path not in unusable_ones}, unusable_ones

    def write(self) -> None:
        """Write the cache: the contents of the files that were requested."""
        if self._cache and self._stale:
            with atomic(self._cache) as out:
                json.dump({path: self._known[path] for path in sorted(self._requested)}, out, indent=0)


def read_content(path: str | os.PathLike) -> Content:
    """The content of a file, of which every sample is decoded.

    Raises:
        BadAudio: the file cannot be read as audio, or has samples that are not finite or out of range.
    """
    levels = Levels()
    with open_audio(path) as file:
        state = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
        while len(block := file.read(BLOCK, dtype=SAMPLE_TYPE, always_2d=True)):
            if bad := unusable(block):
                raise bad
            state.update(block)
            levels.add(block)
        seconds = levels.count / file.samplerate
    if not levels.count:
        raise BadAudio("truncated-wav", "no samples can be decoded")
    notices = levels.notices
    if surplus(path):
        notices.append("more bytes follow than the header states, maybe audio: sox --ignore-length FILE OUT.wav")
    return Content(state.hexdigest(), seconds, notices)


def _content_or_issue(path: str) -> Content | BadAudio:
    try:
        return read_content(path)
    except BadAudio as issue:
        return issue


def _file_state(path: str) -> str:
    """Size in bytes, modification time in nanoseconds, the type of the hashed samples, and version of their checks."""
    status = os.stat(path)
    return f"{status.st_size} {status.st_mtime_ns} {SAMPLE_TYPE} {CHECKS}"
