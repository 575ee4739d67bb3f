"""Groups of utterances: attributes that are read, and errors where some are missing."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import GroupScores, count, describe, group_scores, read_attributes
from mscnn.evaluation.predictions import join_folds
from tests.raises import fails
from tests.unit.evaluation.conftest import CLASSES, make_experiment, write_data

TABLES = {
    "utt2spk": lambda u: u[:2],  # one speaker per fold
    "utt2session": lambda u: f"S{u[1]}",
    "utt2gender": lambda u: "f",
    "utt2scene": lambda u: "impro01" if u.endswith("0") else "script01_1",
    "utt2dur": lambda u: 1 + int(u[-1]),  # 1 to 4 s: a limit belongs to the bucket below
}


def test_attributes(experiment, tmp_path):
    attributes = read_attributes(experiment, write_data(tmp_path / "data", experiment, **TABLES))
    assert list(attributes) == ["speaker", "session", "gender", "dialogue", "kind", "duration"]
    one = {name: values["t1-01"] for name, values in attributes.items()}
    assert one == {
        "speaker": "t1", "session": "S1", "gender": "f", "dialogue": "S1 script01_1", "kind": "scripted",
        "duration": "1-2 s",
    }  # fmt: skip
    assert attributes["duration"]["t1-00"] == "0-1 s" and attributes["duration"]["t1-03"] == "2-4 s"


def test_a_corpus_without_sessions_has_dialogues(experiment, tmp_path):
    data = write_data(tmp_path / "data", experiment, utt2scene=lambda u: f"dia{u[1]}")
    assert set(read_attributes(experiment, data)["dialogue"].values()) == {"dia1", "dia2"}
    assert "kind" not in read_attributes(experiment, data)


def test_no_data_directory(experiment, tmp_path):
    assert read_attributes(experiment) == {}
    with fails("data-directory-missing", tmp_path / "absent"):
        read_attributes(experiment, tmp_path / "absent")


def test_tables_of_another_set(experiment, tmp_path):
    (tmp_path / "utt2spk").write_text("x-1 x\n")
    with fails("utterances-missing", "utt2spk", 10, "t1-00"):
        read_attributes(experiment, tmp_path)


def test_word_error_rates_of_the_asr_engine(tmp_path):
    exp = Experiment.load(make_experiment(tmp_path / "exp" / "a", text="pocketsphinx"))
    data = write_data(tmp_path / "data", exp, **TABLES)
    assert "wer" not in read_attributes(exp, data)
    detail = tmp_path / "exp" / "asr_pocketsphinx" / "data" / "wer_detail.tsv"
    detail.parent.mkdir(parents=True)
    counts = {"00": (0, 4), "01": (1, 4), "02": (2, 4), "03": (5, 4), "10": (2, 0), "11": (0, 0), "12": (4, 4)}
    rows = [f"{p}{f}-{u}\tref\thyp\t{e}\t{w}\n" for p in "dt" for f in "12" for u, (e, w) in counts.items()]
    detail.write_text("".join(["utt\tref\thyp\tedits\twords\n", *rows]))
    buckets = read_attributes(exp, data)["wer"]
    assert [buckets[f"t1-{u}"] for u in counts] == [
        "0 %", "0-25 %", "25-50 %", "over 100 %", "over 100 %", "0 %", "50-100 %"
    ]  # fmt: skip
    detail.write_text("utt\tref\thyp\tedits\twords\nt1-00\tref\thyp\n")
    with fails("wer-detail-line", detail):
        read_attributes(exp, data)


def test_counts_are_those_of_each_groups_utterances(experiment):
    runs = join_folds(experiment.parts["test"])
    values = {u: u[-1] for u in runs[0].utts if u != "t2-10"}
    names, counts = count(runs, values, 2)
    assert names == ["0", "1", "2", "3"] and counts.shape == (2, 4, 2, 2)
    for r, run in enumerate(runs):
        for g, name in enumerate(names):
            inside = [i for i, u in enumerate(run.utts) if values.get(u) == name]
            expected = confusion_matrix(run.truth[inside], run.pred[inside], labels=[0, 1])
            np.testing.assert_array_equal(counts[r, g], expected)


def test_a_group_by_hand():
    """Two runs: WA 4/6 and 6/6; recalls of calm 3/4 and 1, of cross 1/2 and 1."""
    scores = describe(np.array([[[3, 1], [1, 1]], [[4, 0], [0, 2]]]), CLASSES)
    assert scores.utterances == 6 and scores.absent == []
    assert scores.wa == pytest.approx(500 / 6) and scores.ua == pytest.approx((87.5 + 75) / 2)
    assert scores.recalls == {"calm": 87.5, "cross": 75}


def test_a_group_without_a_class_has_no_ua():
    scores = describe(np.array([[[3, 1], [0, 0]]]), CLASSES)
    assert scores == GroupScores(utterances=4, ua=None, wa=75, recalls={"calm": 75}, absent=["cross"])


def test_groups_of_every_attribute(experiment, tmp_path):
    attributes = read_attributes(experiment, write_data(tmp_path / "data", experiment, **TABLES))
    scores = group_scores(join_folds(experiment.parts["test"]), attributes, CLASSES)
    assert list(scores) == ["speaker", "session", "kind", "duration"]  # all are of one gender
    assert {name: group.utterances for name, group in scores["speaker"].items()} == {"t1": 6, "t2": 4}
    assert scores["duration"]["2-4 s"].absent == ["cross"]
    assert sum(group.utterances for group in scores["duration"].values()) == 10
