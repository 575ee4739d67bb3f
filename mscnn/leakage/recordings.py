"""Digests of recordings, which tell whether utterances are the same recording."""

from pathlib import Path

from mscnn.audio.duplicates import Digests
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue


def contents(data: DataDir, cache: Path | None = None) -> dict[str, str]:
    """Digest of the samples of each utterance; empty where the corpus has no recordings.

    The digest of a segment is that of its recording and its times. ``cache`` is a file of known digests; new ones are
    added to it.

    Raises:
        DataErrors: files that cannot be used.
    """
    digests = Digests(cache)
    of_file, unreadable = digests.of(data.wav.values())
    if unreadable:
        raise DataErrors(
            f"{data.path}: {len(unreadable)} recordings cannot be read; inspect each with: file PATH",
            [Issue(why.kind, f"{path}: {why}") for path, why in unreadable.items()],
            code="audio-unreadable",
        )
    digests.write()
    recordings = {key: of_file[path].digest for key, path in data.wav.items()}
    if not data.segments:
        return recordings
    return {utt: f"{recordings[rec]} {start} {end}" for utt, (rec, start, end) in data.segments.items()}
