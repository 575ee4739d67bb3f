"""Voices on both sides of a fold, by x-vectors: for corpora that do not name their speakers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol
from mscnn.files import read_table
from mscnn.log import get_logger

if TYPE_CHECKING:
    import numpy as np

SHARED = 0.4  # share of test utterances from which voices seem to be on both sides
MOST = 2000  # utterances of a part that are compared; of more, as many, evenly spaced
BLOCK = 256


def shared_voices(folds: Sequence[Fold], data: DataDir, xvectors: str | os.PathLike) -> float:
    """Share of test utterances that are as near to training as training utterances are to each other, 0 to 1.

    Near is the cosine similarity of x-vectors, less their mean over the training part, to the nearest training
    utterance; the limit is the median of the training utterances, each compared with the others. With the same voices
    in both parts the share is about one half, whatever the network. Measured with the network ``espeak``: 0.49 to 0.52
    in random folds of RAVDESS and mini_iemocap; 0.29 to 0.35 (RAVDESS) and 0.08 to 0.21 (mini_iemocap) in folds with
    disjoint speakers.

    Args:
        folds: folds of ``data``.
        xvectors: an ``xvector.scp``; utterances that it lacks are left aside.

    Raises:
        UserError: a vector is damaged.
    """
    import numpy as np

    from mscnn.xvector.vectors import read_vectors

    known = read_table(xvectors)
    rows = {utt: i for i, utt in enumerate(utt for utt in data.utts if utt in known)}
    vectors = read_vectors(xvectors, [*rows])
    near = []
    for fold in folds:
        train, test = ([rows[utt] for utt in utts if utt in rows] for utts in (fold.train, fold.test))
        centred = vectors - vectors[train].mean(axis=0)
        unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
        limit = np.median(_nearest(unit, _some(train), train))
        near.append(_nearest(unit, _some(test), train) >= limit)
    return float(np.concatenate(near).mean())


def _some(rows: Sequence[int]) -> Sequence[int]:
    return rows[:: -(-len(rows) // MOST)]


def _nearest(unit: np.ndarray, queries: Sequence[int], others: Sequence[int]) -> np.ndarray:
    """Similarity (n,) of each query to the nearest of the others, itself excepted."""
    import numpy as np

    best = []
    for start in range(0, len(queries), BLOCK):
        block = np.asarray(queries[start : start + BLOCK])
        scores = unit[block] @ unit[others].T
        scores[block[:, None] == np.asarray(others)[None, :]] = -1
        best.append(scores.max(axis=1))
    return np.concatenate(best)


def warn_of_voices(data: DataDir, protocols: Sequence[str], xvectors: str | os.PathLike) -> list[str]:
    """Warn of protocols in whose folds voices seem to be on both sides; returns their names.

    Nothing is compared where the corpus names its speakers, or where there are no x-vectors.
    """
    warned = []
    for name in protocols if not data.speakers_known and Path(xvectors).is_file() else ():
        share = shared_voices(Protocol.load(name).folds(data), data, xvectors)
        if share >= SHARED:
            warned.append(name)
            get_logger("audit").warning(
                "%s: %s: voices seem to be on both sides: %.0f %% of the test utterances are as near to a training "
                "utterance, by x-vectors, as training utterances are to each other (half, if all voices are in both; "
                "warned of from %.0f %%): scores for new speakers are lower",
                data.path,
                name,
                100 * share,
                100 * SHARED,
            )
    return warned
