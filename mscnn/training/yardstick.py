"""The yardsticks: majority class, TF-IDF + logistic regression on words, log-mel statistics + the same on audio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.models.yardstick import Options

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

    from mscnn.features.archive import FeatureDir


def scores(
    options: Options, data: DataDir, fold: Fold, classes: Sequence[str], *, text: str, features: FeatureDir | None
) -> dict[str, np.ndarray]:
    """Log posteriors (n, classes) of dev and test, by a model of the training part.

    Args:
        text: source of the words: gt or an ASR engine.
        features: frames whose mean and standard deviation over the utterance are heard.
    """
    options.check()
    inputs = _inputs(options, data, text, features)
    labels = [classes.index(data.emo[utt]) for utt in fold.train]
    model = _model(options, labels)
    model.fit([inputs[utt] for utt in fold.train], labels)
    found = {}
    for name, utts in (("dev", fold.dev), ("test", fold.test)):
        posteriors = np.full((len(utts), len(classes)), 1e-12)
        posteriors[:, model.classes_] = model.predict_proba([inputs[utt] for utt in utts])
        found[name] = np.log(np.maximum(posteriors, 1e-12))
    return found


def _inputs(options: Options, data: DataDir, text: str, features: FeatureDir | None) -> dict[str, object]:
    if options.kind == "words":
        return {utt: words.lower() for utt, words in data.text_of(text).items()}
    if options.kind == "majority":
        return dict.fromkeys(data.utts, [0.0])
    frames = {utt: features.read(utt) for utt in data.utts}
    return {utt: np.concatenate([x.mean(axis=0), x.std(axis=0)]) for utt, x in frames.items()}


def _model(options: Options, labels: Sequence[int]) -> ClassifierMixin:
    from sklearn.dummy import DummyClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = Counter(labels)
    weights = {k: (max(counts.values()) / n) ** options.class_weight for k, n in counts.items()}
    # Of many sparse columns newton-cg finds the optimum in a sixth of the time of lbfgs, and comes nearer to it.
    solver = "newton-cg" if options.kind == "words" else "lbfgs"
    regression = LogisticRegression(C=options.c, class_weight=weights, max_iter=2000, solver=solver)
    if options.kind == "words":
        words = TfidfVectorizer(ngram_range=(1, options.ngrams), token_pattern=options.pattern)
        return make_pipeline(words, regression)
    if options.kind == "audio":
        return make_pipeline(StandardScaler(), regression)
    return DummyClassifier(strategy="prior")
