"""Utterances shorter than a segment: padded, or excluded from every part and counted."""

import dataclasses

import numpy as np
import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.evaluation.experiment import Experiment
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.reporting.results import write_report
from mscnn.training.runner import train_experiments
from mscnn.training.short import exclude, too_short
from mscnn.training.sources import Sources, TextOptions
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment, write_features

SEGMENTS = ("max_epochs=1", "filters=4", "segments.frames=12")


@pytest.fixture
def setup(toy):
    """A model with segments of 12 frames; utterance i of each speaker has 9 + i frames."""
    return toy_experiment(toy, feature_dirs=(toy / "feats",), settings=(*SEGMENTS, "segments.short=drop"), folds=1)


def test_short_utterances_are_in_no_part_and_counted(setup, toy, in_process):
    padded = dataclasses.replace(setup, settings=SEGMENTS, exp=toy / "exp" / "padded")
    train_experiments([setup, padded], nj=1)
    lists = {path.name: path.read_text().split() for path in (setup.exp / "folds").iterdir()}
    assert lists["fold01.test"] == ["A1-3", "A1-4", "A1-5"]
    assert lists["fold01.train"] == [f"{spk}-{i}" for spk in ("B1", "B2") for i in (3, 4, 5)]
    (line, *_), (other, *_) = (write_report(Experiment.load(one.exp)) for one in (setup, padded))
    assert (line.total, other.total) == (3, 6)
    assert line.fields["short_excluded"] == "12" and "segments.short=drop" in line.fields["changed"]
    assert "short_excluded" not in other.fields
    assert line.fields["protocol"] != other.fields["protocol"], "other utterances, so not comparable"


def test_a_part_that_loses_a_class_is_refused(setup, in_process):
    settings = (*setup.settings, "segments.frames=14")
    with fails("class-absent", "fold 1"):
        train_experiments([dataclasses.replace(setup, settings=settings)], nj=1)


def test_features_of_segments_count_seconds(setup, toy):
    """They are padded to one segment, here of 0.5 s: utterances of 0.5 s stay."""
    data, feature = DataDir.load(toy / "data" / "toy"), Feature.load("mfcc26_seg18")
    options = {**feature.options, "segment": 8000}
    write_features(toy / "segs", "mfcc26_seg18", options, {u: np.zeros((12, 26), np.float32) for u in data.utts})
    spec = setup.spec()
    data.dur["A1-0"] = 0.4999
    sources = Sources(data, {"audio": FeatureDir.load(toy / "segs")}, TextOptions(), None)
    assert too_short(spec, sources) == {"A1-0"}
    assert (
        too_short(dataclasses.replace(spec, segments=dataclasses.replace(spec.segments, short="pad")), sources) == set()
    )
    fold = Fold(1, ("B1-0", "A1-0"), ("C1-0",), ("D1-0",))
    assert exclude([fold], {"A1-0"}) == [Fold(1, ("B1-0",), ("C1-0",), ("D1-0",))] and exclude([fold], ()) == [fold]
