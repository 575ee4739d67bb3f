"""Many experiments: all are checked before the first is trained, and all runs are one job queue."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.evaluation.metrics import METRICS
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.runner import train_experiments
from mscnn.training.selection import check_training
from mscnn.training.systems import System, system_of
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment


@pytest.fixture
def experiments(toy) -> list[ExperimentConfig]:
    """Two experiments of four folds; the second has two runs."""
    one = toy_experiment(toy, "majority", "one")
    return [one, dataclasses.replace(one, model="tfidf_lr", exp=toy / "exp" / "two", runs=2)]


def test_all_runs_are_one_job_queue(experiments, monkeypatch):
    calls, loads, load = [], [], DataDir.load
    monkeypatch.setattr("mscnn.jobs.run_jobs", lambda function, jobs, **options: calls.append((jobs, options)))
    monkeypatch.setattr(DataDir, "load", lambda path: loads.append(path) or load(path))
    assert train_experiments(experiments, nj=3) == 12
    [(jobs, options)] = calls
    assert len(jobs) == 12 and options["nj"] == 3
    one, two = (setup.exp / "log" for setup in experiments)
    numbered = [(one, n) for n in range(1, 5)] + [(two, n) for n in range(1, 9)]
    assert options["logs"] == [folder / f"train.{n}.log" for folder, n in numbered]
    assert loads == [experiments[0].data], "a data directory is read once"


def test_a_failure_does_not_stop_the_others_and_its_log_is_reported(experiments):
    one, two = experiments
    one.exp.mkdir(parents=True)
    (one.exp / "fold02").write_text("a file where a folder must be")
    with fails("jobs-failed", one.exp / "log" / "train.2.log"):
        train_experiments(experiments, nj=1)
    done = [path.parent.parent.name for path in sorted(one.exp.glob("fold*/run*/done.json"))]
    assert done == ["fold01", "fold03", "fold04"]
    assert len([*two.exp.glob("fold*/run*/done.json")]) == 8
    (one.exp / "fold02").unlink()
    assert train_experiments(experiments, nj=1) == 1


def test_no_run_starts_where_an_experiment_cannot_be_trained(experiments, monkeypatch):
    good, other = experiments
    wrong = {
        "metric-unknown": dataclasses.replace(other, model="text_cnn", settings=("training.select=wf2",)),
        "experiment-twice": dataclasses.replace(other, exp=good.exp),
        "package-missing": dataclasses.replace(other, tensorboard=True),
    }
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for code, setup in wrong.items():
        with fails(code):
            train_experiments([good, setup], nj=1)
        assert not good.exp.exists()
    train_experiments([other], nj=1)
    with fails("experiment-changed", "options.ngrams"):
        train_experiments([good, dataclasses.replace(other, settings=("ngrams=1",))], nj=1)
    assert not good.exp.exists()


def test_all_experiments_of_another_configuration_are_listed(experiments):
    train_experiments(experiments, nj=1)
    others = [dataclasses.replace(setup, seed=5) for setup in experiments]
    with fails("experiment-changed", *(setup.exp / "config.yaml" for setup in experiments)) as caught:
        train_experiments(others, nj=1)
    assert [issue.code for issue in caught.value.issues] == ["experiment-changed"] * 2


@pytest.mark.parametrize("select", ["wa_ua", "loss", *METRICS])
def test_epochs_may_be_selected_by_every_metric(select):
    check_training(ModelSpec.load("audio_cnn", [f"training.select={select}"]))


def test_an_unknown_metric_is_reported_with_the_nearest():
    with fails("metric-unknown", "audio_cnn", "training.select", "wf2", "wf1"):
        check_training(ModelSpec.load("audio_cnn", ["training.select=wf2"]))


def test_a_cyclic_rate_needs_its_maximum():
    check_training(ModelSpec.load("audio_cnn", ["training.schedule=cyclic", "training.max_lr=0.001"]))
    with fails("option-conflict", "audio_cnn", "training.max_lr"):
        check_training(ModelSpec.load("audio_cnn", ["training.schedule=cyclic"]))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (["optimizer=sgd", "nesterov=true"], "nesterov"),
        (["nesterov=true"], "nesterov"),
        (["momentum=0.9"], "momentum"),
        (["optimizer=rmsprop", "betas=[0.5,0.9]"], "betas"),
        (["clip=0", "clip_mode=value"], "clip_mode"),
        (["balance_power=0.5"], "balance_power"),
        (["gamma=0.5"], "gamma"),
        (["min_lr=0.1"], "min_lr"),
        (["schedule=step", "gamma=0.5", "min_lr=0.1"], "min_lr"),
        (["step_epochs=3"], "step_epochs"),
        (["warmup_epochs=3"], "warmup_epochs"),
        (["max_lr=0.1"], "max_lr"),
    ],
)
def test_settings_that_contradict_each_other(settings, name):
    with fails("option-conflict", "audio_cnn", f"training.{name}="):
        check_training(ModelSpec.load("audio_cnn", settings))


def test_values_of_files_may_be_without_effect():
    check_training(ModelSpec.load("glam", ["schedule=none"]))  # its gamma
    check_training(ModelSpec.load("cnn_attn_pooling", ["optimizer=adam"]))  # its momentum
    check_training(ModelSpec.load("audio_cnn", ["momentum=0", "min_lr=0"]))  # as they are


@pytest.mark.parametrize(("model", "refitted"), [("majority", True), ("glam", False)])
def test_networks_and_baselines_have_one_interface(model, refitted):
    system: System = system_of(ModelSpec.load(model))
    assert system.refitted is refitted
    assert all(callable(method) for method in (system.train, system.predict, system.parameters, system.pretrained))


def test_training_in_this_process_restores_its_settings(experiments, toy):
    setup = dataclasses.replace(
        experiments[0],
        model="audio_cnn",
        settings=("max_epochs=1", "filters=2"),
        feature_dirs=(toy / "feats",),
        folds=1,
    )
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(3).tolist(), np.random.rand(3).tolist()
    torch.manual_seed(3)
    np.random.seed(3)
    try:
        assert train_experiments([setup], nj=1) == 1
        assert torch.get_num_threads() == 2 and not torch.are_deterministic_algorithms_enabled()
        assert (torch.rand(3).tolist(), np.random.rand(3).tolist()) == expected
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
