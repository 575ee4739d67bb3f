"""Predictions: what is torn or contradicts itself is refused, never scored."""

import numpy as np
import pytest
import yaml

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.predictions import read_predictions

GOOD = "utt\ttruth\tpred\tp_calm\tp_cross\na-1\tcalm\tcalm\t0.900000\t0.100000\na-2\tcross\tcalm\t0.500000\t0.500000\n"


def read(tmp_path, text):
    (tmp_path / "p.tsv").write_text(text)
    return read_predictions(tmp_path / "p.tsv", ["calm", "cross"])


def test_good_file(tmp_path):
    found = read(tmp_path, GOOD)
    assert found.utts == ("a-1", "a-2") and found.truth.tolist() == [0, 1] and found.pred.tolist() == [0, 0]
    np.testing.assert_array_equal(found.prob, [[0.9, 0.1], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.500000\n", "0.5", "p.tsv:3: no newline at the end"),
        (GOOD, "", "no newline"),
        (GOOD[GOOD.index("a-1") :], "", "no utterance in it"),
        ("p_calm\tp_cross", "p_cross\tp_calm", "p.tsv:1: expected the columns utt truth pred p_calm p_cross"),
        ("a-2", "a-1", "p.tsv:3: a-1 twice"),
        ("a-2", "a-0", "p.tsv:3: a-0 twice, or not in bytewise order"),
        ("\t0.500000\n", "\n", "p.tsv:3: expected 5 columns, found 4"),
        ("a-2\tcross", "a-2\t1", "class '1' is none of calm, cross"),
        ("0.900000", "0.800000", "sum to 1; found 0.800000 0.100000"),
        ("0.900000", "nan", "sum to 1"),
        ("0.900000", "high", "not numbers"),
        ("calm\t0.900000\t0.100000", "cross\t0.900000\t0.100000", "cross is not the most probable class"),
    ],
)
def test_faults(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(UserError, match=message):
        read(tmp_path, GOOD.replace(old, new))


def test_experiment_is_read_whole(experiment):
    assert experiment.classes == ("calm", "cross")
    assert [[len(p.utts) for p in runs] for runs in experiment.parts["test"]] == [[6, 6], [4, 4]]


def test_unfinished_runs_are_all_named(folder):
    (folder / "fold02" / "run1" / "predictions_test.tsv").unlink()
    (folder / "fold01" / "run2" / "predictions_dev.tsv").unlink()
    with pytest.raises(
        UserError, match=r"2 of 4 runs .* fold01/run2, fold02/run1; .*mscnn.bin.train --model mscnn_spu"
    ):
        Experiment.load(folder)


def test_a_file_that_lost_lines_is_noticed(folder):
    file = folder / "fold01" / "run2" / "predictions_test.tsv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="run2.*not the utterances of this fold: t1-11"):
        Experiment.load(folder)


def test_fold_lists_are_the_law(folder):
    (folder / "folds").mkdir()
    (folder / "folds" / "fold02.test").write_text("t2-00\nt2-01\nt2-10\nt2-11\nt2-12\n")
    with pytest.raises(UserError, match="fold02/run1.*t2-12"):
        Experiment.load(folder)


def test_test_parts_share_no_utterance(folder):
    for run in ("run1", "run2"):
        file = folder / "fold02" / run / "predictions_test.tsv"
        file.write_text(file.read_text().replace("t2-00", "t1-00"))
    with pytest.raises(UserError, match="t1-00 is also in the test part of fold 1"):
        Experiment.load(folder)


def test_truth_does_not_change(folder):
    for run in ("run1", "run2"):
        file = folder / "fold02" / run / "predictions_dev.tsv"
        file.write_text(file.read_text().replace("d2-00", "d1-10").replace("d2-", "d3-"))
    with pytest.raises(UserError, match="d1-10 has another truth"):
        Experiment.load(folder)


@pytest.mark.parametrize("key, value, message", [
    ("folds", "2", "folds: expected a whole number from 1, found '2'"),
    ("runs", 0, "runs: expected a whole number from 1, found 0"),
    ("classes", None, "classes: expected a list of names, found None"),
    ("protocol", "random10", "protocol: expected name, hash, disjoint and selection, found 'random10'"),
])  # fmt: skip
def test_a_malformed_configuration(folder, key, value, message):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, key: value}))
    with pytest.raises(UserError, match=f"config.yaml: {message}; make it again"):
        Experiment.load(folder)


def test_from_inside_it_has_its_name_and_neighbours(folder, monkeypatch):
    for inside, given in ((folder, "."), (folder / "fold01", "..")):
        monkeypatch.chdir(inside)
        found = Experiment.load(given)
        assert found.path.name == "try" and found.path.parent.resolve() == folder.parent


def test_no_experiment(tmp_path, folder):
    with pytest.raises(UserError, match="stage 5"):
        Experiment.load(tmp_path)
    (folder / "config.yaml").write_text("model: x\n")
    with pytest.raises(UserError, match="lacks data, classes"):
        Experiment.load(folder)
