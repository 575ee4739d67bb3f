"""The number of trainings at a time is limited by processors, memory and GPUs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mscnn import jobs
from mscnn.errors import UserError
from mscnn.recipe import resources
from mscnn.recipe.memory import Taken
from mscnn.recipe.resources import Fit

GB = 1 << 30
SETUPS = [SimpleNamespace(exp=Path(f"exp/{name}"), device="auto") for name in ("small", "large")]


@pytest.fixture
def machine(monkeypatch, caplog):
    """A machine, and the memory in GB that the two experiments take."""

    def make(processors=8, memory=64, gpus=(), sizes=(1, 4), on_gpu=2, gpu_memory=80):
        size = dict(zip(("exp/small", "exp/large"), sizes, strict=True))

        def measure(setup, reader):
            host = size[str(setup.exp)]
            return host and Taken(host * GB, on_gpu * GB)

        monkeypatch.setattr(jobs, "processors", lambda: processors)
        monkeypatch.setattr(jobs, "memory", lambda: memory * GB)
        monkeypatch.setattr(jobs, "gpus", lambda: list(gpus))
        monkeypatch.setattr(resources, "choose_device", lambda name: "cuda" if gpus else "cpu")
        monkeypatch.setattr(jobs, "gpu_memory", lambda: gpu_memory * GB)
        monkeypatch.setattr(resources, "measure", measure)
        caplog.clear()
        return caplog

    return make


def test_a_number_that_fits_is_not_changed(machine):
    log = machine()
    assert resources.fit(SETUPS, 8) == Fit(8, []) and not log.records


def test_processors_and_memory_lower_the_number_with_a_notice(machine):
    log = machine(processors=3)
    assert resources.fit(SETUPS, 8) == Fit(3, []) and "3 processors" in log.text
    log = machine(memory=10)
    assert resources.fit(SETUPS, 8) == Fit(2, []) and "exp/large" in log.text and "--nj 8" in log.text
    machine(memory=3)
    assert resources.fit(SETUPS, 8) == Fit(1, [])
    machine(memory=3, sizes=(None, None))
    assert resources.fit(SETUPS, 8) == Fit(8, [])


def test_nothing_is_measured_where_one_runs_at_a_time(machine, monkeypatch):
    machine()
    monkeypatch.setattr(resources, "measure", lambda setup, reader: 1 / 0)
    assert resources.fit(SETUPS, 1) == Fit(1, [])


def test_jobs_per_device_limits_the_jobs_of_each_gpu(machine):
    log = machine(gpus=("0", "3"))
    assert resources.fit(SETUPS, 8, jobs_per_device=1) == Fit(2, ["0", "3"]) and "2 GPUs" in log.text
    machine(gpus=("0", "3"))
    assert resources.fit(SETUPS, 8, jobs_per_device=2) == Fit(4, ["0", "3"])
    assert resources.fit(SETUPS, 1) == Fit(1, ["0", "3"])


def test_the_memory_of_gpus_limits_their_jobs(machine):
    log = machine(gpus=("0", "3"))
    assert resources.fit(SETUPS, 8) == Fit(8, ["0", "3"]) and not log.records
    log = machine(gpus=("0", "3"), gpu_memory=5)
    assert resources.fit(SETUPS, 8) == Fit(4, ["0", "3"]) and "of a GPU" in log.text
    machine(gpus=("0", "3"), gpu_memory=1)
    assert resources.fit(SETUPS, 8) == Fit(1, ["0", "3"])


def test_prediction_is_limited_by_processors_and_gpus_only(machine, monkeypatch):
    machine(processors=3)
    monkeypatch.setattr(resources, "measure", lambda setup, reader: 1 / 0)
    assert resources.places("cpu", 8) == (3, [])
    machine(gpus=("1",))
    assert resources.places("auto", 8, jobs_per_device=2) == (2, ["1"])


def test_an_experiment_whose_step_fails_is_named_and_the_others_are_measured(machine, monkeypatch):
    log = machine(memory=10)
    measured = resources.measure

    def measure(setup, reader):
        if setup.exp.name == "small":
            raise UserError("no such layer", code="step-failed")
        return measured(setup, reader)

    monkeypatch.setattr(resources, "measure", measure)
    assert resources.fit(SETUPS, 8) == Fit(2, [], [Path("exp/small")]) and log.text.count("no such layer") == 1
    assert resources.fit(SETUPS[:1], 8) == Fit(8, [], [Path("exp/small")])
