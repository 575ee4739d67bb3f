"""Frames, pre-emphasis and deltas against loops."""

import numpy as np
import pytest

from mscnn.features.dsp import add_deltas, frames, hertz, mel, preemphasised


@pytest.mark.parametrize(
    ("n", "whole", "padded"), [(1, 1, 1), (399, 1, 1), (400, 1, 1), (401, 1, 2), (560, 2, 2), (5000, 29, 30)]
)
def test_frames_are_slices(n, whole, padded):
    x = np.arange(1, n + 1)
    beyond = np.concatenate([x, np.zeros(1000)])
    for found, count in ((frames(x, 400, 160), whole), (frames(x, 400, 160, tail=True), padded)):
        assert found.shape == (count, 400)
        for t in range(count):
            np.testing.assert_array_equal(found[t], beyond[t * 160 : t * 160 + 400])
    assert padded * 160 + 240 >= n  # all samples are covered


def test_preemphasis():
    np.testing.assert_allclose(preemphasised(np.array([1.0, 2.0, 0.0]), 0.97), [1, 1.03, -1.94])


@pytest.mark.parametrize("length", [1, 3, 12])
def test_deltas_are_the_slopes_of_regression_lines(length):
    static = np.random.default_rng(0).standard_normal((length, 2))
    found = add_deltas(static, 2, 2)
    assert found.shape == (length, 6)
    for k in (0, 2):  # ΔΔ is the delta of Δ
        for t in range(length):
            rows = found[np.clip(np.arange(t - 2, t + 3), 0, length - 1), k : k + 2]
            np.testing.assert_allclose(found[t, k + 2 : k + 4], np.polyfit(np.arange(5), rows, 1)[0], atol=1e-12)


def test_mel_scale():
    assert mel(1000) == pytest.approx(1000, abs=0.1) and hertz(mel(4321.0)) == pytest.approx(4321)
