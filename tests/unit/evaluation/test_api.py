"""``mscnn.evaluate`` and ``mscnn.compare``: against scikit-learn, by hand, and against files of stage 6."""

import dataclasses
import json
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from sklearn import metrics as sk

import mscnn
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.experiment_statistics import statistics
from mscnn.evaluation.groups import read_attributes
from mscnn.evaluation.metrics import METRICS
from tests.raises import fails
from tests.unit.evaluation.conftest import make_experiment, write_data
from tests.unit.evaluation.test_experiment_statistics import FOUR, SPEAKERS

NAMES = [f"t{i}" for i in range(200)]
CLASSES = ["angry", "happy", "neutral", "sad"]


def draw(seed=0, n=200, sharp=0.6, speakers=8):
    """Columns of simulated predictions: names, and probabilities with their maximum there."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n)
    prob = (1 - sharp) * rng.dirichlet(np.ones(4), n) + sharp * np.eye(4)[np.where(rng.random(n) < 0.6, truth, 0)]
    names = np.array(CLASSES)
    return {
        "truth": names[truth].tolist(),
        "predictions": names[prob.argmax(axis=1)].tolist(),
        "utterances": [f"u{i:03d}" for i in range(n)],
        "speakers": [f"s{i % speakers}" for i in range(n)],
        "probabilities": prob,
        "classes": CLASSES,
    }


def test_agrees_with_scikit_learn():
    columns = draw()
    truth, pred, prob = columns["truth"], columns["predictions"], columns["probabilities"]
    evaluation = mscnn.evaluate(**columns)
    values = {key: value.mean / 100 for key, value in evaluation.scores["pooled"].items()}
    assert values["ua"] == pytest.approx(sk.balanced_accuracy_score(truth, pred))
    assert values["wa"] == pytest.approx(sk.accuracy_score(truth, pred))
    assert values["f1"] == pytest.approx(sk.f1_score(truth, pred, average="macro"))
    assert values["wf1"] == pytest.approx(sk.f1_score(truth, pred, average="weighted"))
    for name, scores in evaluation.classes.items():
        by_class = [
            of(truth, pred, labels=[name], average=None)[0] for of in (sk.recall_score, sk.precision_score, sk.f1_score)
        ]
        assert [scores.recall, scores.precision, scores.f1] == pytest.approx([100 * value for value in by_class])
        assert scores.utterances == truth.count(name)
    np.testing.assert_array_equal(evaluation.confusion, sk.confusion_matrix(truth, pred))
    assert evaluation.calibration.log_loss == pytest.approx(sk.log_loss(truth, prob))
    onehot = np.array([[name == label for name in CLASSES] for label in truth])
    assert evaluation.calibration.brier == pytest.approx(((prob - onehot) ** 2).sum(axis=1).mean())
    assert not evaluation.remarks


def test_names_and_numbers_are_the_same():
    columns = draw()
    named = mscnn.evaluate(**columns).to_dict()
    for as_number in (int, np.int64, float):
        numbers = {key: [as_number(CLASSES.index(label)) for label in columns[key]] for key in ("truth", "predictions")}
        assert mscnn.evaluate(**{**columns, **numbers}).to_dict() == named
    columns["probabilities"] = {name: columns["probabilities"][:, k] for k, name in enumerate(CLASSES)}
    assert mscnn.evaluate(**{**columns, "classes": None}).to_dict() == named
    del columns["predictions"]
    assert mscnn.evaluate(**columns).to_dict() == named
    without = mscnn.evaluate([0, 1, 10, 2], [0, 10, 10, 1])
    assert list(without.classes) == ["0", "1", "2", "10"] and without.scores["pooled"]["wa"].mean == 50


@pytest.fixture
def four(tmp_path):
    exp = Experiment.load(make_experiment(tmp_path / "exp" / "four", FOUR))
    write_data(tmp_path / "exp" / "data", exp, **SPEAKERS)
    return exp


@pytest.fixture
def joined(four, tmp_path):
    """The test predictions of the experiment in one file, with speaker, dialogue, fold and run of each."""
    tables = read_attributes(four)
    lines = []
    for file in sorted(four.path.glob("fold*/run*/predictions_test.tsv")):
        head, *rows = file.read_text().splitlines()
        fold, run = (folder[-1] for folder in file.parts[-3:-1])
        for row in rows:
            utt = row.split("\t")[0]
            lines.append(f"{row}\t{tables['speaker'][utt]}\t{tables['dialogue'][utt]}\t{fold}\t{run}")
    path = tmp_path / "joined.tsv"
    path.write_text("\n".join([f"{head}\tspk\tdialogue\tfold\trun", *reversed(lines)]) + "\n")
    return path


@pytest.mark.parametrize("source", ["folder", "file"])
def test_agrees_with_stage_6(four, joined, source):
    path = four.path if source == "folder" else joined
    expected = statistics(four, read_attributes(four)).to_dict()
    by_speaker, by_dialogue = (mscnn.evaluate(path, over=over).to_dict() for over in (None, "dialogue"))
    for one in (by_speaker, by_dialogue):
        assert one["scores"] == expected["scores"] and one["classes"] == expected["classes"]
        assert one["calibration"] == expected["calibration"]["as_predicted"]
        assert (one["utterances"], one["folds"], one["runs"]) == (64, 4, 2)
    assert by_speaker["intervals"]["found"] == expected["intervals"]["found"][:2]
    assert by_dialogue["intervals"]["found"][1] == expected["intervals"]["found"][2]


def test_a_fold_without_a_class():
    """Undefined metrics are omitted with a remark; the others are reported."""
    evaluation = mscnn.evaluate(
        list("aabbab"), list("aabaab"), folds=["x", "x", "y", "y", "z", "z"], speakers=list("kkllmm")
    )
    assert set(evaluation.scores["fold-mean"]) == {"wa", "wf1"} and set(evaluation.scores["pooled"]) == set(METRICS)
    assert evaluation.scores["fold-mean"]["wa"].mean == pytest.approx(100 * (1 + 0.5 + 1) / 3)
    said = [remark for remark in evaluation.remarks if "fold" in remark]
    assert len(said) == 2 and "fold x" in said[0] and "fold y" in said[1]
    assert evaluation.to_dict()["scores"]["fold-mean"]["ua"] is None and "nan" not in f"{evaluation}".lower()


def test_predictions_of_a_class_that_the_truth_never_has():
    columns = draw()
    columns["predictions"][:5] = ["bored"] * 5
    evaluation = mscnn.evaluate(columns["truth"], columns["predictions"], speakers=columns["speakers"])
    assert (
        evaluation.others == ("bored",)
        and evaluation.confusion.shape == (4, 5)
        and evaluation.confusion[:, 4].sum() == 5
    )
    assert evaluation.scores["pooled"]["wa"].mean == pytest.approx(
        100 * sk.accuracy_score(columns["truth"], columns["predictions"])
    )
    assert any("bored" in remark and "5" in remark for remark in evaluation.remarks)
    assert "bored" in str(evaluation)


def test_names_that_differ_in_case_from_those_of_the_truth():
    columns = draw()
    columns["predictions"][0] = "ANGRY"
    evaluation = mscnn.evaluate(columns["truth"], columns["predictions"], speakers=columns["speakers"])
    assert any("ANGRY" in remark and "did you mean angry?" in remark for remark in evaluation.remarks)
    with fails("class-unknown", "item 0", "SAD", "did you mean sad?"):
        mscnn.evaluate(["SAD", "sad"], ["sad", "sad"], classes=["sad", "angry"])


def test_a_class_that_is_given_and_never_occurs(monkeypatch):
    monkeypatch.setitem(METRICS, "g", dataclasses.replace(METRICS["ua"], name="g", label="G-mean"))
    evaluation = mscnn.evaluate(list("aabb"), list("abbb"), classes=["a", "b", "c"], speakers=list("klkl"))
    assert set(evaluation.scores["pooled"]) == {"wa", "wf1"} and evaluation.intervals == []
    assert evaluation.classes["c"].recall is None and evaluation.classes["c"].utterances == 0
    assert any("c: UA, macro F1 and G-mean" in remark for remark in evaluation.remarks)


def test_clusters():
    columns = draw()
    assert [one.over for one in mscnn.evaluate(**columns).intervals] == ["speaker", "speaker"]
    columns["dialogues"] = columns.pop("speakers")
    assert [one.over for one in mscnn.evaluate(**columns).intervals] == ["dialogue", "dialogue"]
    with fails("clusters-unknown", "speaker"):
        mscnn.evaluate(**columns, over="speaker")
    with fails("option-value", "actor"):
        mscnn.evaluate(**columns, over="actor")
    del columns["dialogues"]
    alone = mscnn.evaluate(**columns)
    assert [(one.over, one.method, one.clusters) for one in alone.intervals] == [("utterance", "bootstrap", 200)]
    assert len(alone.remarks) == 1
    low, high = alone.intervals[0].bounds["wa"]
    value = alone.scores["pooled"]["wa"].mean
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(value * (100 - value) / 200), rel=0.1)


def test_one_speaker_has_no_interval():
    evaluation = mscnn.evaluate(list("aabb"), list("abbb"), speakers=["k"] * 4)
    assert all(not one.bounds and one.fault for one in evaluation.intervals)
    assert len(evaluation.remarks) == 3  # no utterance ids; two missing intervals
    assert evaluation.to_dict()["intervals"]["found"][0]["clusters"] == 1


def test_runs_are_means_and_may_be_in_any_order():
    columns, other = draw(), draw(1)
    both = {key: columns[key] + columns[key][::-1] for key in ("truth", "utterances", "speakers")}
    evaluation = mscnn.evaluate(
        predictions=columns["predictions"] + other["predictions"][::-1], runs=["1"] * 200 + ["2"] * 200, **both
    )
    accuracies = [100 * sk.accuracy_score(columns["truth"], one["predictions"]) for one in (columns, other)]
    assert evaluation.scores["pooled"]["wa"].mean == pytest.approx(np.mean(accuracies))
    assert evaluation.scores["pooled"]["wa"].run_sd == pytest.approx(np.std(accuracies, ddof=1))
    assert evaluation.confusion.sum() == 400 and sum(one.utterances for one in evaluation.classes.values()) == 200


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"predictions": ["angry"]}, "lengths-differ", [200, 1]),
        ({"truth": [], "predictions": []}, "predictions-empty", []),
        ({"truth": ["sad"] * 200, "classes": None, "probabilities": None}, "one-class", ["sad"]),
        ({"truth": ["angri"] + ["sad"] * 199}, "class-unknown", ["item 0", "angri", "angry"]),
        ({"truth": [4] + [1] * 199}, "class-unknown", ["item 0", 4]),
        ({"truth": ["sad", None] + ["sad"] * 198}, "value-missing", ["item 1", "truth"]),
        ({"predictions": [float("nan")] + ["sad"] * 199}, "value-missing", ["item 0", "predictions"]),
        ({"predictions": ["1"] * 200}, "labels-differ", ["angry", "1"]),
        ({"predictions": np.full((200, 4), 0.25)}, "array-shape", ["predictions", 4]),
        ({"probabilities": np.full((200, 3), 1 / 3)}, "array-shape", [3, 4]),
        ({"probabilities": np.full(200, 1.0)}, "array-shape", [200]),
        ({"probabilities": np.full((200, 4), 0.3)}, "probability-sum", ["item 0", 1.2]),
        ({"probabilities": np.full((200, 4), np.nan)}, "probability-value", ["item 0", "nan"]),
        ({"probabilities": np.tile([1.5, -0.5, 0, 0], (200, 1))}, "probability-value", ["item 0", 1.5]),
        ({"probabilities": [["x"] * 4] * 200}, "probability-value", []),
        ({"classes": None}, "classes-missing", []),
        ({"truth": NAMES, "classes": None, "probabilities": None}, "labels-differ", ["t1", "sad"]),
        ({"truth": ["sad", *NAMES[1:]], "classes": None, "probabilities": None}, "classes-many", [200]),
        ({"predictions": None, "probabilities": None}, "predictions-missing", []),
        ({"classes": [*CLASSES[:3], "angry"]}, "class-twice", ["angry"]),
        ({"utterances": [*"uvu", *map(str, range(197))]}, "utterance-twice", ["item 2", "u", "item 0"]),
        ({"runs": [1] * 100 + [2] * 100}, "runs-differ", ["u000"]),
        ({"speaker_column": "speaker"}, "option-value", ["speaker_column"]),
        ({"data": "data/set"}, "option-value", ["data"]),
    ],
)  # fmt: skip
def test_invalid_arguments_are_refused(changes, code, names):
    with fails(code, *names):
        mscnn.evaluate(**{**draw(), **changes})


def test_runs_that_contradict_each_other():
    columns = {"utterances": list("uvuv"), "runs": [1, 1, 2, 2], "predictions": list("abab")}
    with fails("truth-differs", "v"):
        mscnn.evaluate(list("abaa"), **columns)
    with fails("cluster-differs", "u", "speaker"):
        mscnn.evaluate(list("abab"), **columns, speakers=list("klml"))
    with fails("runs-differ", "fold"):
        mscnn.evaluate(list("abab"), **columns, folds=list("xyxx"))


def test_predictions_that_are_not_the_most_probable():
    """Scores use the predictions, calibration the most probable classes."""
    evaluation = mscnn.evaluate(
        list("ab"), list("aa"), probabilities=np.array([[0.8, 0.2], [0.1, 0.9]]), classes=["a", "b"]
    )
    assert evaluation.scores["pooled"]["wa"].mean == 50 and evaluation.calibration.ece == pytest.approx(
        100 * (0.2 + 0.1) / 2
    )
    assert any(remark.startswith("1 ") for remark in evaluation.remarks)


def test_compare_predictions():
    """The difference, its test over clusters, and McNemar, by hand."""
    a, b = draw(0), draw(2)
    comparison = mscnn.compare(
        a["predictions"], b["predictions"], truth=a["truth"], speakers=a["speakers"], names=["one", "two"]
    )
    hits = np.array([np.array(one["predictions"]) == a["truth"] for one in (a, b)]).astype(int)
    added = np.bincount([int(name[1:]) for name in a["speakers"]], hits[0] - hits[1])
    signs = np.array(list(product([1, -1], repeat=8)))
    one = comparison.pairs[0].differences["wa"]
    assert one.difference == pytest.approx(added.sum() / 2)
    assert one.p == pytest.approx((abs(signs @ added) >= abs(added.sum())).mean()) and one.holm == one.p
    assert one.interval[0] < one.difference < one.interval[1]
    assert [system.path for system in comparison.experiments] == ["one", "two"]
    assert (comparison.over, comparison.clusters, comparison.protocol, comparison.several_a_fold) == (
        "speaker",
        8,
        None,
        None,
    )
    assert f"{one.difference:+.2f}" in str(comparison)
    evaluated = [mscnn.evaluate(**{**columns, "truth": a["truth"], "probabilities": None}) for columns in (a, b)]
    assert mscnn.compare(evaluated).pairs == comparison.pairs


def test_compare_over_utterances_agrees_with_clusters_of_one():
    a, b = draw(0, 60), draw(2, 60)
    alone = mscnn.compare(a["predictions"], b["predictions"], truth=a["truth"])
    each = mscnn.compare(a["predictions"], b["predictions"], truth=a["truth"], speakers=range(60))
    assert (alone.over, alone.clusters, len(alone.remarks)) == ("utterance", 60, len(each.remarks) + 1)
    one, other = (comparison.pairs[0].differences["wa"] for comparison in (alone, each))
    assert one.difference == other.difference and one.p == pytest.approx(other.p, abs=0.02)
    assert one.interval == pytest.approx(other.interval, abs=3)


def write(path, columns, order=slice(None)):
    keys = ("utterances", "speakers", "truth", "predictions")
    rows = list(zip(*(columns[key] for key in keys), strict=True))[order]
    path.write_text("\n".join(["utterance,speaker,truth,prediction", *(",".join(row) for row in rows)]) + "\n")
    return path


def test_compare_files(tmp_path):
    a, b, c = draw(0), draw(2), draw(3)
    for other in (b, c):
        other["truth"] = a["truth"]
    c["predictions"][7] = "bored"
    files = [
        write(tmp_path / "a.csv", a),
        write(tmp_path / "b.csv", b, slice(None, None, -1)),
        write(tmp_path / "c.csv", c),
    ]
    comparison = mscnn.compare(files)
    assert [(pair.a, pair.b) for pair in comparison.pairs] == [(1, 2), (1, 3), (2, 3)]
    expected = [100 * sk.accuracy_score(a["truth"], one["predictions"]) for one in (a, b, c)]
    assert [one.scores["wa"].mean for one in comparison.experiments] == pytest.approx(expected)
    p = sorted(pair.differences["ua"].p for pair in comparison.pairs)
    assert min(pair.differences["ua"].holm for pair in comparison.pairs) == pytest.approx(min(1, 3 * p[0]))
    assert len(comparison.remarks) == 1 and "bored" in comparison.remarks[0]
    mixed = mscnn.compare(files[0], mscnn.evaluate(files[1]))
    assert mixed.pairs[0].differences["ua"].difference == comparison.pairs[0].differences["ua"].difference


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"utterances": [f"u{i:03d}" for i in range(1, 201)]}, "utterances-differ", ["u000", "u200", 1]),
        ({"truth": ["sad"] * 100 + ["angry"] * 50 + ["happy"] * 25 + ["neutral"] * 25}, "truth-differs", []),
        ({"truth": ["sad"] * 100 + ["angry"] * 100}, "classes-differ", []),
        ({"speakers": ["s0"] * 200}, "cluster-differs", ["u001", "s0", "s1"]),
    ],
)
def test_what_cannot_be_compared(tmp_path, changes, code, names):
    files = [write(tmp_path / "a.csv", draw()), write(tmp_path / "b.csv", {**draw(), **changes})]
    with fails(code, *names):
        mscnn.compare(files)


def test_compare_needs_two_and_the_truth():
    with fails("systems-few"):
        mscnn.compare([["a", "b"]], truth=["a", "b"])
    with fails("truth-missing"):
        mscnn.compare(["a", "b"], ["a", "a"])
    with fails("lengths-differ", 1, 2):
        mscnn.compare(["a", "b"], ["a", "a"], truth=["a", "b"], names=["one"])


def test_compare_experiments_and_files(four, joined):
    """A file of the same predictions does not differ from the experiment."""
    comparison = mscnn.compare(four.path, joined)
    assert all(
        one.difference == 0 and one.p == 1 for key, one in comparison.pairs[0].differences.items() if key != "wf1"
    )
    assert comparison.protocol is None and comparison.experiments[0].text == "gt"
    assert mscnn.compare(four.path, four).protocol == four.protocol
    with fails("option-value", "names"):
        mscnn.compare(four.path, four, names=["a", "b"])
    with fails("option-value", joined):
        mscnn.compare(joined, joined, data="data/set")
    with fails("option-value", joined, "speakers"):
        mscnn.evaluate(joined, speakers=["a"])


def test_commands(tmp_path):
    """Two hundred simulated rows, in an empty folder, without torch."""
    a, b = write(tmp_path / "a.csv", draw(0)), write(tmp_path / "b.csv", {**draw(2), "truth": draw(0)["truth"]})

    def run(module, *options):
        return subprocess.run(
            [sys.executable, "-m", f"mscnn.bin.{module}", *options], capture_output=True, text=True, cwd=tmp_path
        )

    done = run("evaluate", "a.csv", "--speaker-column", "speaker", "--out", "out/a")
    assert done.returncode == 0 and "Traceback" not in done.stderr
    ua = 100 * sk.balanced_accuracy_score(draw()["truth"], draw()["predictions"])
    [pooled] = [line.split() for line in done.stdout.splitlines() if line.startswith("pooled")]
    assert pooled[1] == f"{ua:.2f}" and "8 speakers" in done.stdout
    written = json.loads((tmp_path / "out" / "a.json").read_text())
    assert written["scores"]["pooled"]["ua"]["mean"] == pytest.approx(ua, abs=1e-6)
    assert (tmp_path / "out" / "a.txt").read_text() == done.stdout
    done = run("compare", "a.csv", "b.csv", "--speaker-column", "speaker", "--out", "c")
    assert done.returncode == 0 and done.stdout == (tmp_path / "c.md").read_text() + "\n"
    expected = mscnn.compare(a, b).pairs[0].differences["ua"]
    assert f"| {expected.difference:+.2f} |" in done.stdout and "| text |" not in done.stdout
    assert json.loads((tmp_path / "c.json").read_text())["pairs"][0]["ua"]["p"] == expected.p
    wrong = run("evaluate", "a.csv", "--speaker-column", "speeker")
    assert wrong.returncode == 1 and "error[column-missing]" in wrong.stderr and "Traceback" not in wrong.stderr
    check = (
        "import sys, mscnn; mscnn.evaluate('a.csv'); mscnn.compare('a.csv', 'b.csv'); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=tmp_path).returncode == 0
