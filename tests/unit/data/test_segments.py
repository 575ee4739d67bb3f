import numpy as np
import pytest

from mscnn.config import schema
from mscnn.config.segments import Segments
from mscnn.data.segments import aggregate_segments, segment
from tests.raises import fails


def starts(rule: Segments, length: int, **options) -> list[tuple[int, int]]:
    spans = segment(rule, [length], train=options.pop("train", True), **options)
    return list(zip(spans.starts.tolist(), spans.lengths.tolist(), strict=True))


@pytest.mark.parametrize(
    ("rule", "length", "expected"),
    [
        (Segments(frames=4), 3, [(0, 3)]),
        (Segments(frames=4), 4, [(0, 4)]),
        (Segments(frames=4), 8, [(0, 4), (4, 4)]),
        (Segments(frames=4), 9, [(0, 4), (4, 4), (8, 1)]),
        (Segments(frames=4, tail="drop"), 9, [(0, 4), (4, 4)]),
        (Segments(frames=4, hop=2), 9, [(0, 4), (2, 4), (4, 4), (6, 3)]),
        (Segments(frames=4, hop=6, tail="drop"), 11, [(0, 4), (6, 4)]),
        (Segments(frames=4, hop=6), 5, [(0, 4)]),  # the next would start beyond the end
        (Segments(frames=4, long="ends"), 9, [(0, 4), (5, 4)]),
        (Segments(frames=4, long="ends"), 4, [(0, 4)]),
        (Segments(frames=4, long="first"), 9, [(0, 4)]),
    ],
)
def test_positions_of_segments(rule, length, expected):
    assert starts(rule, length) == expected


def test_training_and_test_may_hop_differently_and_some_classes_slide():
    rule = Segments(frames=4, hop=4, test_hop=1, tail="drop")
    assert len(starts(rule, 8)) == 2 and len(starts(rule, 8, train=False)) == 5
    rule = Segments(frames=4, hop=1, long="ends", tail="drop", slide_classes=("happy",))
    assert starts(rule, 7, classes=["sad"]) == [(0, 4), (3, 4)]
    assert starts(rule, 7, classes=["happy"]) == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert starts(rule, 7, train=False) == [(0, 4), (3, 4)]


def test_the_utterance_of_each_segment():
    spans = segment(Segments(frames=4), [9, 2, 8], train=True)
    assert spans.utterance.tolist() == [0, 0, 0, 1, 2, 2]


def test_scores_are_aggregated():
    scores, utterance = np.array([[1.0, 3.0], [5.0, 1.0], [0.0, 2.0]]), np.array([0, 0, 1])

    def aggregated(how):
        return aggregate_segments(Segments(frames=4, aggregate=how), scores, utterance, 2)

    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(aggregated("mean_logits"), [[3, 2], [0, 2]])
    np.testing.assert_allclose(aggregated("max_logits"), [[5, 3], [0, 2]])
    np.testing.assert_allclose(aggregated("mean_logprob"), [np.log(p[:2]).mean(axis=0), np.log(p[2])])
    np.testing.assert_allclose(aggregated("mean_posterior"), np.log([p[:2].mean(axis=0), p[2]]))
    np.testing.assert_allclose(aggregated("max_posterior"), np.log([p[:2].max(axis=0), p[2]]))


@pytest.mark.parametrize(
    "options", [{"long": "all"}, {"tail": "keep"}, {"aggregate": "vote"}, {"hop": -1}, {"frames": 0}]
)
def test_invalid_rules_are_refused(options):
    ((key, value),) = options.items()
    with fails("config-value", key, value):
        schema.build(Segments, {"frames": 4, **options}, "segments")
