"""Speaker verification with cosine scores: do the vectors of one speaker lie closer than those of two?

A trial is a pair of utterances: a *target* where one speaker spoke both, a *nontarget* otherwise. At a threshold t the
pair is accepted where its score is at least t. False-accept rate FA(t): accepted nontargets / nontargets; false-reject
rate FR(t): rejected targets / targets.
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

BLOCK = 1 << 15  # listed trials scored at a time
LABELS = {"target": True, "nontarget": False}


@dataclass(frozen=True)
class VerificationResult:
    """Equal error rates (0 to 1) of raw and of centred vectors, the raw threshold, and what was counted."""

    eer: float
    centred: float
    threshold: float
    targets: int
    nontargets: int
    zero: int

    def line(self, **facts: object) -> str:
        """The one line that is printed; ``facts`` follow as name=value."""
        counts = {"trials": self.targets + self.nontargets, "target": self.targets, "nontarget": self.nontargets}
        named = {"threshold": f"{self.threshold:.4f}", **counts, "zero": self.zero, **facts}
        rates = f"EER {100 * self.eer:.2f} % (centred {100 * self.centred:.2f} %)"
        return " ".join([rates, *(f"{name}={value}" for name, value in named.items())])


def equal_error_rate(targets: np.ndarray, nontargets: np.ndarray) -> tuple[float, float]:
    """Where false accepts are as frequent as false rejects.

    The distinct scores s_1 < … < s_m as thresholds, and one above all of them, give the points (FA, FR) from (1, 0) to
    (0, 1); equal scores are accepted or rejected together. The points in this order, joined by straight lines, cross
    FA = FR once: the rate is that of the crossing, and the threshold is interpolated with it. (This is where the ROC
    curve meets the diagonal from (0, 1) to (1, 0).) Scores that are all the same give 0.5.

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
    """Equal error rate of an ``xvector.scp`` on all pairs of a data directory's utterances, or on the listed pairs.

    Centred means that the mean of the vectors in use is subtracted from each. A vector of zeros (an utterance without a
    voiced frame, extracted with ``--unvoiced zero``) says nothing: it is excluded from the mean, and its cosine with
    any other is 0, raw and centred.

    Args:
        xvectors: Kaldi table of float vectors, one per utterance.
        data: whose ``spk`` says who speaks.
        trials: file of lines ``utt1 utt2 target|nontarget``; None for all pairs of the data directory.

    Raises:
        UserError: no vector for an utterance, vectors of different length or with values that are not finite, a line
            that is no trial or contradicts the speakers, or no target or no nontarget among the trials.
    """
    listed = None if trials is None else read_trials(trials, data)
    used = data.utts if listed is None else sorted({utt for pair in listed for utt in pair[:2]})
    utts = sorted(used, key=lambda utt: (data.spk[utt], utt))
    vectors = read_vectors(xvectors, utts)
    spoken = np.any(vectors, axis=1)
    if listed is None:
        speakers = Counter(data.spk[utt] for utt in utts)
        _require(any(n > 1 for n in speakers.values()), len(speakers) > 1, str(data.path))
        outcomes = [_all_pairs(_unit(v), list(speakers.values())) for v in (vectors, _centred(vectors, spoken))]
    else:
        row = {utt: i for i, utt in enumerate(utts)}
        pairs = np.array([(row[left], row[right]) for left, right, _ in listed])
        same = np.array([target for *_, target in listed])
        _require(bool(same.any()), not same.all(), str(trials))
        outcomes = [_listed_pairs(_unit(v), pairs, same) for v in (vectors, _centred(vectors, spoken))]
    (eer, threshold), (centred, _) = (equal_error_rate(*scores) for scores in outcomes)
    targets, nontargets = outcomes[0]
    return VerificationResult(eer, centred, threshold, len(targets), len(nontargets), int((~spoken).sum()))


def read_trials(path: str | os.PathLike, data: DataDir) -> list[tuple[str, str, bool]]:
    """Kaldi's list of trials: (utterance, utterance, whether one speaker spoke both) in file order."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a list of trials: {error}", code="file-unreadable") from None
    trials = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) != 3 or words[2] not in LABELS:
            raise UserError(
                f"{path}:{number}: expected 'utt1 utt2 target|nontarget', found {line[:80]!r}", code="trial-line"
            )
        unknown = [utt for utt in words[:2] if utt not in data.spk]
        if unknown:
            raise UserError(
                f"{path}:{number}: {unknown[0]} is not in {data.path}; a trial names two of its utterances",
                code="utterance-unknown",
            )
        if words[0] == words[1]:
            raise UserError(
                f"{path}:{number}: {words[0]} with itself is no trial; remove the line", code="trial-itself"
            )
        same = data.spk[words[0]] == data.spk[words[1]]
        if same != LABELS[words[2]]:
            raise UserError(
                f"{path}:{number}: {words[2]}, but in {data.path} {words[0]} and {words[1]} have "
                f"{'one speaker' if same else 'two speakers'}; correct the line, or utt2spk",
                code="trial-speakers",
            )
        trials.append((words[0], words[1], same))
    if not trials:
        raise UserError(f"{path}: no trials in it", code="trials-missing")
    return trials


def _require(targets: bool, nontargets: bool, where: str) -> None:
    for present, lack, fix in (
        (nontargets, "nontarget: all utterances have one speaker", "data of two or more speakers"),
        (targets, "target: no speaker has two utterances", "data with two or more utterances of a speaker"),
    ):
        if not present:
            raise UserError(
                f"{where}: no trial is a {lack}; an equal error rate needs both kinds: take {fix}",
                code="trials-missing",
            )


def _centred(vectors: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Vectors without the mean of those that are not zero; zero vectors stay zero."""
    mean = vectors[spoken].mean(axis=0, dtype=np.float64) if spoken.any() else 0.0
    return np.where(spoken[:, None], vectors - mean, 0.0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1, zero vectors of length 0, in float32."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0).astype(np.float32)


def _all_pairs(unit: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Target and nontarget scores of all pairs; the rows are sorted by speaker, ``sizes`` of each."""
    targets, nontargets = zip(*_speaker_blocks(unit, sizes), strict=True)
    return np.concatenate(targets), np.concatenate(nontargets)


def _speaker_blocks(unit: np.ndarray, sizes: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    end = 0
    for size in sizes:
        own, end = unit[end : end + size], end + size
        yield (own @ own.T)[np.triu_indices(size, 1)], (own @ unit[end:].T).ravel()


def _listed_pairs(unit: np.ndarray, pairs: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Target and nontarget scores of the listed pairs of rows."""
    blocks = (pairs[i : i + BLOCK] for i in range(0, len(pairs), BLOCK))
    scores = np.concatenate([np.einsum("ij,ij->i", unit[left], unit[right]) for left, right in (b.T for b in blocks)])
    return scores[same], scores[~same]
