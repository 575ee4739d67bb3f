"""Baselines: what they must reach on data whose answer is known, and that they learn from the training part only."""

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
    found = scores(models.options(spec_of("majority", **options)), data, fold, CLASSES, text="gt", features=features)
    truth = np.array([CLASSES.index(data.emo[u]) for u in fold.test])
    return found["test"], truth


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_what_is_easy_is_learnt(toy, kind):
    found, truth = run(toy, kind=kind)
    assert (found.argmax(axis=1) == truth).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


def test_majority_says_how_frequent_the_classes_are_in_training(toy):
    utt2emo = toy / "data" / "toy" / "utt2emo"
    utt2emo.write_text(utt2emo.read_text().replace("B1-0 happy", "B1-0 sad"))
    found, truth = run(toy, kind="majority")
    np.testing.assert_allclose(np.exp(found), [[5 / 12, 7 / 12]] * len(truth))


def test_words_of_the_test_part_are_not_learnt_from(toy):
    text = toy / "data" / "toy" / "text"
    before, _ = run(toy, kind="text")
    text.write_text(text.read_text().replace("A1-1 oh no not now", "A1-1 oh no not now marvel marvel"))
    after, _ = run(toy, kind="text")
    np.testing.assert_allclose(after, before)


def test_what_counts_as_a_word_is_an_option(toy):
    text = toy / "data" / "toy" / "text"  # the same words everywhere: only the mark tells the classes apart
    text.write_text(text.read_text().replace("what a day", "well!").replace("oh no not now", "well."))
    same, truth = run(toy, kind="text")
    np.testing.assert_allclose(same - same[0], 0, atol=1e-6)
    found, _ = run(toy, kind="text", pattern=r"[\w']+|[?!]")
    assert (found.argmax(axis=1) == truth).all()


def test_classes_may_weigh_as_if_they_were_equally_frequent(toy):
    text, utt2emo = toy / "data" / "toy" / "text", toy / "data" / "toy" / "utt2emo"
    text.write_text("".join(f"{line.split()[0]} same\n" for line in text.read_text().splitlines()))
    utt2emo.write_text(utt2emo.read_text().replace("B1-0 happy", "B1-0 sad"))  # in training 5 happy, 7 sad
    for power, ratio in ((0.0, 5 / 7), (0.5, (5 / 7) ** 0.5), (1.0, 1.0)):
        found, _ = run(toy, kind="text", class_weight=power)  # all that can be learnt is how often classes come
        np.testing.assert_allclose(np.exp(found[:, 0] - found[:, 1]), ratio, rtol=1e-2)


@pytest.mark.parametrize(
    "options", [{"kind": "luck"}, {"c": 0.0}, {"ngrams": 0}, {"pattern": "["}, {"class_weight": -1.0}]
)
def test_wrong_options_are_named(options):
    with fails("option-value", *options):
        models.options(spec_of("majority", **options))


def test_audio_without_a_feature_is_refused(toy):
    options, data = models.options(spec_of("majority", kind="audio")), DataDir.load(toy / "data" / "toy")
    with fails("feature-missing", "inputs.audio"):
        read_samples(options, data, "gt", None)
