"""The memory of one training is measured once, in a process of its own."""

import dataclasses
import json

import pytest

from mscnn.jobs.worker import Worker
from mscnn.recipe import memory
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.sources import Reader
from tests.unit.training.conftest import toy

__all__ = ["toy"]


@pytest.fixture
def setup(toy) -> ExperimentConfig:
    return ExperimentConfig(
        model="audio_cnn",
        data=toy / "data" / "toy",
        labels=str(toy / "toy.yaml"),
        protocol=str(toy / "toy4.yaml"),
        exp=toy / "exp" / "t",
        feature_dirs=(toy / "feats",),
        settings=("filters=4",),
        device="cpu",
    )


def test_a_training_is_measured_once(setup, monkeypatch):
    assert memory.stored(setup.exp) is None
    size = memory.measure(setup, Reader())
    assert size is not None and 50e6 < size < 4e9 and memory.stored(setup.exp) == size
    wide = dataclasses.replace(setup, exp=setup.exp / "wide", settings=("filters=4", "fc_dim=200000"))
    assert (memory.measure(wide, Reader()) or 0) > size + 50e6
    monkeypatch.setattr(Worker, "__init__", lambda self: 1 / 0)
    assert memory.measure(setup, Reader()) == size
    other = dataclasses.replace(setup, settings=("filters=8",))
    assert memory.measure(other, Reader()) is None  # it would have to be measured again, which fails here
    assert json.loads((setup.exp / "memory.json").read_text())["bytes"] == size


def test_a_baseline_is_not_measured(setup):
    assert memory.measure(dataclasses.replace(setup, model="majority", settings=()), Reader()) is None
