"""Coverage of the confidence intervals, and false rejections of the significance tests, by simulation.

    . ./path.sh; python3 benchmarks/intervals.py [--experiments 2000]

In a simulated experiment the logit of the probability that an utterance is classified correctly is that of its class,
plus normal random effects of its speaker, of speaker and class, and of the utterance; wrong predictions are uniform
over the other classes. Two equal systems share these effects, and each has others: of training and speaker, and of
training and fold, that is of the model of several speakers. SETTINGS and PAIRS define them. SciPy computes the
percentile and BCa intervals.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from mscnn.evaluation.intervals import RESAMPLES, Estimate, bootstrap, difference, estimate, jackknife_t
from mscnn.evaluation.significance import contributions, mcnemar, sign_flip
from mscnn.options import Parser, positive, run


@dataclass(frozen=True)
class Setting:
    """Parameters of simulated experiments; ``logits`` (K,) of the classes, effects are standard deviations of logits.

    A speaker has from ``utterances[0]`` to ``utterances[1]`` utterances, whose classes are drawn with the weights of a
    Dirichlet distribution of parameter ``evenness``. ``together`` speakers are in one fold.
    """

    speakers: int
    utterances: tuple[int, int]
    logits: tuple[float, ...]
    speaker: float = 0.2
    speaker_class: float = 0.3
    utterance: float = 1.0
    evenness: float = 5.0
    together: int = 1
    training: float = 0.0
    fold: float = 0.0


IEMOCAP = (1.2, 0.4, 1.0, 0.6)
RAVDESS = (-1.2, 0.6, -0.5, -0.7, 1.2, -0.8, 0.0, 0.8)
SETTINGS = {
    "10 speakers, as IEMOCAP": Setting(10, (100, 500), IEMOCAP),
    "10 speakers, strong effects": Setting(10, (100, 500), IEMOCAP, speaker=0.5, speaker_class=0.7, evenness=2.0),
    "24 speakers, as RAVDESS": Setting(24, (60, 60), RAVDESS, speaker=0.4, speaker_class=0.8, evenness=1e6),
}
PAIRS = {
    "10 speakers, 1 per model": Setting(10, (100, 500), IEMOCAP, training=0.2),
    "10 speakers, 2 per model": Setting(10, (100, 500), IEMOCAP, training=0.2, fold=0.1, together=2),
    "24 speakers, 4 per model": Setting(24, (60, 60), RAVDESS, training=0.2, fold=0.1, together=4),
}


@dataclass(frozen=True)
class Sample:
    """n utterances: speaker and true class (n,), and predictions (systems, n), as indices."""

    speaker: np.ndarray
    truth: np.ndarray
    pred: np.ndarray

    def counts(self, system: int) -> np.ndarray:
        """Confusion matrices (1 run, S speakers, K, K) of a system."""
        size, classes = self.speaker.max() + 1, self.truth.max() + 1
        cells = (self.speaker * classes + self.truth) * classes + self.pred[system]
        return np.bincount(cells, minlength=size * classes**2).reshape(1, size, classes, classes)


def simulate(setting: Setting, rng: np.random.Generator, systems: int = 1) -> Sample:
    """Random speakers, utterances and predictions of ``systems`` equally good systems."""
    size, classes = setting.speakers, len(setting.logits)
    sizes = rng.integers(*setting.utterances, size, endpoint=True)
    shares = rng.dirichlet([setting.evenness] * classes, size)
    counts = np.array([rng.multinomial(n, share) for n, share in zip(sizes, shares, strict=True)])
    speaker, truth = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    logit = setting.logits + setting.speaker * rng.standard_normal((size, 1))
    logit = (logit + setting.speaker_class * rng.standard_normal((size, classes)))[speaker, truth]
    logit += setting.utterance * rng.standard_normal(len(truth))
    effects = setting.training * rng.standard_normal((systems, size, classes))
    effects += setting.fold * rng.standard_normal((systems, size, classes))[:, np.arange(size) // setting.together]
    correct = rng.logistic(size=(systems, len(truth))) < logit + effects[:, speaker, truth]
    wrong = (truth + rng.integers(1, classes, correct.shape)) % classes
    return Sample(speaker, truth, np.where(correct, truth, wrong))


def true_ua(setting: Setting) -> float:
    """Mean recall over classes, 0 to 1, of infinitely many speakers, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    sd = np.sqrt(setting.speaker**2 + setting.speaker_class**2 + setting.utterance**2)
    return float((1 / (1 + np.exp(-(np.array(setting.logits)[:, None] + sd * nodes))) @ weights / weights.sum()).mean())


def scipy_bounds(of: Estimate, size: int, method: str, rng: np.random.Generator) -> np.ndarray:
    """Bounds (2,) of SciPy's bootstrap over ``size`` clusters."""
    from scipy.stats import bootstrap as scipy_bootstrap

    def statistic(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        weights = (drawn[..., None] == np.arange(size)).sum(axis=-2).reshape(-1, size)
        return of(weights)[:, 0].reshape(drawn.shape[:-1])

    result = scipy_bootstrap((np.arange(size),), statistic, n_resamples=RESAMPLES, method=method, rng=rng)
    return np.array(result.confidence_interval)


def coverage(setting: Setting, experiments: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Share of simulated experiments whose interval contains the true UA, and its mean width, both in percent."""
    rng, truth, intervals = np.random.default_rng(seed), true_ua(setting), {}
    for _ in range(experiments):
        counts = simulate(setting, rng).counts(0)
        of, totals = estimate(counts), counts[0].sum(axis=2)
        bounds = {
            "t over speakers": jackknife_t(of, totals).bounds[:, 0],
            "bootstrap": bootstrap(of, totals, seed=int(rng.integers(2**31))).bounds[:, 0],
            "plain percentile": scipy_bounds(of, setting.speakers, "percentile", rng),
            "BCa": scipy_bounds(of, setting.speakers, "BCa", rng),
        }
        for name, (low, high) in bounds.items():
            intervals.setdefault(name, []).append((low <= truth <= high, high - low))
    return {name: tuple(100 * np.mean(values, axis=0)) for name, values in intervals.items()}


def rejections(setting: Setting, pairs: int, seed: int = 0) -> dict[str, float]:
    """Share of pairs of equal systems whose UA differ significantly at the 5 % level, in percent, by test."""
    rng, rejected = np.random.default_rng(seed), []
    for _ in range(pairs):
        sample = simulate(setting, rng, systems=2)
        a, b = sample.counts(0), sample.counts(1)
        interval = bootstrap(difference(estimate(a), estimate(b)), a[0].sum(axis=2), int(rng.integers(2**31)))
        low, high = interval.bounds[:, 0]
        p = (sign_flip(contributions(a, b)["ua"]), mcnemar(sample.truth, *sample.pred))
        rejected.append((p[0] < 0.05, not low <= 0 <= high, p[1] < 0.05))
    names = ("sign flip over speakers", "bootstrap interval of the difference", "McNemar")
    return dict(zip(names, 100 * np.mean(rejected, axis=0), strict=True))


def main() -> None:
    """Simulate, print one line per interval or test."""
    parser = Parser("benchmarks/intervals.py", "Coverage of 95 % intervals, and size of tests, by simulation.")
    parser.add_argument("--experiments", type=positive, default=2000, help="simulated experiments per setting")
    args = parser.parse_args()
    start = time.perf_counter()
    for name, setting in SETTINGS.items():
        for method, (share, width) in coverage(setting, args.experiments).items():
            print(f"{name}: {method}: contains the true UA in {share:.1f} % of experiments; mean width {width:.1f}")
    for name, setting in PAIRS.items():
        for test, share in rejections(setting, args.experiments).items():
            print(f"{name}: {test}: rejects {share:.1f} % of pairs of equal systems")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    run(main)
