"""Reading x-vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.paths import read_yaml

if TYPE_CHECKING:
    import numpy as np


def read_vectors(path: str | os.PathLike, utts: Sequence[str]) -> np.ndarray:
    """Vectors of utterances, from a Kaldi ``xvector.scp`` of whatever origin.

    Returns:
        (len(utts), X) float32

    Raises:
        UserError: no such file, no vector for an utterance, an archive that cannot be read, vectors of different
            length or with values that are not finite.
    """
    import kaldiio
    import numpy as np

    try:
        table = kaldiio.load_scp(os.fspath(path))
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as an scp file: {error}; make it with stage 2 (xvector)") from None
    missing = [utt for utt in utts if utt not in table]
    if missing:
        raise UserError(
            f"{path}: no x-vector for {len(missing)} of {len(utts)} utterances, the first is {missing[0]}; make them "
            "with stage 2 (xvector), and not with --unvoiced drop"
        )
    rows: list[np.ndarray] = []
    for utt in utts:
        try:
            row = np.asarray(table[utt], np.float32)
        except (OSError, ValueError, AssertionError) as error:
            raise UserError(f"{path}: {utt} cannot be read ({error}); make it again with stage 2 (xvector)") from None
        if row.ndim != 1 or (rows and row.shape != rows[0].shape) or not np.isfinite(row).all():
            expected = f"{len(rows[0])} finite values" if rows else "a vector of finite values"
            raise UserError(f"{path}: {utt}: expected {expected}, found an array of shape {row.shape}")
        rows.append(row)
    return np.stack(rows)


def model_name(path: str | os.PathLike) -> str:
    """Name of the network that made an ``xvector.scp``, as stage 2 notes it beside; ``given`` without such a note."""
    facts = Path(path).with_name("xvector.yaml")
    return str(read_yaml(facts).get("name", "given")) if facts.is_file() else "given"
