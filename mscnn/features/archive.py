"""Feature archives: Kaldi ``ark,scp`` pairs beside the options that made them."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.features.config import options_hash
from mscnn.files import atomic, read_table, read_yaml

if TYPE_CHECKING:
    import numpy as np

FIX = "make the features with stage 3: ./run.sh --stage features --stop-stage features"
IN_MEMORY = 4 << 30  # bytes; a larger flat array is a memory map of an unnamed file


@dataclass(frozen=True)
class FeatureDir:
    """Features of a data set: one float32 matrix (T, ``dim``) per utterance.

    ``frame_shift`` is in seconds. ``hash`` names the options, ``content`` the very numbers: whoever builds on the
    features can fingerprint ``feature.yaml`` alone. ``frames`` maps every utterance to its T.

    ``feats.scp`` has absolute paths, as Kaldi's tools expect; here archives are looked for beside it, so that a folder
    that was moved or copied reads its own archives.
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
        """Open a folder that stage 3 wrote.

        Raises:
            UserError: unfinished, options that do not fit their hash, tables of different utterances, or an archive
                that is gone.
        """
        path = Path(path)
        if not (path / "feature.yaml").is_file():
            raise UserError(f"{path}: no finished features here (no feature.yaml); {FIX}", code="features-missing")
        facts = read_yaml(path / "feature.yaml")
        try:
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
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}: feature.yaml or utt2num_frames is not what stage 3 writes ({error!r}); {FIX}",
                code="features-damaged",
            ) from None
        features._check()
        return features

    @property
    def title(self) -> str:
        """Name of the feature; how edges were trimmed and which network made it, if they were and if one did."""
        trim_db, model = self.options.get("trim_db"), self.options.get("model")
        trimmed = "" if trim_db is None else f" trim_db={trim_db:g}"
        return f"{self.feature}{trimmed}" + (f" model={model}" if model else "")

    def _check(self) -> None:
        where = self.path / "feature.yaml"
        if self.hash != options_hash(self.options):
            raise UserError(
                f"{where}: the options were edited after the features were made; {FIX}", code="features-stale"
            )
        if self.frames.keys() != self.entries.keys():
            raise UserError(
                f"{self.path}: feats.scp and utt2num_frames list different utterances; {FIX}", code="features-damaged"
            )
        for archive in sorted({entry.rpartition(":")[0] for entry in self.entries.values()}):
            if not (self.path / archive).is_file():
                raise UserError(
                    f"{self.path / archive}: not there, though feats.scp names it; {FIX}", code="features-damaged"
                )

    def require(self, utts: Iterable[str]) -> None:
        """Raise UserError unless every utterance has features."""
        missing = [utt for utt in utts if utt not in self.entries]
        if missing:
            raise UserError(
                f"{self.path}: no features of {len(missing)} utterances, the first is {missing[0]}; {FIX}",
                code="features-missing",
            )

    def read(self, utt: str) -> np.ndarray:
        """Features of one utterance, float32 (T, dim).

        Raises:
            UserError: there are none, or the archive does not hold what the tables say.
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
        return matrix.astype(np.float32, copy=False)

    def read_all(self, utts: Sequence[str], max_frames: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Features of many utterances in one array; of each at most the first ``max_frames`` frames.

        Returns:
            flat (N, dim) float32, and offsets (len(utts) + 1,) int64: utterance i is ``flat[offsets[i]:offsets[i+1]]``.
        """
        import numpy as np

        self.require(utts)
        lengths = [self.frames[utt] if max_frames is None else min(self.frames[utt], max_frames) for utt in utts]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        flat = _flat(int(offsets[-1]), self.dim)
        for i, utt in enumerate(utts):
            flat[offsets[i] : offsets[i + 1]] = self.read(utt)[: lengths[i]]
        return flat, offsets


def _require_binary(entry: Path) -> None:
    """Raise ValueError unless a Kaldi object in binary form stands there: kaldiio would run commands, and unpickle."""
    path, _, offset = str(entry).rpartition(":")
    if "|" in offset or not offset.isdecimal():
        raise ValueError("expected FILE:OFFSET")
    with open(path, "rb") as file:
        file.seek(int(offset))
        if file.read(2) != b"\0B":
            raise ValueError("no binary Kaldi object at this place")


def _flat(rows: int, columns: int) -> np.ndarray:
    import numpy as np

    if rows * columns * 4 <= IN_MEMORY:
        return np.empty((rows, columns), np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(rows, columns))


def write_archive(stem: Path, matrices: Iterable[tuple[str, np.ndarray]]) -> dict[str, int]:
    """Write ``stem.ark``, then ``stem.scp`` (absolute paths); both appear whole or not at all.

    Args:
        stem: path without the ending.
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
