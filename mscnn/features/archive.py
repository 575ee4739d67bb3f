"""Feature archives: Kaldi ``ark,scp`` pairs and the options that produced them."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.features.config import options_hash, title
from mscnn.files import atomic, read_table, read_yaml
from mscnn.stamp import SEAL, require_intact

if TYPE_CHECKING:
    import numpy as np

FIX = "extract the features with stage 3: ./run.sh --stage features --stop-stage features"
MAX_IN_MEMORY = 4 << 30  # bytes; a larger array is a memory map of a temporary file


@dataclass(frozen=True)
class FeatureDir:
    """Features of a data set: one float32 matrix (T, ``dim``) per utterance.

    ``frame_shift`` is in seconds. ``hash`` is a digest of the options, ``content`` one of the values, so a fingerprint
    of ``feature.yaml`` covers the features. ``frames`` maps every utterance to its T.

    ``feats.scp`` has absolute paths, as Kaldi's tools expect. Here archives are read from the folder of ``feats.scp``,
    so that a folder can be moved or copied.
    """

    path: Path
    feature: str
    options: dict[str, object]
    hash: str
    content: str
    dim: int
    frame_shift: float
    frames: dict[str, int]
    entries: dict[str, str]

    @classmethod
    def load(cls, path: str | os.PathLike) -> FeatureDir:
        """The features in a folder written by stage 3.

        Raises:
            UserError: the folder is unfinished, a file is not as stage 3 wrote it, its options do not match their hash,
                its tables list different utterances, or an archive is missing.
        """
        path = Path(path)
        if not (path / "feature.yaml").is_file():
            raise UserError(f"{path}: no finished features (no feature.yaml); {FIX}", code="features-missing")
        require_intact(path / SEAL, FIX, "features-damaged")
        try:
            facts = read_yaml(path / "feature.yaml")
            features = cls(
                path=path,
                feature=facts["feature"],
                options=facts["options"],
                hash=facts["hash"],
                content=facts["content"],
                dim=int(facts["dim"]),
                frame_shift=float(facts["frame_shift"]),
                frames={utt: int(n) for utt, n in read_table(path / "utt2num_frames").items()},
                entries={u: e.rpartition("/")[2] for u, e in read_table(path / "feats.scp").items()},
            )
        except (KeyError, TypeError, ValueError, OverflowError, UserError) as error:
            raise UserError(
                f"{path}: feature.yaml or utt2num_frames was not written by stage 3 ({error!r}); {FIX}",
                code="features-damaged",
            ) from None
        features._check()
        return features

    @property
    def title(self) -> str:
        """Name of the feature, with ``trim_db`` and the pretrained network where they were used."""
        return title(self.feature, self.options)

    def _check(self) -> None:
        where = self.path / "feature.yaml"
        if self.hash != options_hash(self.options):
            raise UserError(f"{where}: the options were edited after the extraction; {FIX}", code="features-stale")
        if self.frames.keys() != self.entries.keys():
            raise UserError(
                f"{self.path}: feats.scp and utt2num_frames list different utterances; {FIX}", code="features-damaged"
            )
        for archive in sorted({entry.rpartition(":")[0] for entry in self.entries.values()}):
            if not (self.path / archive).is_file():
                raise UserError(
                    f"{self.path / archive}: missing, but listed in feats.scp; {FIX}", code="features-damaged"
                )

    def require(self, utts: Iterable[str]) -> None:
        """Raise UserError unless every utterance has features."""
        missing = [utt for utt in utts if utt not in self.entries]
        if missing:
            raise UserError(
                f"{self.path}: no features for {len(missing)} utterances, the first is {missing[0]}; {FIX}",
                code="features-missing",
            )

    def read(self, utt: str) -> np.ndarray:
        """Features of one utterance, float32 (T, dim).

        Raises:
            UserError: there are none, they are not finite, or the archive does not match the tables.
        """
        self.require([utt])
        import kaldiio
        import numpy as np

        entry = self.path / self.entries[utt]
        try:
            _require_binary(entry)
            matrix = kaldiio.load_mat(str(entry))
        except (OSError, ValueError, AssertionError, RuntimeError, struct.error) as error:
            raise UserError(f"{entry}: {utt} cannot be read ({error}); {FIX}", code="features-damaged") from None
        expected = (self.frames[utt], self.dim)
        if matrix.shape != expected:
            raise UserError(
                f"{entry}: {utt} has shape {matrix.shape}, expected {expected}; {FIX}", code="features-damaged"
            )
        if not len(matrix) or not np.isfinite(matrix).all():
            found = "values that are not finite" if len(matrix) else "no frames"
            raise UserError(f"{entry}: {utt} has {found}; {FIX}", code="features-not-finite")
        return matrix.astype(np.float32, copy=False)

    def read_all(self, utts: Sequence[str], max_frames: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Features of many utterances in one array, each truncated to ``max_frames`` frames.

        Returns:
            flat (N, dim) float32, and offsets (len(utts) + 1,) int64: utterance i is ``flat[offsets[i]:offsets[i+1]]``.
        """
        import numpy as np

        self.require(utts)
        lengths = [self.frames[utt] if max_frames is None else min(self.frames[utt], max_frames) for utt in utts]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        flat = _empty(int(offsets[-1]), self.dim)
        for i, utt in enumerate(utts):
            flat[offsets[i] : offsets[i + 1]] = self.read(utt)[: lengths[i]]
        return flat, offsets


def _require_binary(entry: Path) -> None:
    """Raise ValueError unless the entry is a binary Kaldi object: kaldiio would run commands, and unpickle."""
    path, _, offset = str(entry).rpartition(":")
    if "|" in offset or not offset.isdecimal():
        raise ValueError("expected FILE:OFFSET")
    with open(path, "rb") as file:
        file.seek(int(offset))
        if file.read(2) != b"\0B":
            raise ValueError("no binary Kaldi object at this offset")


def _empty(rows: int, columns: int) -> np.ndarray:
    import numpy as np

    if rows * columns * 4 <= MAX_IN_MEMORY:
        return np.empty((rows, columns), np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(rows, columns))


def write_archive(stem: Path, matrices: Iterable[tuple[str, np.ndarray]]) -> dict[str, int]:
    """Write ``stem.ark``, then ``stem.scp`` (absolute paths), both atomically.

    Args:
        stem: path without the suffix.
        matrices: (utterance, float32 (T, dim)) pairs; consumed one by one.

    Returns:
        utterance -> T.
    """
    import kaldiio

    frames, lines = {}, []
    ark = stem.parent.resolve() / f"{stem.name}.ark"
    with atomic(ark, "wb") as out:
        for utt, matrix in matrices:
            lines.append(f"{utt} {ark}:{out.tell() + len(utt.encode()) + 1}\n")
            kaldiio.save_ark(out, {utt: matrix})
            frames[utt] = len(matrix)
    with atomic(ark.with_suffix(".scp")) as out:
        out.writelines(lines)
    return frames
