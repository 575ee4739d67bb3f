"""The memory of one training is measured once, in a process of its own."""

import dataclasses
import json
import sys

import pytest

from mscnn import jobs
from mscnn.bin import train
from mscnn.jobs.worker import Worker
from mscnn.recipe import memory
from mscnn.recipe.plan import Plan, Row
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.sources import Reader
from tests.raises import fails
from tests.unit.training.conftest import toy, toy_experiment

pytestmark = pytest.mark.slow

__all__ = ["toy"]


@pytest.fixture
def setup(toy) -> ExperimentConfig:
    return toy_experiment(toy, feature_dirs=(toy / "feats",), settings=("filters=4",))


def test_a_training_is_measured_once(setup, monkeypatch):
    assert memory.stored(setup.exp) is None
    taken = memory.measure(setup, Reader())
    assert taken is not None and memory.stored(setup.exp) == taken and taken.gpu == 0
    size = taken.host
    assert 50e6 < size < 4e9
    wide = dataclasses.replace(setup, exp=setup.exp / "wide", settings=("filters=64", "fc_dim=16384"))
    assert memory.measure(wide, Reader()).host > size + 50e6
    monkeypatch.setattr(Worker, "__init__", lambda self: 1 / 0)
    assert memory.measure(setup, Reader()) == taken
    other = dataclasses.replace(setup, settings=("filters=8",))
    assert memory.measure(other, Reader()) is None  # it would have to be measured again, which fails here
    assert json.loads((setup.exp / "memory.json").read_text())["bytes"] == size


def test_a_baseline_is_not_measured(setup):
    assert memory.measure(dataclasses.replace(setup, model="majority", settings=()), Reader()) is None


MODEL = """
from dataclasses import dataclass

from torch import nn

from mscnn.models.base import Classifier


@dataclass(frozen=True)
class Options:
    hidden: int


class Model(Classifier[Options]):
    def __init__(self, options, sizes):
        super().__init__(options, sizes)
        self.layer = nn.Linear(sizes.audio, sizes.classes)

    def forward(self, inputs):
        return self.layer(inputs.audio.mean(dim=2))
"""
YAML = "family: own_models.mine\ninputs: {audio: mfcc96}\noptions: {hidden: 4}\ntraining: {max_epochs: 1}\n"


def test_a_bug_in_a_model_of_ones_own_is_reported_once_before_its_trainings(setup, toy, monkeypatch, caplog):
    (toy / "own_models").mkdir()
    mine = toy / "own_models" / "mine.py"
    mine.write_text(MODEL)
    (toy / "mine.yaml").write_text(YAML)
    monkeypatch.syspath_prepend(toy)
    monkeypatch.setattr(jobs, "processors", lambda: 2)
    own = dataclasses.replace(setup, model=str(toy / "mine.yaml"), settings=(), exp=toy / "exp" / "mine")
    assert memory.measure(own, Reader())
    mine.write_text(MODEL.replace("mean(dim=2)", "missing(dim=2)"))
    with fails("step-failed", "mine", toy / "exp" / "mine", "AttributeError", "mine.py", "missing(dim=2)"):
        memory.measure(own, Reader())

    rows = [
        Row(tag=one.exp.name, exp=str(one.exp), model=one.model, data=str(one.data), labels=one.labels,
            protocol=one.protocol, set=(*one.settings, "max_epochs=1"), features={"mfcc96": str(toy / "feats")},
            folds=2, device="cpu")
        for one in (own, setup)
    ]  # fmt: skip
    Plan(tuple(rows)).write(toy / "plan.jsonl")
    caplog.clear()
    monkeypatch.setattr(sys, "argv", ["train", "--plan", str(toy / "plan.jsonl"), "--nj", "2"])
    with fails("experiments-failed", own.exp):
        train.main()
    assert caplog.text.count("AttributeError") == 1
    assert len([*setup.exp.glob("fold*/run1/done.json")]) == 2 and not (own.exp / "config.yaml").exists()


def test_too_little_memory_is_not_an_error_of_the_model(setup, monkeypatch, caplog):
    def call(self, function, task):
        raise MemoryError

    monkeypatch.setattr(Worker, "call", call)
    assert memory.measure(setup, Reader()) is None and caplog.records
