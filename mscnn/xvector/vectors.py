"""Reading x-vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.files import read_table, read_yaml
from mscnn.stamp import SEAL, require_intact

if TYPE_CHECKING:
    import numpy as np

DTYPES = {b"\0BFV \4": "<f4", b"\0BDV \4": "<f8"}
MATRICES = {b"\0BFM \4": "<f4", b"\0BDM \4": "<f8"}  # some programs write a vector as a matrix of one row
MAX_DIM = 1 << 20  # values of a vector; a file that states more is damaged


def read_vectors(path: str | os.PathLike, utts: Sequence[str]) -> np.ndarray:
    """Vectors of utterances from a Kaldi ``xvector.scp`` of any origin.

    Returns:
        (len(utts), X) float32

    Raises:
        UserError: the file or a vector is missing, an entry is a command, an archive cannot be read, or vectors have
            different lengths or values that are not finite.
    """
    import numpy as np

    _require_intact(Path(path))
    table = read_table(path)
    missing = [utt for utt in utts if utt not in table]
    if missing:
        raise UserError(
            f"{path}: no x-vector for {len(missing)} of {len(utts)} utterances, the first is {missing[0]}; extract "
            "them with stage 2 (xvector), without --unvoiced drop",
            code="xvector-missing",
        )
    if commands := [utt for utt in utts if "|" in (table[utt][:1], table[utt][-1:])]:
        raise UserError(
            f"{path}: {commands[0]}, one of {len(commands)}, is a command, {table[commands[0]][:60]!r}, and commands "
            "are not run; write the vectors to a file with Kaldi's copy-vector",
            code="xvector-command",
        )
    rows: list[np.ndarray] = []
    for utt in utts:
        try:
            row = _load(table[utt])
        except (OSError, OverflowError, ValueError) as error:
            raise UserError(
                f"{path}: {utt} cannot be read ({error}); extract it again with stage 2 (xvector) or what made it",
                code="xvector-damaged",
            ) from None
        expected = len(rows[0]) if rows else len(row)
        if len(row) != expected or not np.isfinite(row).all():
            raise UserError(
                f"{path}: {utt}: expected {expected} finite values, found {len(row)}, {np.isfinite(row).sum()} of them "
                "finite; extract it again with stage 2 (xvector) or what made it",
                code="xvector-damaged",
            )
        rows.append(row)
    return np.stack(rows)


def _require_intact(path: Path) -> None:
    """Raise UserError where stage 2 wrote the vectors and a file is damaged since."""
    if path.name == "xvector.scp":
        require_intact(path.with_name(SEAL), "extract the x-vectors again with stage 2 (xvector)", "xvector-damaged")


def _load(entry: str) -> np.ndarray:
    """One vector (X,), binary or text, at ``file:offset`` or in a separate file; a matrix of one row is a vector.

    kaldiio is not used here: it runs commands, unpickles, and reads a truncated vector as a shorter one.
    """
    import numpy as np

    path, _, offset = entry.rpartition(":")
    if not offset.isdecimal():
        path, offset = entry, "0"
    with open(path, "rb") as file:
        file.seek(int(offset))
        head = file.read(10)
        if head.lstrip().startswith(b"["):
            lines = (head + file.read(MAX_DIM * 32)).partition(b"]")
            rows = [row for row in lines[0].lstrip().removeprefix(b"[").splitlines() if row.strip()]
            if len(rows) > 1:
                raise ValueError(f"{entry}: a matrix of {len(rows)} rows, expected a vector: one row")
            tokens = b" ".join([b"[", *rows, lines[1]]).split()
            if len(tokens) < 3 or tokens[-1] != b"]":
                raise ValueError(f"{entry}: expected the values of a text vector between brackets")
            return np.array(tokens[1:-1], np.float32)
        dtype, size = DTYPES.get(head[:6]), int.from_bytes(head[6:], "little")
        if head[:6] in MATRICES:
            rest = file.read(5)
            dtype, rows_stated, size = MATRICES[head[:6]], size, int.from_bytes(rest[1:], "little")
            if rows_stated != 1 or rest[:1] != b"\4":
                raise ValueError(f"{entry}: a {rows_stated} x {size} matrix, expected a vector: one row")
        if dtype is None or not 0 < size <= MAX_DIM:
            raise ValueError(f"{entry}: not a Kaldi vector")
        data = file.read(size * int(dtype[-1]))
    if len(data) < size * int(dtype[-1]):
        raise ValueError(f"{entry}: truncated")
    with np.errstate(over="ignore"):
        return np.frombuffer(data, dtype).astype(np.float32)


def require_finite(vectors: Mapping[str, np.ndarray], model: Path) -> None:
    """Raise UserError where a vector has values that are not finite."""
    import numpy as np

    invalid = [utt for utt, vector in vectors.items() if not np.isfinite(vector).all()]
    if invalid:
        raise UserError(
            f"{model}: {invalid[0]}, one of {len(invalid)}: the x-vector is not finite; the network is damaged",
            code="xvector-not-finite",
        )


def model_name(path: str | os.PathLike) -> str:
    """Name of the network of an ``xvector.scp``, from the ``xvector.yaml`` of stage 2; ``given`` without that file."""
    _require_intact(Path(path))
    facts = Path(path).with_name("xvector.yaml")
    return str(read_yaml(facts).get("name", "given")) if facts.is_file() else "given"
