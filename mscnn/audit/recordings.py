"""Content of recordings: the same samples have the same digest, whatever the name, format or header of the file."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mscnn import log
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic

BLOCK = 1 << 20  # samples
THREADS = 8  # reading, decoding and hashing all release Python's lock


def contents(data: DataDir, cache: Path) -> dict[str, str]:
    """Digest of the samples of each utterance, as 16 bits; empty where the corpus has no recordings.

    Files that ``cache`` knows with their size and time of change are not read again. An utterance that is a segment
    of a recording has the digest of the recording and its times.

    Raises:
        UserError: a file cannot be read as audio.
    """
    known = _read_cache(cache)
    marks = {path: _mark(path) for path in data.wav.values()}
    todo = [path for path, mark in marks.items() if known.get(path, [None])[0] != mark]
    with ThreadPoolExecutor(THREADS) as pool:
        for path, found in zip(todo, log.progress(pool.map(_digest, todo), total=len(todo), desc="hash"), strict=True):
            known[path] = [marks[path], found]
    if todo:
        with atomic(cache) as out:
            json.dump({path: known[path] for path in sorted(marks)}, out, indent=0)
    recordings = {key: known[path][1] for key, path in data.wav.items()}
    if not data.segments:
        return recordings
    return {utt: f"{recordings[rec]} {start} {end}" for utt, (rec, start, end) in data.segments.items()}


def _read_cache(cache: Path) -> dict[str, list[str]]:
    try:
        return dict(json.loads(cache.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _mark(path: str) -> str:
    """What changes when a file does: bytes and nanoseconds."""
    found = os.stat(path)
    return f"{found.st_size} {found.st_mtime_ns}"


def _digest(path: str) -> str:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            state = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
            while len(block := file.read(BLOCK, dtype="int16")):
                state.update(block)
    except (soundfile.SoundFileError, OSError) as error:
        raise UserError(f"{path}: cannot be read as audio: {error}; look at it with: file {path}") from None
    return state.hexdigest()
