"""statistics.json, and its values in RESULTS.md and the score file."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.experiment_statistics import statistics
from mscnn.evaluation.groups import read_attributes
from mscnn.evaluation.predictions import join_folds
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment, write_data

GOOD, FAIR = [[6, 2], [1, 7]], [[5, 3], [3, 5]]
FOUR = [[GOOD, FAIR], [FAIR, GOOD], [GOOD, GOOD], [FAIR, FAIR]]  # four folds, two runs
SPEAKERS = {"utt2spk": lambda u: u[:2], "utt2scene": lambda u: f"impro0{u[1]}", "utt2dur": lambda u: 3}


@pytest.fixture
def four(tmp_path):
    return Experiment.load(make_experiment(tmp_path / "exp" / "four", FOUR))


@pytest.fixture
def data(four, tmp_path):
    return write_data(tmp_path / "data", four, **SPEAKERS)


def test_the_file_holds_everything(four, data):
    write_report(four, data)
    written = json.loads((four.path / "statistics.json").read_text())
    assert written == statistics(four, read_attributes(four, data)).to_dict()
    runs = join_folds(four.parts["test"])
    pooled = 100 * np.mean([balanced_accuracy_score(run.truth, run.pred) for run in runs])
    assert written["scores"]["pooled"]["ua"]["mean"] == pytest.approx(pooled, abs=1e-6)
    assert written["utterances"] == 64 and written["classes"]["calm"]["utterances"] == 32
    assert list(written["groups"]) == ["speaker"] and len(written["groups"]["speaker"]) == 4
    assert written["abstention"][-1]["ua"] == written["scores"]["pooled"]["ua"]["mean"]
    assert np.shape(written["calibration"]["temperatures"]) == (4, 2)


def test_the_headline_is_t_over_speakers(four, data):
    """Speakers of one size and as many of each class: the t interval of their UA, averaged over runs."""
    by_kind = statistics(four, read_attributes(four, data)).intervals
    assert [(entry.over, entry.method, entry.clusters) for entry in by_kind] == [
        ("speaker", "t", 4), ("speaker", "bootstrap", 4), ("dialogue", "bootstrap", 4)
    ]  # fmt: skip
    means = [np.mean([np.trace(run) / 16 for run in runs]) for runs in np.array(FOUR)]
    expected = 100 * np.array(stats.ttest_1samp(means, 0).confidence_interval(0.95))
    np.testing.assert_allclose(by_kind[0].bounds["ua"], np.clip(expected, 0, 100), atol=1e-5)
    assert by_kind[0].recalls.keys() == {"calm", "cross"}


def test_remarks_for_the_reader(four, data):
    write_report(four, data)
    low, high = statistics(four, read_attributes(four, data)).intervals[0].bounds["ua"]
    score, results = ((four.path / name).read_text() for name in ("score_test.txt", "RESULTS.md"))
    [remark] = [line for line in score.splitlines() if line.startswith("# agg=pooled") and " t over 4 speakers" in line]
    assert f"UA {low:.2f} to {high:.2f}, WA " in remark
    assert any(line.startswith("# agg=fold-mean") and "UA +0.00, WA +0.00" in line for line in score.splitlines())
    assert f"| speakers | t | 4 | {low:.2f} to {high:.2f} |" in results
    assert "UA +0.00" in results and "2000 resamples, seed 0" in results
    assert "| speaker | t1 | 16 | " in results and "## Calibration" in results
    assert " t over " not in (four.path / "score_dev.txt").read_text()


def test_without_a_data_directory_there_are_no_intervals_but_remarks(four):
    write_report(four)
    assert json.loads((four.path / "statistics.json").read_text())["intervals"]["found"] == []
    for name, start in (("score_test.txt", "# "), ("RESULTS.md", "* ")):
        lines = (four.path / name).read_text().splitlines()
        assert any(line.startswith(start) and "utt2spk" in line for line in lines)


def test_a_missing_class_is_reported_and_not_skipped(four, tmp_path):
    """Speaker b has one utterance."""
    data = write_data(tmp_path / "data", four, utt2spk=lambda u: "b" if u == "t1-00" else "a")
    write_report(four, data)
    results = (four.path / "RESULTS.md").read_text()
    [row] = [line for line in results.splitlines() if line.startswith("| speaker | b | 1 |")]
    assert not any(char.isdigit() for char in row.split("|")[4])  # in place of UA
    written = json.loads((four.path / "statistics.json").read_text())
    assert written["groups"]["speaker"]["b"]["absent"] == ["cross"]
    t, bootstrap, *_ = written["intervals"]["found"]
    assert t["fault"] and "ua" not in t and t["fault"] in results
    assert bootstrap["redrawn"] > 0 and f", {bootstrap['redrawn']} " in results


def test_many_speakers_are_summarised(four, tmp_path):
    write_report(four, write_data(tmp_path / "data", four, utt2spk=lambda u: u[1:]))
    results = (four.path / "RESULTS.md").read_text()
    assert "* 64 speakers" in results and results.count("| speaker | ") == 2


def test_no_temperature_is_fitted_on_test_utterances(tmp_path):
    folder = make_experiment(tmp_path / "exp" / "a", FOUR)
    for file in folder.glob("fold*/run*/predictions_test.tsv"):
        (file.parent / "predictions_dev.tsv").write_text(file.read_text())
    write_report(Experiment.load(folder))
    written = json.loads((folder / "statistics.json").read_text())["calibration"]
    assert written["temperatures"] is None and written["with_temperature"] is None
    assert written["fault"] and written["fault"] in (folder / "RESULTS.md").read_text()


def test_shared_speakers_and_missing_word_error_rates_are_remarked(tmp_path):
    protocol = {
        "name": "random10", "version": 1, "hash": "1f3a", "selection": "dev",
        "disjoint": {"train-test": [], "train-dev": [], "dev-test": []},
    }  # fmt: skip
    folder = make_experiment(tmp_path / "exp" / "a", FOUR, protocol=protocol, text="google")
    write_report(Experiment.load(folder))
    text = (folder / "score_test.txt").read_text()
    remarks = json.loads((folder / "statistics.json").read_text())["remarks"]
    assert all(f"# {remark}\n" in text for remark in remarks)
    assert (
        len(remarks) == 4 and "asr_google/SET/wer_detail.tsv" in remarks[2]
    )  # no speakers, dialogues, WER; shared ones
