"""Baselines of scikit-learn: majority class, TF-IDF or vectors of the text, or statistics of an audio feature."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mscnn import models
from mscnn.baselines.options import Options
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.errors import UserError

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

    from mscnn.features.archive import FeatureDir

MIN_PROBABILITY = 1e-12  # of a class that the training part lacks
Sample: TypeAlias = "str | np.ndarray"  # input for one utterance: a text, or statistics (D,)


def scores(
    options: Options,
    data: DataDir,
    fold: Fold,
    classes: Sequence[str],
    *,
    text: str,
    features: FeatureDir | None,
    tested_on: str = "",
    tested_features: FeatureDir | None = None,
) -> dict[str, np.ndarray]:
    """Log posteriors (n, classes) of dev and test by a model fitted to the training part.

    Args:
        text: source of the transcripts: gt (reference) or an ASR engine.
        features: the audio feature whose mean and standard deviation over the utterance are used, or the vectors of a
            text encoder.
        tested_on: source of the transcripts of dev and test; empty: ``text``.
        tested_features: the vectors of these transcripts.
    """
    samples = read_samples(options, data, text, features)
    if tested_on not in ("", text):
        tested = read_samples(options, data, tested_on, tested_features)
        samples |= {utt: tested[utt] for utt in (*fold.dev, *fold.test)}
    return posteriors(options, samples, data.emo, fold, classes)


def read_samples(options: Options, data: DataDir, text: str, features: FeatureDir | None) -> dict[str, Sample]:
    """What the baseline is given of each utterance: its text, the vector (D,) of its text, statistics of its frames
    (2 D,), or nothing.

    Raises:
        UserError: there are no transcripts of this source, or no features for a baseline of audio or of a text encoder.
    """
    if options.kind == "text":
        return {utt: transcript.lower() for utt, transcript in data.text_of(text).items()}
    if options.kind == "majority":
        return dict.fromkeys(data.utts, np.zeros(1))
    if features is None:
        raise UserError(
            f"a baseline of kind {options.kind} needs a feature: name it as inputs.{options.kind}",
            code="feature-missing",
        )
    frames = features.select(data.utts)
    matrices = ((utt, frames.matrix(i)) for i, utt in enumerate(data.utts))
    if options.kind == "text_encoder":  # the mean of one row, of a sentence, is the row
        return {utt: x.mean(axis=0) for utt, x in matrices}
    return {utt: np.concatenate([x.mean(axis=0), x.std(axis=0)]) for utt, x in matrices}


def posteriors(
    options: Options, samples: Mapping[str, Sample], emo: Mapping[str, str], fold: Fold, classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """As :func:`scores`, from ``samples`` and emotions that several folds share.

    Raises:
        UserError: no text of the training part has words (``text-empty``).
    """
    labels = [classes.index(emo[utt]) for utt in fold.train]
    model = _model(options, labels)
    if options.kind == "text" and not any(re.search(options.pattern, str(samples[utt])) for utt in fold.train):
        raise UserError(
            f"fold {fold.index}: none of the {len(fold.train)} transcripts of train has words: choose another --text "
            "or protocol",
            code="text-empty",
        )
    model.fit([samples[utt] for utt in fold.train], labels)
    scores = {}
    for part, utts in (("dev", fold.dev), ("test", fold.test)):
        values = np.full((len(utts), len(classes)), MIN_PROBABILITY)
        values[:, model.classes_] = model.predict_proba([samples[utt] for utt in utts])
        scores[part] = np.log(np.maximum(values, MIN_PROBABILITY))
    return scores


def classify_folds(
    name: str, folds: Sequence[Fold], data: DataDir, features: FeatureDir | None = None, *, map_fn: Callable = map
) -> list[list[str]]:
    """Class of each test utterance per fold, by the baseline ``name`` of conf/models on reference transcripts.

    Args:
        map_fn: maps a function over the folds; that of a process pool fits them in parallel.

    Raises:
        UserError: a training part has one class only.
    """
    single = next((fold.index for fold in folds if len({data.emo[u] for u in fold.train}) < 2), None)
    if single:
        raise UserError(
            f"{data.path}: the training part of fold {single} has a single class, so no model can be fitted; choose "
            "another protocol",
            code="class-absent",
        )
    options = models.options(ModelSpec.load(name))
    classes, samples = sorted(set(data.emo.values())), read_samples(options, data, "gt", features)
    results = map_fn(partial(posteriors, options, samples, data.emo, classes=classes), folds)
    return [[classes[k] for k in scores["test"].argmax(axis=1)] for scores in results]


def _model(options: Options, labels: Sequence[int]) -> ClassifierMixin:
    from sklearn.dummy import DummyClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = Counter(labels)
    weights = {k: (max(counts.values()) / n) ** options.class_weight for k, n in counts.items()}
    # With many sparse columns newton-cg takes a sixth of the time of lbfgs, and ends nearer to the optimum.
    solver = "newton-cg" if options.kind == "text" else "lbfgs"
    regression = LogisticRegression(C=options.c, class_weight=weights, max_iter=2000, solver=solver)
    if options.kind == "text":
        tfidf = TfidfVectorizer(ngram_range=(1, options.ngrams), token_pattern=options.pattern)
        return make_pipeline(tfidf, regression)
    if options.kind in ("audio", "text_encoder"):
        return make_pipeline(StandardScaler(), regression)
    return DummyClassifier(strategy="prior")
