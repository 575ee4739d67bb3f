"""Feature archives: Kaldi ``ark,scp`` pairs and the options that produced them.

The archives are the store of the features: what reads them maps them into memory (:mod:`mscnn.features.store`).
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.errors import UserError
from mscnn.features.config import options_hash, title
from mscnn.features.store import Frames, Mapped, Maps
from mscnn.files import atomic, digest, read_table, read_yaml
from mscnn.stamp import SEAL, require_intact

FIX = "extract the features with stage 3: ./run.sh --stage features --stop-stage features"
HEADER = np.dtype([("kind", "S5"), ("size", "u1"), ("rows", "<i4"), ("size2", "u1"), ("columns", "<i4")])
FLOAT, HALF = b"\0BFM ", b"\0BHM "  # headers of binary matrices; Kaldi knows the first
TYPES: dict[bytes, np.dtype] = {FLOAT: np.dtype("<f4"), HALF: np.dtype("<f2")}


@dataclass(frozen=True, eq=False)
class FeatureDir:
    """Features of a data set: one matrix (T, ``dim``) of float32 or float16 per utterance.

    ``frame_shift`` is in seconds. ``hash`` is a digest of the options, ``content`` one of the values, so a fingerprint
    of ``feature.yaml`` covers the features. Features of transcripts name their ``text``, and have its digest.
    ``trained_on`` are corpora of which a pretrained network that made the features saw recordings. The index has an
    element per utterance: ``ids`` (bytes, sorted),
    ``num_frames``, the number of its file in ``maps``, and the ``offsets`` of its matrix there.

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
    ids: np.ndarray
    num_frames: np.ndarray
    maps: Maps
    file: np.ndarray
    offsets: np.ndarray
    text: str = ""
    text_digest: str = ""
    trained_on: tuple[str, ...] = ()

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
            frames, entries = read_table(path / "utt2num_frames"), read_table(path / "feats.scp")
            places = [entry.rpartition("/")[2].rpartition(":") for entry in entries.values()]
            names = sorted({name for name, _, _ in places})
            number = {name: i for i, name in enumerate(names)}
            features = cls(
                path=path,
                feature=facts["feature"],
                options=facts["options"],
                hash=facts["hash"],
                content=facts["content"],
                dim=int(np.int32(facts["dim"])),
                frame_shift=float(facts["frame_shift"]),
                ids=np.array([utt.encode() for utt in entries], np.bytes_),
                num_frames=np.array([int(n) for n in frames.values()], np.int64),
                maps=Maps([path / name for name in names]),
                file=np.array([number[name] for name, _, _ in places], np.int32),
                offsets=np.array([int(offset) for _, _, offset in places], np.int64),
                text=str(facts.get("text", "")),
                text_digest=str(facts.get("text_digest", "")),
                trained_on=tuple(map(str, facts.get("trained_on") or ())),
            )
            features._require_counts()
        except (KeyError, TypeError, ValueError, OverflowError, UserError) as error:
            raise UserError(
                f"{path}: feature.yaml, utt2num_frames or feats.scp was not written by stage 3 ({error!r}); {FIX}",
                code="features-damaged",
            ) from None
        features._check(frames.keys() == entries.keys())
        return features

    @property
    def title(self) -> str:
        """Name of the feature, with ``trim_db`` and the pretrained network where they were used."""
        return title(self.feature, self.options)

    @property
    def utts(self) -> list[str]:
        """Ids of the utterances, sorted."""
        return [utt.decode() for utt in self.ids.tolist()]

    def lengths(self, utts: Sequence[str]) -> np.ndarray:
        """Number of frames of each utterance (n,); raises UserError where one has no features."""
        return self.num_frames[self._at(utts)]

    def read(self, utt: str) -> np.ndarray:
        """Features of one utterance, float32 (T, dim); raises as :meth:`select`."""
        return self.select([utt]).matrix(0)

    def select(self, utts: Sequence[str]) -> Frames:
        """Features of utterances, mapped into memory.

        Matrices of other types, and compressed ones, are decoded into a temporary file.

        Raises:
            UserError: an utterance has no features, they are not finite, or the archive does not match the tables.
        """
        at = self._at(utts)
        frames = self._mapped(at) or self._decoded(at)
        empty = np.flatnonzero(frames.lengths == 0)
        wrong = int(empty[0]) if len(empty) else frames.not_finite()
        if wrong is not None:
            found = "no frames" if len(empty) else "values that are not finite"
            raise UserError(f"{self._entry(at[wrong])}: {utts[wrong]} has {found}; {FIX}", code="features-not-finite")
        return frames

    def _require_counts(self) -> None:
        if self.dim < 1 or (self.num_frames < 0).any() or (self.offsets < 0).any():
            raise ValueError("a dimension, number of frames or offset below its minimum")

    def _check(self, same_utterances: bool) -> None:
        where = self.path / "feature.yaml"
        if self.hash != options_hash(self.options):
            raise UserError(f"{where}: the options were edited after the extraction; {FIX}", code="features-stale")
        if not same_utterances:
            raise UserError(
                f"{self.path}: feats.scp and utt2num_frames list different utterances; {FIX}", code="features-damaged"
            )
        for archive in self.maps.paths:
            if not archive.is_file():
                raise UserError(f"{archive}: missing, but listed in feats.scp; {FIX}", code="features-damaged")

    def _at(self, utts: Sequence[str]) -> np.ndarray:
        """Indices of utterances; raises UserError where one has no features."""
        wanted = np.array([utt.encode() for utt in utts], np.bytes_)
        at = np.minimum(np.searchsorted(self.ids, wanted), max(len(self.ids) - 1, 0))
        missing = np.flatnonzero(self.ids[at] != wanted) if len(self.ids) else np.arange(len(wanted))
        if len(missing):
            raise UserError(
                f"{self.path}: no features for {len(missing)} utterances, the first is {utts[missing[0]]}; {FIX}",
                code="features-missing",
            )
        return at

    def _entry(self, at: int) -> str:
        return f"{self.maps.paths[self.file[at]]}:{self.offsets[at]}"

    def _mapped(self, at: np.ndarray) -> Frames | None:
        """Frames where they are stored; None unless all are matrices of one of TYPES and of the sizes in the tables."""
        offsets, lengths = self.offsets[at], self.num_frames[at]
        try:
            starts, sizes = self.maps.starts[self.file[at]], self.maps.sizes[self.file[at]]
        except (OSError, ValueError):  # of an empty file, or one that cannot be opened: decoding tells which
            return None
        room, headers = sizes - offsets - HEADER.itemsize, np.zeros(len(at), HEADER)
        inside = room >= 0
        headers[inside] = self.maps.take((starts + offsets)[inside], HEADER.itemsize).view(HEADER)
        kind = bytes(headers["kind"][0]) if len(at) else FLOAT
        if kind not in TYPES:
            return None
        rows = Mapped(self.maps, self.dim, TYPES[kind])
        right = (headers["kind"] == kind) & (headers["rows"] == lengths) & (headers["columns"] == self.dim)
        right &= lengths <= room // rows.pitch
        if not right.all():
            self._decode(at[right.argmin()])  # raises, unless it has another type
            return None
        return Frames(rows, starts + offsets + HEADER.itemsize, lengths, lengths)

    def _decoded(self, at: np.ndarray) -> Frames:
        """Frames in a temporary file, by kaldiio; raises UserError where an archive is damaged."""
        with tempfile.TemporaryFile() as file:
            for i in at:
                file.write(self._decode(i).astype("<f4").tobytes())
            file.flush()
            shape = (file.tell() // (4 * self.dim), self.dim)
            values = np.memmap(file, "<f4", "r", shape=shape) if shape[0] else np.empty(shape, np.float32)
        return Frames.flat(values, self.num_frames[at])

    def _decode(self, at: int) -> np.ndarray:
        import kaldiio

        entry, utt = self._entry(at), self.ids[at].decode()
        try:
            _require_binary(self.maps.paths[self.file[at]], int(self.offsets[at]))
            matrix = kaldiio.load_mat(entry)
        except (OSError, ValueError, AssertionError, RuntimeError, struct.error) as error:
            raise UserError(f"{entry}: {utt} cannot be read ({error}); {FIX}", code="features-damaged") from None
        expected = (int(self.num_frames[at]), self.dim)
        if matrix.shape != expected:
            raise UserError(
                f"{entry}: {utt} has shape {matrix.shape}, expected {expected}; {FIX}", code="features-damaged"
            )
        return matrix


def text_digest(texts: Mapping[str, str]) -> str:
    """Digest of the transcripts of all utterances, which ``feature.yaml`` has where features are made of them."""
    return digest(sorted(texts.items()))


def _require_binary(path: Path, offset: int) -> None:
    """Raise ValueError unless the entry is a binary Kaldi object: kaldiio would run commands, and unpickle."""
    with open(path, "rb") as file:
        file.seek(offset)
        if file.read(2) != b"\0B":
            raise ValueError("no binary Kaldi object at this offset")


def write_archive(stem: Path, matrices: Iterable[tuple[str, np.ndarray]], stored: str = "float32") -> dict[str, int]:
    """Write ``stem.ark``, then ``stem.scp`` (absolute paths), both atomically.

    Args:
        stem: path without the suffix.
        matrices: (utterance, float32 (T, dim)) pairs; consumed one by one.
        stored: type of the values, float32 or float16.

    Returns:
        utterance -> T.
    """
    import kaldiio

    frames, lines = {}, []
    ark = stem.parent.resolve() / f"{stem.name}.ark"
    with atomic(ark, "wb") as out:
        for utt, matrix in matrices:
            lines.append(f"{utt} {ark}:{out.tell() + len(utt.encode()) + 1}\n")
            if stored == "float16":
                rows, columns = (size.to_bytes(4, "little") for size in matrix.shape)
                out.write(b"%s %s\4%s\4%s" % (utt.encode(), HALF, rows, columns) + matrix.astype("<f2").tobytes())
            else:
                kaldiio.save_ark(out, {utt: matrix})
            frames[utt] = len(matrix)
    with atomic(ark.with_suffix(".scp")) as out:
        out.writelines(lines)
    return frames
