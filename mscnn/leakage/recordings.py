"""Which utterances of a data directory are the same recording."""

from pathlib import Path

from mscnn.audio.duplicates import Digests
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue

MAX_LISTED = 20


def contents(data: DataDir, cache: Path | None = None) -> dict[str, str]:
    """Digest of the samples of each utterance; empty where the corpus has no recordings.

    An utterance that is a segment of a recording has the digest of the recording and its times. ``cache`` is a file:
    recordings that it knows are not read again, and it learns the others.

    Raises:
        DataErrors: files that cannot be read as audio.
    """
    digests = Digests(cache)
    of_file, unreadable = digests.of(data.wav.values())
    if unreadable:
        raise DataErrors(
            f"{data.path}: {len(unreadable)} recordings cannot be read; look at each with: file PATH",
            [Issue("audio-unreadable", f"{path}: {why}") for path, why in unreadable.items()],
            MAX_LISTED,
            code="audio-unreadable",
        )
    digests.write()
    recordings = {key: of_file[path] for key, path in data.wav.items()}
    if not data.segments:
        return recordings
    return {utt: f"{recordings[rec]} {start} {end}" for utt, (rec, start, end) in data.segments.items()}
