"""Speaker verification with cosine scores.

A trial is a pair of utterances: a *target* trial if they have the same speaker, a *nontarget* trial otherwise. At a
threshold t a pair is accepted if its score is at least t. False-accept rate FA(t): accepted nontargets / nontargets;
false-reject rate FR(t): rejected targets / targets.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.xvector.vectors import read_vectors

BLOCK_SIZE = 1 << 15  # listed trials scored at a time
LABELS = {"target": True, "nontarget": False}


@dataclass(frozen=True)
class VerificationResult:
    """Equal error rates (0 to 1) of raw and centred vectors, threshold of the raw ones, and counts."""

    eer: float
    centred: float
    threshold: float
    targets: int
    nontargets: int
    zero: int

    def line(self, **facts: object) -> str:
        """The result as one line; ``facts`` follow as name=value."""
        counts = {"trials": self.targets + self.nontargets, "target": self.targets, "nontarget": self.nontargets}
        named = {"threshold": f"{self.threshold:.4f}", **counts, "zero": self.zero, **facts}
        rates = f"EER {100 * self.eer:.2f} % (centred {100 * self.centred:.2f} %)"
        return " ".join([rates, *(f"{name}={value}" for name, value in named.items())])


def equal_error_rate(targets: np.ndarray, nontargets: np.ndarray) -> tuple[float, float]:
    """Equal error rate, where FA = FR, and its threshold.

    The distinct scores s_1 < … < s_m as thresholds, and one above all of them, give the points (FA, FR) from (1, 0) to
    (0, 1); equal scores are accepted or rejected together. The points in this order, joined by straight lines, cross
    FA = FR once: the rate is that of the crossing, and the threshold is interpolated accordingly. (This is where the
    ROC curve meets the diagonal from (0, 1) to (1, 0).) If all scores are equal, the rate is 0.5.

    Args:
        targets: (m,) scores of target trials, m > 0.
        nontargets: (n,) scores of nontarget trials, n > 0.

    Returns:
        rate (0 to 1) and threshold.
    """
    targets, nontargets = np.sort(targets), np.sort(nontargets)
    thresholds = np.unique(np.concatenate([targets, nontargets]))

    def rates(i: int) -> tuple[float, float]:
        if i == len(thresholds):
            return 0.0, 1.0
        rejected = np.searchsorted(nontargets, thresholds[i]) / len(nontargets)
        return 1 - rejected, np.searchsorted(targets, thresholds[i]) / len(targets)

    above = bisect_left(range(len(thresholds)), True, key=lambda i: np.less_equal(*rates(i)))  # FA falls, FR rises
    (accept_low, reject_low), (accept_high, reject_high) = rates(above - 1), rates(above)
    share = (accept_low - reject_low) / (accept_low - reject_low + reject_high - accept_high)
    low, high = thresholds[above - 1], thresholds[min(above, len(thresholds) - 1)]
    return accept_low + share * (accept_high - accept_low), float(low + share * (high - low))


def score(xvectors: str | os.PathLike, data: DataDir, trials: str | os.PathLike | None = None) -> VerificationResult:
    """Equal error rate of the vectors in an ``xvector.scp`` on all pairs of utterances, or on listed pairs.

    Centred vectors are those minus the mean of the vectors in use. A zero vector (of an utterance without a voiced
    frame, extracted with ``--unvoiced zero``) is excluded from the mean, and its cosine with any other is 0, raw and
    centred.

    Args:
        xvectors: Kaldi table of float vectors, one per utterance.
        data: data directory with the speakers of the utterances.
        trials: file of lines ``utt1 utt2 target|nontarget``; None for all pairs of the data directory.

    Raises:
        UserError: an utterance has no vector, vectors have different length or values that are not finite, a line is
            not a trial or contradicts the speakers, or there are no target or no nontarget trials.
    """
    listed = None if trials is None else read_trials(trials, data)
    used = data.utts if listed is None else sorted({utt for pair in listed for utt in pair[:2]})
    utts = sorted(used, key=lambda utt: (data.spk[utt], utt))
    vectors = read_vectors(xvectors, utts)
    nonzero = np.any(vectors, axis=1)
    if listed is None:
        speakers = Counter(data.spk[utt] for utt in utts)
        _require(any(n > 1 for n in speakers.values()), len(speakers) > 1, str(data.path))
        outcomes = [_all_pairs(_unit(v), list(speakers.values())) for v in (vectors, _centred(vectors, nonzero))]
    else:
        row = {utt: i for i, utt in enumerate(utts)}
        pairs = np.array([(row[left], row[right]) for left, right, _ in listed])
        same = np.array([target for *_, target in listed])
        _require(bool(same.any()), not same.all(), str(trials))
        outcomes = [_listed_pairs(_unit(v), pairs, same) for v in (vectors, _centred(vectors, nonzero))]
    (eer, threshold), (centred, _) = (equal_error_rate(*scores) for scores in outcomes)
    targets, nontargets = outcomes[0]
    return VerificationResult(eer, centred, threshold, len(targets), len(nontargets), int((~nonzero).sum()))


def read_trials(path: str | os.PathLike, data: DataDir) -> list[tuple[str, str, bool]]:
    """Trials of a Kaldi list: (utterance, utterance, whether they have the same speaker) in file order."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a list of trials: {error}", code="file-unreadable") from None
    trials = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if len(fields) != 3 or fields[2] not in LABELS:
            raise UserError(
                f"{path}:{number}: expected 'utt1 utt2 target|nontarget', found {line[:80]!r}", code="trial-line"
            )
        left, right, label = fields
        unknown = [utt for utt in (left, right) if utt not in data.spk]
        if unknown:
            raise UserError(
                f"{path}:{number}: {unknown[0]} is not in {data.path}; a trial is a pair of its utterances",
                code="utterance-unknown",
            )
        if left == right:
            raise UserError(f"{path}:{number}: a trial of {left} with itself; remove the line", code="trial-itself")
        same = data.spk[left] == data.spk[right]
        if same != LABELS[label]:
            raise UserError(
                f"{path}:{number}: {label}, but in {data.path} {left} and {right} have "
                f"{'the same speaker' if same else 'different speakers'}; correct the line, or utt2spk",
                code="trial-speakers",
            )
        trials.append((left, right, same))
    if not trials:
        raise UserError(f"{path}: has no trials", code="trials-missing")
    return trials


def _require(targets: bool, nontargets: bool, where: str) -> None:
    for present, lack, fix in (
        (nontargets, "nontarget: all utterances have one speaker", "data of two or more speakers"),
        (targets, "target: no speaker has two utterances", "data with a speaker of two or more utterances"),
    ):
        if not present:
            raise UserError(
                f"{where}: no trial is a {lack}; an equal error rate needs both kinds: use {fix}",
                code="trials-missing",
            )


def _centred(vectors: np.ndarray, nonzero: np.ndarray) -> np.ndarray:
    """Vectors minus the mean of the nonzero ones; zero vectors stay zero."""
    mean = vectors[nonzero].mean(axis=0, dtype=np.float64) if nonzero.any() else 0.0
    return np.where(nonzero[:, None], vectors - mean, 0.0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors normalised to length 1, in float32; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0).astype(np.float32)


def _all_pairs(unit: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Target and nontarget scores of all pairs; rows are sorted by speaker, with ``sizes`` rows per speaker."""
    targets, nontargets = zip(*_speaker_blocks(unit, sizes), strict=True)
    return np.concatenate(targets), np.concatenate(nontargets)


def _speaker_blocks(unit: np.ndarray, sizes: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    end = 0
    for size in sizes:
        speaker, end = unit[end : end + size], end + size
        yield (speaker @ speaker.T)[np.triu_indices(size, 1)], (speaker @ unit[end:].T).ravel()


def _listed_pairs(unit: np.ndarray, pairs: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Target and nontarget scores of the listed pairs of rows."""
    blocks = (pairs[i : i + BLOCK_SIZE] for i in range(0, len(pairs), BLOCK_SIZE))
    scores = np.concatenate([np.einsum("ij,ij->i", unit[left], unit[right]) for left, right in (b.T for b in blocks)])
    return scores[same], scores[~same]
