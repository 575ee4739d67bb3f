"""Changes of code, configuration, folds or data make a finished experiment stale, changes of wording do not."""

import dataclasses
import importlib
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mscnn.evaluation import metrics
from mscnn.evaluation.metrics import METRICS
from mscnn.training import fingerprint
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.fingerprint import CODE, WORDS, changes, config_in, plain
from mscnn.training.runner import train_experiments
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment


@pytest.fixture
def setup(toy) -> ExperimentConfig:
    return toy_experiment(toy, "majority")


@pytest.fixture
def loop_py(tmp_path, monkeypatch) -> Path:
    """A copy of ``mscnn/training/loop.py`` that may be edited: fingerprints cover the copied package."""
    copy = tmp_path / "code" / "copy_of_training"
    shutil.copytree(Path(fingerprint.__file__).parent, copy)
    monkeypatch.syspath_prepend(copy.parent)
    monkeypatch.setattr(fingerprint, "CODE", (copy.name, *(name for name in CODE if name != "mscnn.training")))
    return copy / "loop.py"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_docstring_leaves_a_finished_experiment_fresh_and_a_constant_does_not(setup, loop_py):
    assert "mscnn.training" in CODE
    assert train_experiments([setup], nj=1) == 4
    edit(loop_py, '"""The training loop: epochs of steps,', '"""How networks learn: epochs of steps,')
    assert train_experiments([setup], nj=1) == 0
    edit(loop_py, "EVAL_BATCH_SIZE = 64", "EVAL_BATCH_SIZE = 32")
    with fails("experiment-changed", WORDS["inputs.code"], "--overwrite true", "--tag"):
        train_experiments([setup], nj=1)
    assert train_experiments([setup], nj=1, overwrite=True) == 4


@pytest.fixture
def metrics_py(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of ``mscnn/evaluation/metrics.py`` that may be edited, whose UA training uses."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    shutil.copy(metrics.__file__, folder / "copy_of_metrics.py")
    monkeypatch.syspath_prepend(folder)
    function = importlib.import_module("copy_of_metrics").ua
    monkeypatch.setitem(METRICS, "ua", dataclasses.replace(METRICS["ua"], function=function))
    yield folder / "copy_of_metrics.py"
    sys.modules.pop("copy_of_metrics")


def test_only_the_metric_that_selects_counts(setup, toy, metrics_py):
    by_ua = dataclasses.replace(setup, settings=("training.select=ua",))
    by_wa = dataclasses.replace(setup, settings=("training.select=wa",), exp=toy / "exp" / "wa")
    assert train_experiments([by_ua, by_wa], nj=1) == 8
    edit(metrics_py, "METRICS: dict", "def kappa(matrix):\n    return 0.0\n\n\nMETRICS: dict")
    edit(metrics_py, "2 * _hits(matrix) / np.maximum", "3 * _hits(matrix) / np.maximum")
    edit(metrics_py, '"""Unweighted accuracy, 0 to 1; raises', '"""Balanced accuracy; raises')
    assert train_experiments([by_ua, by_wa], nj=1) == 0
    edit(metrics_py, "return _hits(matrix) / totals\n", "return _hits(matrix) / (totals + 1)\n")
    assert train_experiments([by_wa], nj=1) == 0
    with fails("experiment-changed"):
        train_experiments([by_ua], nj=1)
    assert train_experiments([by_ua], nj=1, overwrite=True) == 4


def test_modules_in_code_exist():
    assert all(importlib.util.find_spec(name) for name in CODE)


def test_other_data_and_folds_make_an_experiment_stale(setup, toy):
    train_experiments([setup], nj=1)
    utt2emo, protocol = setup.data / "utt2emo", toy / "toy4.yaml"
    whole = utt2emo.read_text()
    utt2emo.write_text(whole.replace("A1-0 happy", "A1-0 sad"))
    with fails("experiment-changed", WORDS["inputs.labels"]):
        train_experiments([setup], nj=1)
    utt2emo.write_text(whole)
    edit(protocol, "scheme: partner", "scheme: share\n  share: 0.3\n  seed: 1")
    edit(protocol, "train-dev:\n  - speaker", "train-dev: []")
    with fails("experiment-changed", WORDS["protocol.sha256"]):
        train_experiments([setup], nj=1)
    with fails("experiment-changed", "--seed"):
        train_experiments([dataclasses.replace(setup, seed=1)], nj=1)


def test_what_a_pretrained_network_was_trained_on_is_a_fact(toy):
    """It may be learnt later: nothing is trained again, and ``config.yaml`` and the word on score lines follow."""
    setup = toy_experiment(toy, "logmel_lr", settings=("inputs.audio=mfcc96",), feature_dirs=(toy / "feats",))
    features = toy / "feats" / "feature.yaml"
    assert train_experiments([setup], nj=1) == 4 and "pretrained_on_test" not in config_in(setup.exp)
    for facts, names in (("trained_on: [toy]\n", 1), ("", 0)):
        features.write_text(features.read_text().replace("trained_on: [toy]\n", "") + facts)
        assert train_experiments([setup], nj=1) == 0
        assert len(config_in(setup.exp).get("pretrained_on_test", [])) == names


def test_changes_are_named_by_group():
    old = {"runs": 1, "seed": 0, "training": {"lr": 0.1, "clip": 1.0}, "environment": {"torch": "1"}}
    new = {
        "runs": 2,
        "seed": 0,
        "training": {"lr": 0.2, "clip": 1.0},
        "environment": {"torch": "2"},
        "text": "gt",
        "folds": 5,
    }
    assert changes(old, new) == ["training.lr", "text"]
    assert changes({}, new) == []


def test_differences_are_named_as_the_user_knows_them():
    names = ["training.lr", "model_options.fc_dim", "text_options.dim", "protocol.hash", "protocol.sha256"]
    assert plain(names) == f"training.lr, options.fc_dim, --emb-dim, {WORDS['protocol.hash']}"
    assert "wav2vec2" in plain(["inputs.wav2vec2"]) and "inputs" not in plain(["inputs.wav2vec2"])
