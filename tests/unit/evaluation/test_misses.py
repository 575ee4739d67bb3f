"""The misclassified utterances of highest loss, by hand."""

import math

import pytest

from mscnn.evaluation.misses import misses


def test_losses_are_means_over_runs_highest_first(experiment):
    """Every prediction has 0.9; t1-03 (calm), t1-10 (cross) and t2-10 (cross) are wrong in run 1 only."""
    worst = misses(experiment, 15)
    half = (math.log(1 / 0.1) + math.log(1 / 0.9)) / 2
    assert [miss.utt for miss in worst] == ["t1-03", "t1-10", "t2-10"], "of equals the first id"
    assert [miss.loss for miss in worst] == pytest.approx([half] * 3)
    assert worst[0].predicted == {"calm": 1, "cross": 1} and worst[0].truth == "calm"
    assert worst[0].prob.tolist() == pytest.approx([0.5, 0.5])
    assert [miss.utt for miss in misses(experiment, 2)] == ["t1-03", "t1-10"]
