"""Stage 6 end to end: files, subsets, remarks, and the same bytes each time."""

import csv
import json
import subprocess
import sys

import pytest

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import METRICS
from mscnn.files import write_table
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.results import write_report
from tests.raises import fails
from tests.unit.evaluation.conftest import COUNTS, make_experiment, write_data
from tests.unit.reporting.reading import read_items, read_rows, read_sections

FILES = ["score_test.txt", "score_dev.txt", "confusion_test.txt", "confusion_test.csv", "statistics.json", "RESULTS.md"]
FIGURES = ["figures/confusion_test.png", "figures/learning_curves.png"]


def scenes(folder, experiment, scene_of):
    utts = {u for folds in experiment.parts.values() for runs in folds for u in runs[0].utts}
    write_table(folder / "utt2scene", {u: scene_of(u) for u in utts})
    return folder


def add_curves(folder):
    for run in folder.glob("fold*/run*"):
        entries = [
            {"epoch": e, "train_loss": 2 - e, "dev_loss": 2 - e / 2, "dev_ua": 50 + e, "dev_wa": 1} for e in (1, 2)
        ]
        (run / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_files_and_their_first_line(folder, experiment):
    add_curves(folder)
    lines = write_report(experiment)
    assert all((folder / name).stat().st_size for name in FILES + FIGURES)
    written = (folder / "score_test.txt").read_text().splitlines()
    assert written[:2] == [str(line) for line in lines]
    assert written[0] == (
        "%UA 84.38 %WA 85.42 %F1 83.96 [ 9 / 10 ] protocol=random10@1f3a text=gt folds=2 runs=2 model=mscnn_spu "
        "xvector=none data=data set=test subset=all agg=fold-mean wf1=85.00 ua_sd=4.42 wa_sd=2.95 f1_sd=3.83 "
        f"wf1_sd=2.36 ua_run_sd=22.10 wa_run_sd=20.62 f1_run_sd=22.69 wf1_run_sd=21.21 {folder}"
    )
    assert written[1].startswith("%UA 83.33 %WA 85.00 %F1 83.52 [ 9 / 10 ]") and "agg=pooled" in written[1]
    assert all(line.startswith("# ") for line in written[2:])
    assert {f"# {metric.definition}" for metric in METRICS.values()} <= {*written}
    assert ScoreLine.parse((folder / "score_dev.txt").read_text().splitlines()[0]).fields["set"] == "dev"


def test_same_bytes_each_time(folder, experiment):
    add_curves(folder)
    write_report(experiment)
    first = {name: (folder / name).read_bytes() for name in FILES + FIGURES}
    write_report(Experiment.load(folder))
    assert {name: (folder / name).read_bytes() for name in FILES + FIGURES} == first


def test_confusion_tables_name_the_classes(folder, experiment):
    write_report(experiment)
    rows = list(csv.DictReader((folder / "confusion_test.csv").open()))
    assert rows[0] == {"run": "1", "truth": "calm", "calm": "5", "cross": "1"} and len(rows) == 4
    table = [line.split() for line in (folder / "confusion_test.txt").read_text().splitlines()[1:]]
    assert table[0] == ["calm", "cross", "recall", "prec.", "F1"]
    assert table[1] == ["calm", "11", "1", "91.67", "84.62", "88.00"]  # 5 + 6 of 12; predicted 7 + 6
    parts = read_sections((folder / "RESULTS.md").read_text())
    assert ["calm", "6", "91.67", "84.62", "88.00"] in read_rows(parts["Classes"])
    assert read_rows(parts["Folds"])[1][:3] == ["fold01", "6", "81.25 ± 26.52"]
    assert "python -m mscnn.bin.train --model mscnn_spu" in parts["Command"]
    guarantees = read_items(parts["Protocol"])
    assert {text.split(" share ")[0]: "speaker" in text for text in guarantees} == {
        "train and test": True,
        "train and dev": False,
        "dev and test": False,
    }


def test_improvised_and_scripted_separately(folder, experiment, tmp_path):
    data = scenes(tmp_path, experiment, lambda u: "impro01" if u.endswith("0") else "script01_1")
    lines = write_report(experiment, data)
    by_subset = {(line.fields["subset"], line.fields["agg"]): line for line in lines}
    assert by_subset["improvised", "fold-mean"].total == 4 and by_subset["scripted", "pooled"].total == 6
    assert [subset for subset, _ in by_subset].count("all") == 2
    rows = read_rows(read_sections((folder / "RESULTS.md").read_text())["Scores"])
    assert ["test", "improvised", "fold mean"] in [row[:3] for row in rows]


def test_subset_without_a_class_in_one_fold_is_pooled_only(folder, experiment, tmp_path):
    data = scenes(tmp_path, experiment, lambda u: "impro01" if u[1] == "1" or u[3] == "0" else "script02")
    kinds = {(line.fields["subset"], line.fields["agg"]) for line in write_report(experiment, data)}
    assert ("improvised", "fold-mean") not in kinds and ("improvised", "pooled") in kinds
    assert not any(subset == "scripted" for subset, _ in kinds)
    remarks = [line for line in (folder / "score_test.txt").read_text().splitlines() if line.startswith("# subset=")]
    remark_of = {tuple(line.split(":")[0].split()[1:]): line for line in remarks}
    assert "fold 2" in remark_of["subset=improvised", "agg=fold-mean"] and "cross" in remarks[0]
    assert "calm" in remark_of["subset=scripted", "agg=pooled"] and ("subset=improvised", "agg=pooled") not in remark_of


def test_a_pooled_protocol_has_pooled_lines_only(tmp_path):
    """Its second fold has no calm."""
    disjoint = {"train-test": ["speaker"], "train-dev": [], "dev-test": []}
    protocol = {"name": "cells", "version": 1, "hash": "1f3a", "disjoint": disjoint, "selection": "dev"}
    protocol["aggregate"] = "pooled"
    folder = make_experiment(tmp_path / "exp" / "cells", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=protocol)
    (line,) = write_report(Experiment.load(folder))
    assert line.fields["agg"] == "pooled" and (line.correct, line.total) == (5, 8)
    assert line.values["ua"] == pytest.approx(62.5)  # 3 of 4, 2 of 4
    assert "Folds" not in read_sections((folder / "RESULTS.md").read_text())
    kind = {"0": "impro01", "1": "script01", "2": "script01", "3": "script01"}
    write_data(tmp_path / "exp" / "data", Experiment.load(folder), utt2scene=lambda u: kind[u[-1]])
    write_report(Experiment.load(folder))
    text = (folder / "score_test.txt").read_text()
    subsets = [line.split("subset=")[1].split()[:2] for line in text.splitlines() if line[0] == "%"]
    assert subsets == [[subset, "agg=pooled"] for subset in ("all", "improvised", "scripted")]
    assert "agg=fold-mean:" not in text.replace("# agg=fold-mean:", "")


def test_data_of_another_set_are_refused(folder, experiment, tmp_path):
    write_table(tmp_path / "utt2scene", {"x-1": "impro01"})
    with fails("utterances-missing", "utt2scene", 10):
        write_report(experiment, tmp_path)
    with fails("data-directory-missing", tmp_path / "absent"):
        write_report(experiment, tmp_path / "absent")


def test_a_class_absent_from_a_fold_is_an_error(tmp_path):
    folder = make_experiment(tmp_path / "exp" / "a", [[[[2, 0], [0, 1]]], [[[2, 0], [0, 0]]]])
    with fails("class-absent", "fold 2", "cross"):
        write_report(Experiment.load(folder))
    assert not (folder / "score_test.txt").exists()


def test_a_class_never_predicted_has_a_remark(tmp_path):
    folder = make_experiment(tmp_path / "exp" / "a", [[[[2, 0], [1, 0]]], [[[2, 0], [0, 1]]]])
    write_report(Experiment.load(folder))
    remark = next(line for line in (folder / "score_test.txt").read_text().splitlines() if "fold 1 run 1" in line)
    assert remark.startswith("# ") and "cross" in remark and "fold 2" not in remark
    items = read_items(read_sections((folder / "RESULTS.md").read_text())["Scores"])
    assert items == [f"{part}: {remark[2:]}" for part in ("test", "dev")]


def test_legacy_marks_the_line(tmp_path):
    folder = make_experiment(tmp_path / "exp" / "a", COUNTS, legacy=["legacy_no_mask"])
    assert "legacy=legacy_no_mask" in str(write_report(Experiment.load(folder))[0])


def test_command_prints_the_lines_and_fails_clearly(folder):
    command = [sys.executable, "-m", "mscnn.bin.score", "--exp", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "".join((folder / "score_test.txt").read_text().splitlines(keepends=True)[:2])
    (folder / "fold01" / "run1" / "predictions_test.tsv").unlink()
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1 and "fold01/run1" in failed.stderr and "Traceback" not in failed.stderr


def test_every_line_has_changed_options_and_partial_folds(tmp_path):
    path = make_experiment(tmp_path / "exp" / "try", changed=["betas=[0.5, 0.9]", "mixup=0.5"], partial="2/10")
    lines = write_report(Experiment.load(path))
    assert lines and all(line.fields["changed"] == "betas=[0.5,0.9],mixup=0.5" for line in lines)
    assert all(line.fields["partial"] == "2/10" for line in lines)
    assert [str(ScoreLine.parse(str(line))) for line in lines] == [str(line) for line in lines]


def test_a_table_of_scores_has_as_many_cells_as_heads(tmp_path):
    """With several runs and without, with deviations and without."""
    for name, counts in (("a", COUNTS), ("b", [[runs[0]] for runs in COUNTS]), ("c", [[COUNTS[0][0]]])):
        folder = make_experiment(tmp_path / "exp" / name, counts)
        write_report(Experiment.load(folder))
        parts = read_sections((folder / "RESULTS.md").read_text())
        for title in ("Scores", "Classes", "Folds", "Intervals", "Calibration"):
            head, *rows = read_rows(parts[title])[:3] or [[]]
            assert all(len(row) == len(head) for row in rows), (name, title)
        heads = read_rows(parts["Scores"])[0]
        assert ("UA sd over runs" in heads) == (name == "a") and heads[-1] == "correct / total"
