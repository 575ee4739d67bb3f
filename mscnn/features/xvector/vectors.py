"""Reading x-vectors."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.files import read_table
from mscnn.paths import read_yaml

if TYPE_CHECKING:
    import numpy as np


def read_vectors(path: str | os.PathLike, utts: Sequence[str]) -> np.ndarray:
    """Vectors of utterances, from a Kaldi ``xvector.scp`` of whatever origin.

    Returns:
        (len(utts), X) float32

    Raises:
        UserError: no such file, no vector for an utterance, a command in the place of an archive, an archive that
            cannot be read, vectors of different length or with values that are not finite.
    """
    import numpy as np

    table = read_table(path)
    missing = [utt for utt in utts if utt not in table]
    if missing:
        raise UserError(
            f"{path}: no x-vector for {len(missing)} of {len(utts)} utterances, the first is {missing[0]}; make them "
            "with stage 2 (xvector), and not with --unvoiced drop"
        )
    rows: list[np.ndarray] = []
    for utt in utts:
        try:
            row = _load(table[utt])
        except (OSError, ValueError, AssertionError, struct.error, MemoryError, OverflowError) as error:
            raise UserError(f"{path}: {utt} cannot be read ({error}); make it again with stage 2 (xvector)") from None
        if row.ndim != 1 or (rows and row.shape != rows[0].shape) or not np.isfinite(row).all():
            expected = f"{len(rows[0])} finite values" if rows else "a vector of finite values"
            raise UserError(f"{path}: {utt}: expected {expected}, found an array of shape {row.shape}")
        rows.append(row)
    return np.stack(rows)


def _load(entry: str) -> np.ndarray:
    """One vector of an archive; kaldiio would run an entry with a pipe in a shell."""
    import kaldiio
    import numpy as np

    if "|" in entry:
        raise ValueError(f"a command, {entry[:60]!r}: only files are read")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(kaldiio.load_mat(entry), np.float32)


def require_finite(vectors: Mapping[str, np.ndarray], model: Path) -> None:
    """Raise UserError where a vector has values that are no numbers."""
    import numpy as np

    bad = [utt for utt, vector in vectors.items() if not np.isfinite(vector).all()]
    if bad:
        raise UserError(f"{model}: {bad[0]}, one of {len(bad)}: the x-vector is not finite; the network is damaged")


def model_name(path: str | os.PathLike) -> str:
    """Name of the network that made an ``xvector.scp``, as stage 2 notes it beside; ``given`` without such a note."""
    facts = Path(path).with_name("xvector.yaml")
    return str(read_yaml(facts).get("name", "given")) if facts.is_file() else "given"
