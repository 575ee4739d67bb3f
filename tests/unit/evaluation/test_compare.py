"""Comparisons: of comparable systems only, with the results of the tests."""

import json
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from mscnn.evaluation.compare import compare
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.intervals import bootstrap, difference, estimate
from tests.raises import fails
from tests.unit.evaluation.conftest import make_experiment, write_data

GOOD, FAIR = [[8, 0], [1, 7]], [[5, 3], [3, 5]]
SIX = {"good": [[GOOD]] * 6, "fair": [[FAIR, GOOD]] + [[FAIR, FAIR]] * 5, "like": [[FAIR]] * 6}
OTHER = {"name": "speaker10", "version": 1, "hash": "77aa", "disjoint": {"train-test": []}, "selection": "dev"}


@pytest.fixture
def exps(tmp_path):
    experiments = [Experiment.load(make_experiment(tmp_path / "exp" / name, counts)) for name, counts in SIX.items()]
    write_data(
        tmp_path / "exp" / "data", experiments[0], utt2spk=lambda u: u[:2]
    )  # one speaker per fold, where config.yaml says
    return experiments


def test_three_experiments(exps):
    """good: 15 of 16 right in each fold; fair: 10, but for 15 in one of two runs of the first fold; like: 10."""
    comparison = compare(exps).to_dict()
    assert (comparison["protocol"], comparison["utterances"], comparison["over"], comparison["clusters"]) == (
        "random10@1f3a",
        96,
        "speaker",
        6,
    )
    assert [(pair["a"], pair["b"]) for pair in comparison["pairs"]] == [(1, 2), (1, 3), (2, 3)]
    wa = [pair["wa"] for pair in comparison["pairs"]]
    np.testing.assert_allclose(
        [entry["difference"] for entry in wa], [100 * (30 - 2.5) / 96, 100 * 30 / 96, 100 * 2.5 / 96]
    )
    assert [entry["p"] for entry in wa] == [2 / 64, 2 / 64, 1]  # all six agree; one differs, either way
    assert [entry["holm"] for entry in wa] == [6 / 64, 6 / 64, 1]
    assert comparison["experiments"][1]["wa"]["run_sd"] == pytest.approx(100 * 5 / 96 / np.sqrt(2))
    assert comparison["pairs"][1]["mcnemar"] == pytest.approx(2 * 0.5**30)  # 30 utterances right in good alone


def test_mcnemar_of_several_runs_is_the_largest(exps, tmp_path):
    """The first run of mixed is far better than like, the second is the same."""
    mixed = Experiment.load(make_experiment(tmp_path / "exp" / "mixed", [[GOOD, FAIR]] * 6))
    twice = Experiment.load(make_experiment(tmp_path / "exp" / "twice", [[FAIR, FAIR]] * 6))
    assert compare([mixed, twice]).pairs[0].mcnemar == 1


def test_mcnemar_uses_all_runs_where_their_numbers_differ(exps, tmp_path):
    """The first run of worse is far below good; its second run equals good."""
    worse = Experiment.load(make_experiment(tmp_path / "exp" / "worse", [[FAIR, GOOD, FAIR]] * 6))
    assert compare([worse, exps[0]]).pairs[0].mcnemar == compare([exps[0], worse]).pairs[0].mcnemar == 1
    assert compare([exps[0], exps[2]]).pairs[0].mcnemar < 1e-6


def test_the_interval_is_that_of_the_paired_bootstrap(exps):
    counts = [np.array(SIX[name]).transpose(1, 0, 2, 3) for name in ("good", "fair")]
    expected = bootstrap(difference(*map(estimate, counts)), counts[0][0].sum(axis=2)).bounds
    by_metric = compare(exps[:2]).pairs[0].differences
    np.testing.assert_allclose(by_metric["ua"].interval, 100 * expected[:, 0])
    np.testing.assert_allclose(by_metric["wa"].interval, 100 * expected[:, 1])
    np.testing.assert_allclose(by_metric["wf1"].interval, 100 * expected[:, 3])


def test_the_difference_of_weighted_f1(exps):
    """GOOD has F1 of 16/17 and 14/15, FAIR of 5/8 twice; classes are of one size."""
    comparison = compare([exps[0], exps[2]])
    entry = comparison.pairs[0].differences["wf1"]
    assert entry.difference == pytest.approx(100 * ((16 / 17 + 14 / 15) / 2 - 5 / 8))
    assert entry.p is None and "p" not in comparison.to_dict()["pairs"][0]["wf1"]


def test_dialogues_in_place_of_speakers(exps, tmp_path):
    """Four dialogues with every speaker in each: p is counted over their 2^4 sign patterns."""
    tables = {"utt2spk": lambda u: u[:2], "utt2scene": lambda u: f"d{int(u[4:]) % 4}"}
    data = write_data(tmp_path / "more", exps[0], **tables)
    by_speaker, by_dialogue = (compare([exps[0], exps[2]], data, over) for over in ("speaker", "dialogue"))
    assert (by_dialogue.over, by_dialogue.clusters, by_dialogue.several_a_fold) == ("dialogue", 4, True)
    utts = [utt for fold in exps[0].parts["test"] for utt in fold[0].utts]
    dialogue = np.array([int(utt[4:]) % 4 for utt in utts])
    hits = [
        np.concatenate([r[0].pred == r[0].truth for r in exp.parts["test"]]).astype(int) for exp in (exps[0], exps[2])
    ]
    added = np.bincount(dialogue, hits[0] - hits[1])
    signs = np.array(list(product([1, -1], repeat=4)))
    expected = (abs(signs @ added) >= abs(added.sum())).mean()
    speaker, dialogue = (comparison.pairs[0].differences["wa"] for comparison in (by_speaker, by_dialogue))
    assert dialogue.p == pytest.approx(expected) and speaker.p == 2 / 64
    assert dialogue.difference == speaker.difference
    (data / "utt2scene").unlink()
    with fails("clusters-unknown", data, "utt2scene", "dialogue"):
        compare(exps, data, "dialogue")


def test_the_data_of_a_recipe_are_found_from_anywhere(exps, tmp_path, monkeypatch):
    """config.yaml has the path as run.sh knew it, from the folder of the recipe."""
    recipe = tmp_path / "recipe"
    inside = [make_experiment(recipe / "exp" / name, SIX[name], data="data/set") for name in ("good", "like")]
    write_data(recipe / "data" / "set", exps[0], utt2spk=lambda u: u[:2])
    for folder, paths in ((tmp_path, inside), (recipe, ["exp/good", "exp/like"]), (recipe / "exp", ["good", "like"])):
        monkeypatch.chdir(folder)
        assert compare([Experiment.load(path) for path in paths]).clusters == 6


@pytest.mark.parametrize(
    ("counts", "changes", "code", "names"),
    [
        (SIX["good"], {"protocol": OTHER}, "protocols-differ", ["random10@1f3a", "speaker10@77aa"]),
        (SIX["good"], {"classes": ["cross", "calm"]}, "classes-differ", ["calm, cross", "cross, calm"]),
        (SIX["good"][:5], {}, "folds-differ", [6, 5]),
        ([[[[8, 0], [1, 6]]]] * 6, {}, "utterances-differ", ["fold 1", "t1-17"]),
    ],
)
def test_what_cannot_be_compared(exps, tmp_path, counts, changes, code, names):
    classes = changes.pop("classes", ["calm", "cross"])
    other = Experiment.load(make_experiment(tmp_path / "exp" / "other", counts, classes, **changes))
    with fails(code, *names):
        compare([exps[0], other])


def test_other_labels_cannot_be_compared(exps, tmp_path):
    folder = make_experiment(tmp_path / "exp" / "other", SIX["good"])
    for part in ("dev", "test"):
        file = folder / "fold01" / "run1" / f"predictions_{part}.tsv"
        file.write_text(file.read_text().replace("1-00\tcalm", "1-00\tcross"))
    with fails("truth-differs", "fold 1"):
        compare([exps[0], Experiment.load(folder)])


def test_speakers_must_be_known(exps, tmp_path):
    (tmp_path / "exp" / "data" / "utt2spk").unlink()
    with fails("clusters-unknown", "utt2spk"):
        compare(exps)


def test_command(exps, tmp_path):
    command = [sys.executable, "-m", "mscnn.bin.compare", *(str(exp.path) for exp in exps)]
    done = subprocess.run([*command, "--out", str(tmp_path / "c")], capture_output=True, text=True, check=True)
    assert done.stdout == (tmp_path / "c.md").read_text() + "\n"
    assert json.loads((tmp_path / "c.json").read_text())["pairs"][2]["wa"]["p"] == 1
    other = subprocess.run([*command, "--over", "dialogue"], capture_output=True, text=True)
    assert other.returncode == 1 and "error[clusters-unknown]" in other.stderr
    alone = subprocess.run(command[:4], capture_output=True, text=True)
    assert alone.returncode == 2 and "Traceback" not in alone.stderr
    absent = subprocess.run([*command[:4], str(tmp_path)], capture_output=True, text=True)
    assert absent.returncode == 1 and "error[experiment-missing]" in absent.stderr
