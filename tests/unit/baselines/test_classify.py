"""Baselines: scores on data whose answer is known; they learn from the training part only."""

import numpy as np
import pytest

from mscnn import models
from mscnn.baselines.classify import read_samples, scores
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.features.archive import FeatureDir
from tests.raises import fails
from tests.unit.models.systems import spec_of

CLASSES = ["happy", "sad"]


def run(toy, **options):
    data = DataDir.load(toy / "data" / "toy")
    parts = (("B1", "B2"), ("A2",), ("A1",))
    fold = Fold(1, *(tuple(u for u in data.utts if u[:2] in speakers) for speakers in parts))
    features = FeatureDir.load(toy / "feats") if options.get("kind") == "audio" else None
    posteriors = scores(
        models.options(spec_of("majority", **options)), data, fold, CLASSES, text="gt", features=features
    )
    truth = np.array([CLASSES.index(data.emo[u]) for u in fold.test])
    return posteriors["test"], truth


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_separable_classes_are_learnt(toy, kind):
    posteriors, truth = run(toy, kind=kind)
    assert (posteriors.argmax(axis=1) == truth).all()
    np.testing.assert_allclose(np.exp(posteriors).sum(axis=1), 1)


def test_posteriors_of_majority_are_class_frequencies_of_training(toy):
    utt2emo = toy / "data" / "toy" / "utt2emo"
    utt2emo.write_text(utt2emo.read_text().replace("B1-0 happy", "B1-0 sad"))
    posteriors, truth = run(toy, kind="majority")
    np.testing.assert_allclose(np.exp(posteriors), [[5 / 12, 7 / 12]] * len(truth))


def test_text_of_the_test_part_is_not_learnt(toy):
    text = toy / "data" / "toy" / "text"
    before, _ = run(toy, kind="text")
    text.write_text(text.read_text().replace("A1-1 oh no not now", "A1-1 oh no not now marvel marvel"))
    after, _ = run(toy, kind="text")
    np.testing.assert_allclose(after, before)


def test_the_pattern_of_words_is_an_option(toy):
    text = toy / "data" / "toy" / "text"  # the same words everywhere: only the mark distinguishes the classes
    text.write_text(text.read_text().replace("what a day", "well!").replace("oh no not now", "well."))
    same, truth = run(toy, kind="text")
    np.testing.assert_allclose(same - same[0], 0, atol=1e-6)
    posteriors, _ = run(toy, kind="text", pattern=r"[\w']+|[?!]")
    assert (posteriors.argmax(axis=1) == truth).all()


def test_class_weights_can_equalise_the_classes(toy):
    text, utt2emo = toy / "data" / "toy" / "text", toy / "data" / "toy" / "utt2emo"
    text.write_text("".join(f"{line.split()[0]} same\n" for line in text.read_text().splitlines()))
    utt2emo.write_text(utt2emo.read_text().replace("B1-0 happy", "B1-0 sad"))  # in training 5 happy, 7 sad
    for power, ratio in ((0.0, 5 / 7), (0.5, (5 / 7) ** 0.5), (1.0, 1.0)):
        posteriors, _ = run(toy, kind="text", class_weight=power)  # only class frequencies can be learnt
        np.testing.assert_allclose(np.exp(posteriors[:, 0] - posteriors[:, 1]), ratio, rtol=1e-2)


@pytest.mark.parametrize(
    ("code", "options"),
    [
        *[("option-value", options) for options in ({"kind": "luck"}, {"pattern": "["})],
        *[("config-value", options) for options in ({"c": 0.0}, {"ngrams": 0}, {"class_weight": -1.0})],
    ],
)
def test_invalid_options_are_named(code, options):
    with fails(code, *options):
        models.options(spec_of("majority", **options))


def test_audio_without_a_feature_is_refused(toy):
    options, data = models.options(spec_of("majority", kind="audio")), DataDir.load(toy / "data" / "toy")
    with fails("feature-missing", "inputs.audio"):
        read_samples(options, data, "gt", None)


def test_a_training_part_without_words_is_refused(toy):
    path = toy / "data" / "toy" / "text"
    path.write_text("".join(f"{line.split()[0]}{' hi' if line[0] == 'A' else ''}\n" for line in path.open()))
    with fails("text-empty", "fold 1", 12):
        run(toy, kind="text")
