"""Experiments that are unfinished or contradictory are refused, never scored."""

import pytest
import yaml

from mscnn.evaluation.experiment import Experiment
from tests.raises import fails


def test_experiment_is_read_whole(experiment):
    assert experiment.classes == ("calm", "cross")
    assert [[len(p.utts) for p in runs] for runs in experiment.parts["test"]] == [[6, 6], [4, 4]]


def test_all_unfinished_runs_are_listed(folder):
    (folder / "fold02" / "run1" / "predictions_test.tsv").unlink()
    (folder / "fold01" / "run2" / "predictions_dev.tsv").unlink()
    with fails("experiment-unfinished", 2, 4, "fold01/run2, fold02/run1", "mscnn.bin.train --model mscnn_spu"):
        Experiment.load(folder)


def test_a_file_that_lost_lines_is_noticed(folder):
    file = folder / "fold01" / "run2" / "predictions_test.tsv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with fails("utterances-differ", "fold01/run2", "t1-11"):
        Experiment.load(folder)


def test_predictions_must_match_the_fold_lists(folder):
    (folder / "folds").mkdir()
    (folder / "folds" / "fold02.test").write_text("t2-00\nt2-01\nt2-10\nt2-11\nt2-12\n")
    with fails("utterances-differ", "fold02/run1", "t2-12"):
        Experiment.load(folder)


def test_test_parts_share_no_utterance(folder):
    for run in ("run1", "run2"):
        file = folder / "fold02" / run / "predictions_test.tsv"
        file.write_text(file.read_text().replace("t2-00", "t1-00"))
    with fails("utterance-twice", "fold02/run1", "t1-00"):
        Experiment.load(folder)


def test_truth_does_not_change(folder):
    for run in ("run1", "run2"):
        file = folder / "fold02" / run / "predictions_dev.tsv"
        file.write_text(file.read_text().replace("d2-00", "d1-10").replace("d2-", "d3-"))
    with fails("truth-differs", "fold02/run1", "d1-10"):
        Experiment.load(folder)


VALUES = [
    ("folds", "2"),
    ("runs", 0),
    ("runs", 99_999),
    ("classes", None),
    ("protocol", "random10"),
    ("data", True),
    ("text", ["gt"]),
]
VALUES += [("model", 5), ("environment", 5), ("text_options", {"dim": 300, "a": 1}), ("feature_dirs", None)]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_a_malformed_configuration(folder, key, value):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, key: value}))
    with fails("experiment-config", folder / "config.yaml", key):
        Experiment.load(folder)


def test_a_relative_path_has_its_name_and_parent(folder, monkeypatch):
    for inside, given in ((folder, "."), (folder / "fold01", "..")):
        monkeypatch.chdir(inside)
        exp = Experiment.load(given)
        assert exp.path.name == "try" and exp.path.parent.resolve() == folder.parent


def test_no_experiment(tmp_path, folder):
    with fails("experiment-missing", tmp_path):
        Experiment.load(tmp_path)
    (folder / "config.yaml").write_text("model: x\n")
    with fails("experiment-config", "data, classes"):
        Experiment.load(folder)


def test_its_data_are_found_from_anywhere(folder, tmp_path, monkeypatch):
    """From the recipe's folder, two above; or from the working folder; or from another folder above it."""
    experiment = Experiment(folder, {"data": "data/set"}, {})
    monkeypatch.chdir("/")
    assert str(experiment.data) == "data/set"
    elsewhere, beside = tmp_path / "elsewhere", folder.parent / "data" / "set"
    for place in (beside, elsewhere / "data" / "set", tmp_path / "data" / "set"):
        place.mkdir(parents=True)
        monkeypatch.chdir(elsewhere if elsewhere.is_dir() else "/")
        assert experiment.data.resolve() == place
