"""``mscnn export``: from a bundle or an experiment to two files, and what it refuses."""

import json

import numpy as np
import onnx
import pytest

from mscnn.inference import onnx as graphs
from mscnn.inference import onnx_export
from mscnn.inference.load import load_model
from mscnn.inference.onnx_export import export_model, summary
from tests.raises import fails
from tests.unit.inference.random_model import random_predictor


def facts(path):
    return {one.key: json.loads(one.value) for one in onnx.load(path).metadata_props}


def test_the_bundle_of_the_package(tmp_path):
    done = export_model("demo", tmp_path / "demo.onnx")
    description, found = load_model("demo").description, facts(done.path)
    assert done.difference <= graphs.TOLERANCE and done.example == tmp_path / "demo.py"
    assert found["classes"] == [*description.classes] and found["segments"] is None
    assert found["features"]["audio"] == {"name": "mfcc96", **description.features["audio"].options}
    assert found["temperature"] == description.networks[0].temperature and found["scores"] == [*description.scores]
    assert [str(path) in line for path, line in zip((done.path, done.example), summary(done), strict=True)] == [
        True
    ] * 2


def test_one_of_several_networks(tmp_path, monkeypatch):
    several = random_predictor("audio_cnn", networks=3, filters=4)
    monkeypatch.setattr(onnx_export, "load_model", lambda *args, **kwargs: several)
    with fails("onnx-many-networks", "1, 2, 3"):
        export_model("b.zip", tmp_path / "a.onnx")
    with fails("onnx-many-networks"):
        export_model("b.zip", tmp_path / "a.onnx", fold="4")
    export_model("b.zip", tmp_path / "a.onnx", fold="2")
    assert facts(tmp_path / "a.onnx")["network"] == "fold02/run1"


def test_names_and_int8_of_a_bundle_are_refused_before_work(tmp_path):
    with fails("onnx-name", "a.bin"):
        export_model("demo", tmp_path / "a.bin")
    with fails("onnx-int8", "demo"):
        export_model("demo", tmp_path / "a.onnx", int8=True)
    assert not [*tmp_path.iterdir()]


class Dev:
    utts = [*range(1000)]


@pytest.mark.parametrize("wrong, agreement", [(0, 100.0), (1, 99.9), (2, None)])
def test_int8_needs_nearly_all_of_dev(wrong, agreement, monkeypatch):
    single = np.eye(4)[np.arange(1000) % 4]
    small = single.copy()
    small[:wrong] = small[:wrong, ::-1]
    monkeypatch.setattr(graphs, "quantised", lambda content: b"small")
    monkeypatch.setattr(graphs, "open_session", lambda content: content)
    monkeypatch.setattr(graphs, "scores", lambda session, dev: small if session == b"small" else single)
    if agreement is None:
        with fails("onnx-int8", "99.80", 1000):
            onnx_export._quantised(b"single", Dev(), "name")
    else:
        assert onnx_export._quantised(b"single", Dev(), "name") == (b"small", pytest.approx(agreement))
