"""Equal error rates against brute force, scikit-learn and cases worked by hand."""

import itertools
import subprocess
import sys
from pathlib import Path

import kaldiio
import numpy as np
import pytest
from sklearn.metrics import roc_curve

from mscnn.data.datadir import DataDir
from mscnn.paths import ROOT
from mscnn.xvector.trials import equal_error_rate, score
from tests.raises import fails


def brute_force(targets, nontargets) -> float:
    """The crossing of the polyline through (FA, FR) with FA = FR, point by point in plain Python."""
    points = []
    for t in sorted({*targets, *nontargets, np.inf}):
        points.append((np.mean([s >= t for s in nontargets]), np.mean([s < t for s in targets])))
    for (fa0, fr0), (fa1, fr1) in itertools.pairwise(points):
        if fa0 >= fr0 and fa1 <= fr1:
            gap0, gap1 = fa0 - fr0, fa1 - fr1
            share = gap0 / (gap0 - gap1)
            return fa0 + share * (fa1 - fa0)
    raise AssertionError("the points end at (0, 1), so they must cross")


def by_sklearn(targets, nontargets) -> float:
    """Intersection of the ROC curve, joined by straight lines, with the diagonal FA = 1 - TA, by bisection."""
    scores = np.concatenate([targets, nontargets])
    truth = np.r_[np.ones(len(targets)), np.zeros(len(nontargets))]
    fa, ta, _ = roc_curve(truth, scores, drop_intermediate=False)
    along = np.cumsum(np.r_[0, np.abs(np.diff(fa)) + np.abs(np.diff(ta))])  # the curve may be vertical
    low, high = 0.0, along[-1]
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.interp(middle, along, fa - 1 + ta) < 0 else (low, middle)
    return float(np.interp(low, along, fa))


def test_by_hand():
    """Thresholds 1 2 3 4 give (FA, FR) = (1, 0), (2/3, 0), (1/3, 1/2), (0, 1/2): crossing between the 2nd and 3rd.

    There FA = 2/3 - s/3 and FR = s/2 meet at s = 4/5: rate 2/5, threshold 2 + 4/5.
    """
    rate, threshold = equal_error_rate(np.array([2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert rate == pytest.approx(2 / 5) and threshold == pytest.approx(2.8)


@pytest.mark.parametrize(
    "targets, nontargets, rate, threshold",
    [
        ([3, 4], [1, 2], 0.0, 3.0),  # separated: exactly the targets are accepted
        ([1, 2], [3, 4], 1.0, 3.0),  # reversed
        ([5, 5], [5, 5, 5], 0.5, 5.0),  # equal scores
        ([1, 3], [1, 3], 0.5, 3.0),
        ([0, 2], [-1, 1], 0.5, 1.0),
    ],
)
def test_simple_cases(targets, nontargets, rate, threshold):
    result = equal_error_rate(np.array(targets, float), np.array(nontargets, float))
    assert result == (pytest.approx(rate), pytest.approx(threshold))


@pytest.mark.parametrize("seed", range(20))
def test_against_brute_force_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    targets, nontargets = rng.normal(rng.uniform(0, 2), 1, rng.integers(1, 40)), rng.normal(size=rng.integers(1, 60))
    if seed % 2:  # many ties
        targets, nontargets = targets.round(), nontargets.round()
    rate, threshold = equal_error_rate(targets, nontargets)
    assert rate == pytest.approx(brute_force(targets, nontargets), abs=1e-12)
    assert rate == pytest.approx(by_sklearn(targets, nontargets), abs=1e-9)
    assert min(targets.min(), nontargets.min()) <= threshold <= max(targets.max(), nontargets.max())


def test_gaussian_scores_are_close_to_theory():
    """Two unit Gaussians 2 apart: the rate is Phi(-1) = 15.87 %."""
    rng = np.random.default_rng(0)
    rate, threshold = equal_error_rate(rng.normal(2, 1, 200_000), rng.normal(0, 1, 200_000))
    assert rate == pytest.approx(0.15866, abs=2e-3) and threshold == pytest.approx(1, abs=0.02)


def directory(folder: Path, spk: dict[str, str]) -> DataDir:
    wav = folder / "silence.wav"
    wav.touch()
    constant = {"wav.scp": wav, "text": "a", "utt2emo": "neu", "utt2dur": 1.0}
    DataDir.write(folder / "data", {"utt2spk": spk, **{name: dict.fromkeys(spk, v) for name, v in constant.items()}})
    return DataDir.load(folder / "data")


def archive(folder: Path, vectors: dict[str, np.ndarray]) -> Path:
    scp = folder / "xvector.scp"
    kaldiio.save_ark(str(folder / "xvector.ark"), vectors, scp=str(scp))
    return scp


@pytest.fixture
def speakers(tmp_path):
    """Three speakers of 4, 3 and 1 utterances; vectors with a large common mean."""
    rng = np.random.default_rng(3)
    spk = {f"s{s}-{i}": f"s{s}" for s, n in enumerate((4, 3, 1)) for i in range(n)}
    centres = rng.normal(size=(3, 8))
    vectors = {u: (centres[int(s[1])] + 0.7 * rng.normal(size=8) + 5).astype(np.float32) for u, s in spk.items()}
    return directory(tmp_path, spk), archive(tmp_path, vectors), vectors


def cosines(vectors, spk, pairs) -> tuple[list[float], list[float]]:
    scores = ([], [])
    for left, right in pairs:
        a, b = vectors[left].astype(float), vectors[right].astype(float)
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        scores[spk[left] != spk[right]].append(a @ b / norms if norms else 0.0)
    return scores


def centred(vectors, utts=None):
    mean = np.mean([v for u, v in vectors.items() if v.any() and (utts is None or u in utts)], axis=0, dtype=float)
    return {u: v - mean if v.any() else v for u, v in vectors.items()}


def test_all_pairs_are_scored_once(speakers):
    data, scp, vectors = speakers
    result = score(scp, data)
    pairs = list(itertools.combinations(data.utts, 2))
    assert (result.targets, result.nontargets, result.zero) == (6 + 3, 28 - 9, 0)
    assert result.eer == pytest.approx(brute_force(*cosines(vectors, data.spk, pairs)), abs=1e-6)
    assert result.centred == pytest.approx(brute_force(*cosines(centred(vectors), data.spk, pairs)), abs=1e-6)
    assert result.eer != result.centred


def test_listed_trials(speakers, tmp_path):
    data, scp, vectors = speakers
    pairs = [("s0-0", "s0-1"), ("s0-0", "s1-0"), ("s1-2", "s0-3"), ("s1-1", "s1-2"), ("s0-2", "s1-1")]
    trials = tmp_path / "trials"
    kinds = {True: "target", False: "nontarget"}
    trials.write_text("".join(f"{a} {b} {kinds[data.spk[a] == data.spk[b]]}\n" for a, b in pairs))
    result = score(scp, data, trials)
    used = {utt for pair in pairs for utt in pair}
    assert (result.targets, result.nontargets) == (2, 3)
    assert result.eer == pytest.approx(brute_force(*cosines(vectors, data.spk, pairs)), abs=1e-6)
    assert result.centred == pytest.approx(brute_force(*cosines(centred(vectors, used), data.spk, pairs)), abs=1e-6)


def test_all_pairs_listed_are_all_pairs(speakers, tmp_path):
    data, scp, _ = speakers
    kinds = {True: "target", False: "nontarget"}
    pairs = itertools.combinations(data.utts, 2)
    (tmp_path / "trials").write_text("".join(f"{a} {b} {kinds[data.spk[a] == data.spk[b]]}\n" for a, b in pairs))
    listed, unlisted = score(scp, data, tmp_path / "trials"), score(scp, data)
    assert listed.eer == pytest.approx(unlisted.eer) and listed.centred == pytest.approx(unlisted.centred)
    assert listed.threshold == pytest.approx(unlisted.threshold, abs=1e-6)


def test_zero_vectors_score_0_and_are_excluded_from_the_mean(speakers, tmp_path):
    data, _, vectors = speakers
    vectors["s0-1"] = np.zeros(8, np.float32)
    result = score(archive(tmp_path, vectors), data)
    pairs = list(itertools.combinations(data.utts, 2))
    assert result.zero == 1
    assert result.eer == pytest.approx(brute_force(*cosines(vectors, data.spk, pairs)), abs=1e-6)
    assert result.centred == pytest.approx(brute_force(*cosines(centred(vectors), data.spk, pairs)), abs=1e-6)


def test_only_zero_vectors_give_chance_level(speakers, tmp_path):
    data, _, vectors = speakers
    result = score(archive(tmp_path, {utt: np.zeros(8, np.float32) for utt in vectors}), data)
    assert (result.eer, result.centred, result.zero) == (0.5, 0.5, 8)


@pytest.mark.parametrize(
    "spk, kind",
    [
        ({"a-1": "a", "a-2": "a"}, "is a nontarget"),
        ({"a-1": "a", "b-1": "b"}, "is a target"),
        ({"a-1": "a"}, "is a nontarget"),
    ],
)
def test_both_kinds_of_trials_are_needed(tmp_path, spk, kind):
    scp = archive(tmp_path, {utt: np.ones(4, np.float32) for utt in spk})
    with fails("trials-missing", kind):
        score(scp, directory(tmp_path, spk))


@pytest.mark.parametrize(
    "vector, code",
    [
        (None, "xvector-missing"),
        (np.ones(9, np.float32), "xvector-damaged"),
        (np.full(8, np.nan, np.float32), "xvector-damaged"),
        (np.full(8, np.inf, np.float32), "xvector-damaged"),
    ],
)
def test_vectors_that_cannot_be_used(speakers, tmp_path, vector, code):
    data, _, vectors = speakers
    vectors["s1-0"] = vector
    with fails(code, "s1-0"):
        score(archive(tmp_path, {utt: v for utt, v in vectors.items() if v is not None}), data)


@pytest.mark.parametrize(
    "text, code, names",
    [
        ("s0-0 s0-1\n", "trial-line", ["trials:1", "'s0-0 s0-1'"]),
        ("s0-0 s0-1 target\ns0-0 s0-2 same\n", "trial-line", ["trials:2"]),
        ("s0-0 moon target\n", "utterance-unknown", ["trials:1", "moon"]),
        ("s0-0 s0-1 nontarget\n", "trial-speakers", ["trials:1", "s0-0", "s0-1"]),
        ("s0-0 s0-1 target\ns0-0 s0-0 target\n", "trial-itself", ["trials:2", "s0-0"]),
        ("s0-0 s1-1 target\n", "trial-speakers", ["trials:1", "s0-0", "s1-1"]),
        ("s0-0 s0-1 target\n", "trials-missing", ["trials: ", "is a nontarget"]),
        ("s0-0 s1-1 nontarget\n", "trials-missing", ["trials: ", "is a target"]),
        ("", "trials-missing", ["trials: "]),
    ],
)
def test_wrong_lists(speakers, tmp_path, text, code, names):
    data, scp, _ = speakers
    (tmp_path / "trials").write_text(text)
    with fails(code, *names):
        score(scp, data, tmp_path / "trials")


def test_missing_list(speakers, tmp_path):
    with fails("file-unreadable", "none"):
        score(speakers[1], speakers[0], tmp_path / "none")


def test_millions_of_trials(tmp_path):
    """2,000 utterances, 2 million pairs."""
    rng = np.random.default_rng(0)
    spk = {f"s{s:02d}-{i:02d}": f"s{s:02d}" for s in range(40) for i in range(50)}
    vectors = dict(zip(spk, rng.normal(size=(2000, 64)).astype(np.float32), strict=True))
    data, scp = directory(tmp_path, spk), archive(tmp_path, vectors)
    result = score(scp, data)
    assert result.targets + result.nontargets == 2000 * 1999 // 2
    assert result.eer == pytest.approx(0.5, abs=0.01)  # random vectors


def test_entry_point_prints_one_line(speakers):
    data, scp, _ = speakers
    command = [sys.executable, "-m", "mscnn.bin.score_trials", "--xvector", scp, "--data", data.path]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    result = score(scp, data)
    assert printed == (
        f"EER {100 * result.eer:.2f} % (centred {100 * result.centred:.2f} %) threshold={result.threshold:.4f} "
        f"trials=28 target=9 nontarget=19 zero=0 xvector={scp} data={data.path} model=given\n"
    )
