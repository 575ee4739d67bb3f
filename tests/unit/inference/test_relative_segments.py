"""A predictor and an ONNX script of a system with relative segments have the posteriors of its segments one by one."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from mscnn.models.inputs import Inputs
from mscnn.training.outputs import softmax
from tests.unit.features.synthetic import RATE, voice
from tests.unit.inference.random_model import random_predictor
from tests.unit.inference.test_onnx_example import run, written
from tests.unit.training.test_relative_segments import SegmentSpectrogram


@pytest.mark.parametrize("seconds", [1.3, 2.9])
def test_posteriors(seconds, tmp_path):
    predictor, samples = random_predictor("cnn_attn_pooling"), voice(seconds)
    feature, model = predictor._frontend.features["audio"].extractor, predictor.networks[0].model
    old = SegmentSpectrogram(**asdict(feature) | {"segment": 32000, "segment_hop": 3200, "relative": True})
    segments = torch.from_numpy(old(samples).reshape(-1, 197, 400)[::2]).transpose(1, 2)
    with torch.no_grad():
        scores = model(Inputs(audio=segments, audio_len=torch.full((len(segments),), 197))).numpy()
    expected = softmax(scores.mean(axis=0, keepdims=True))[0]
    result = predictor.predict(samples, RATE).probabilities
    assert [*result.values()] == pytest.approx(expected, abs=1e-5)

    np.save(tmp_path / "audio.npy", feature(samples))
    graph, script = written(predictor, tmp_path)
    assert run(script, graph, tmp_path / "audio.npy") == pytest.approx(result, abs=1e-5)
