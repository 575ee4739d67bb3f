"""The worst utterances, by hand."""

import math

import pytest

from mscnn.evaluation.misses import misses


def test_losses_are_means_over_runs_and_the_worst_stands_first(experiment):
    """Every prediction has 0.9; t1-03 (calm), t1-10 (cross) and t2-10 (cross) are wrong in run 1 only."""
    found = misses(experiment, 15)
    half = (math.log(1 / 0.1) + math.log(1 / 0.9)) / 2
    assert [miss.utt for miss in found] == ["t1-03", "t1-10", "t2-10"], "of equals the first id"
    assert [miss.loss for miss in found] == pytest.approx([half] * 3)
    assert found[0].predicted == {"calm": 1, "cross": 1} and found[0].truth == "calm"
    assert found[0].prob.tolist() == pytest.approx([0.5, 0.5])
    assert [miss.utt for miss in misses(experiment, 2)] == ["t1-03", "t1-10"]
