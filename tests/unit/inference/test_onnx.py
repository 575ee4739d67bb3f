"""ONNX: every configuration of conf/models has the scores of PyTorch; what cannot be exported is refused with a reason.

``export`` itself compares them on batches of one to three utterances, one frame and one token among them.
"""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.inference import onnx as export
from mscnn.models.inputs import Inputs, Sizes
from mscnn.paths import names
from tests.raises import fails
from tests.unit.models.systems import spec_of, widths
from tests.unit.models.test_contract import SMALL

NETWORKS = [name for name in names("models") if ModelSpec.load(name).family != "baseline"]
FAST = ("mscnn_spu_att", "glam", "are")  # convolutions, segments, a recurrent layer of our own


def system(name, wav2vec2_folder, **changes):
    """A small network of a configuration, with statistics of normalisation."""
    spec = ModelSpec.load(name)
    trained = {"wav2vec2": str(wav2vec2_folder)} if spec.options.get("wav2vec2") else {}
    spec = spec_of(name, **{**SMALL.get(spec.family, {}), **trained, **changes})
    if spec.segments and "frames" in spec.options:
        size, whole = int(spec.options["frames"]), spec.segments.frames
        streams = {key: frames * size // whole for key, frames in spec.segments.streams.items()}
        spec = replace(spec, segments=replace(spec.segments, frames=size, hop=0, test_hop=0, streams=streams))
    dims = widths(spec, wav2vec2_folder)
    rng, statistics = np.random.default_rng(0), {}
    for key, dim in (dims | {"xvector": 5}).items():
        low, wide = rng.standard_normal(dim), rng.random(dim) + 0.5
        pairs = {"mean": low, "std": wide, "min": low - wide, "max": low + wide}
        statistics |= {f"{key}.{what}": value.astype(np.float32) for what, value in pairs.items()}
    audio = {"audio": dims.pop("audio")} if spec.audio else {}
    torch.manual_seed(0)
    sizes = Sizes(classes=4, vocabulary=20, embedding=6, xvector=5, extra=dims, **audio)
    return models.build(spec, sizes).eval(), spec, statistics


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow, id=n) for n in NETWORKS])
def test_scores_are_those_of_pytorch(name, wav2vec2_folder):
    model, spec, statistics = system(name, wav2vec2_folder)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    content, difference = export.convert(model, spec, statistics)
    assert difference <= export.TOLERANCE
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    graph = onnx.load_from_string(content).graph
    assert [one.name for one in graph.input] == export.input_names(spec)
    for one in graph.input:
        assert one.type.tensor_type.shape.dim[0].dim_param == "batch"
        if len(one.type.tensor_type.shape.dim) > 1 and one.name != "xvector":
            assert one.type.tensor_type.shape.dim[1].dim_param


@pytest.mark.parametrize("norm", ["zscore", "length"])
def test_normalisation_is_inside(norm, wav2vec2_folder):
    """Raw features give the scores that normalised ones give to the network, calculated by hand."""
    model, spec, statistics = system("audio_cnn_xvector", wav2vec2_folder)
    spec = replace(spec, xvec_norm=norm)
    content, _ = export.convert(model, spec, statistics)
    rng = np.random.default_rng(1)
    raw, vector = rng.standard_normal((9, 96), dtype=np.float32), rng.standard_normal(5, dtype=np.float32)
    padded = np.concatenate([raw, np.zeros((4, 96), np.float32)])
    given = {"audio": padded[None], "audio_len": np.array([9]), "xvector": vector[None]}
    got = export.open_session(content).run(None, given)[0]
    frames = (raw - statistics["audio.mean"]) / statistics["audio.std"]
    scaled = {
        "zscore": (vector - statistics["xvector.mean"]) / statistics["xvector.std"],
        "length": vector * 5**0.5 / np.linalg.norm(vector),
    }
    inputs = Inputs(torch.tensor(frames.T[None]), torch.tensor([9]), xvector=torch.tensor(scaled[norm][None]))
    with torch.no_grad():
        np.testing.assert_allclose(got, model(inputs).numpy(), atol=1e-5)


def test_a_graph_that_computes_something_else_is_refused(wav2vec2_folder, monkeypatch):
    model, spec, statistics = system("audio_cnn", wav2vec2_folder)
    other = {**statistics, "audio.mean": statistics["audio.mean"] + 0.01}
    trace = export._trace
    monkeypatch.setattr(export, "_trace", lambda graph, *rest: trace(changed(graph, other), *rest))
    with fails("onnx-parity", "audio_cnn"):
        export.convert(model, spec, statistics)


def changed(graph, statistics):
    graph.statistics = {name: torch.from_numpy(value) for name, value in statistics.items()}
    return graph


def test_dropout_at_test_cannot_be_exported(wav2vec2_folder):
    """ADSRNN's defect: its scores are random."""
    model, spec, statistics = system("adsrnn_code64", wav2vec2_folder, legacy_test_dropout=True, dropout=0.5)
    with fails("onnx-parity", "adsrnn_code64"):
        export.convert(model, spec, statistics)


def test_a_branch_on_values_is_refused_with_the_reason(wav2vec2_folder, monkeypatch):
    model, spec, statistics = system("audio_cnn", wav2vec2_folder)
    forward = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda self, inputs: torch.linalg.svdvals(forward(self, inputs)))
    with fails("onnx-unsupported", "audio_cnn"):
        export.convert(model, spec, statistics)


def test_metadata_are_json(wav2vec2_folder):
    content, _ = export.convert(*system("audio_cnn", wav2vec2_folder))
    graph = onnx.load_from_string(export.with_metadata(content, {"classes": ["angry"], "name": "a", "limit": None}))
    assert {one.key: json.loads(one.value) for one in graph.metadata_props} == {
        "classes": ["angry"],
        "name": "a",
        "limit": None,
    }


def test_int8_has_integer_products_and_no_integer_convolution(wav2vec2_folder):
    model, spec, statistics = system("mscnn_spu_att", wav2vec2_folder)
    content, _ = export.convert(model, spec, statistics)
    small = export.quantised(content)
    kinds = {node.op_type for node in onnx.load_from_string(small).graph.node}
    assert "MatMulInteger" in kinds and "Conv" in kinds and "ConvInteger" not in kinds
    inputs = export.example(spec, model.sizes, (40, 13))
    both = [export.open_session(one).run(None, inputs)[0] for one in (content, small)]
    assert 0 < np.abs(both[0] - both[1]).max() < 0.1
