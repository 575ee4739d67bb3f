"""The overview: rows of one protocol together, best first, partial and missing ones said."""

import csv
import re

import pytest

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.reporting.overview import read_costs, read_rows, write_overview
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment

PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
OTHER = {"name": "loso5", "version": 1, "hash": "aff4", "disjoint": {"train-test": ["speaker"]}, "selection": "dev"}


@pytest.fixture
def exps(tmp_path):
    """Four experiments, one of them not scored: perfect, fair, partial, of another protocol."""
    root = tmp_path / "exp"
    made = [
        make_experiment(root / "fair"),
        make_experiment(root / "good", PERFECT, model="glam", changed=["mixup=0.5"]),
        make_experiment(root / "part", PERFECT, model="adrnn", partial="2/10"),
        make_experiment(root / "other", PERFECT, model="loner", protocol={**OTHER, "disjoint": dict.fromkeys(
            ("train-test", "train-dev", "dev-test"), ["speaker"])}),
    ]  # fmt: skip
    for path in made:
        write_report(Experiment.load(path))
    make_experiment(root / "waiting")
    return [*made, root / "waiting"]


def sections(text):
    return {part.split("\n")[0]: part for part in text.split("\n## ")[1:]}


def test_rows_of_a_protocol_best_first_and_partial_ones_last(exps, tmp_path):
    text = write_overview(read_rows(exps), tmp_path / "table")
    cuts = sections(text)
    assert list(cuts) == ["loso5@aff4 (data)", "random10@1f3a (data)"]
    rows = [line.split("|")[1].strip() for line in cuts["random10@1f3a (data)"].split("\n") if line.startswith("| `")]
    assert rows == ["`glam`", "`mscnn_spu`", "`adrnn`"]
    assert "**partial 2/10**" in text and "mixup=0.5" in text and "84.38 ± 4.42" in text and "100.00 ± 0.00" in text
    assert text.count("loner") == 1 and "* " + str(exps[-1]) in text


def test_csv_and_latex_hold_the_same(exps, tmp_path):
    costs = {"glam": {"gflop_per_second": "1.137", "seconds_per_epoch": "24.0"}}
    text = write_overview(read_rows(exps, costs), tmp_path / "table")
    rows = {row["system"]: row for row in csv.DictReader((tmp_path / "table.csv").open())}
    assert (rows["glam"]["ua"], rows["glam"]["gflop_per_second"], rows["adrnn"]["folds"]) == ("100.00", "1.137", "2/10")
    assert rows[""]["path"] == str(exps[-1])
    fair = rows["mscnn_spu"]
    assert (fair["wf1"], fair["wf1_sd"], fair["f1_sd"], fair["aggregate"]) == ("85.00", "2.36", "3.83", "fold-mean")
    latex = (tmp_path / "table.tex").read_text()
    assert r"mscnn\_spu" in latex and r"84.38 $\pm$ 4.42" in latex and latex.count(r"\begin{tabular}") == 2
    assert "| 1.137 | 24.0 |" in text
    scores = "84.38 ± 4.42 | 85.42 ± 2.95 | 85.00 ± 2.36"
    assert scores in text and scores.replace("|", "&").replace("±", r"$\pm$") in latex
    assert r"\textbf" not in latex and "partial 2/10" in latex and "weighted F1" in latex


def test_the_page_links_to_the_reports_and_needs_nothing_else(exps, tmp_path):
    (exps[1] / "report.html").write_text("<!DOCTYPE html>")
    write_overview(read_rows(exps), tmp_path / "exp" / "a & b")
    page = (tmp_path / "exp" / "a & b.html").read_text()
    links = re.findall(r'href="([^"#]+)"', page)
    assert links == ["data:,", "good/report.html"] and "<script" not in page and "src=" not in page
    assert "<h1>a &amp; b</h1>" in page and ">glam</a>" in page and ">mscnn_spu</th>" in page
    assert "<strong>partial 2/10</strong>" in page and "84.38 ± 4.42" in page and "85.00 ± 2.36" in page
    assert page.count("<table>") == 2 and f"<li>{exps[-1]}</li>" in page


def test_pooled_folds_are_not_called_a_mean_over_folds(exps, tmp_path):
    """The second fold has no calm: only the sum of both has a UA, of 3 in 4 and of 2 in 4."""
    cells = {**OTHER, "name": "cells", "aggregate": "pooled", "disjoint": dict.fromkeys(
        ("train-test", "train-dev", "dev-test"), ["speaker"])}  # fmt: skip
    path = make_experiment(tmp_path / "exp" / "cells", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=cells)
    write_report(Experiment.load(path))
    cuts = sections(write_overview(read_rows([*exps, path]), tmp_path / "table"))
    pooled, mean = cuts["cells@aff4 (data, pooled)"], cuts["random10@1f3a (data)"]
    assert "| 62.50 |" in pooled and "mean over folds" not in pooled
    assert "Scores on test in percent, of all folds together, averaged over runs." in pooled
    assert "Scores on test in percent, mean over folds ± sample sd over folds" in mean and "together" not in mean
    for ending, times in (("tex", 1), ("html", 2)):  # a caption of a page is its label, too
        text = (tmp_path / f"table.{ending}").read_text()
        assert text.count("mean over folds ±") == 2 * times and text.count("all folds together") == times


def test_costs_come_from_the_benchmark(tmp_path):
    file = tmp_path / "costs.tsv"
    file.write_text("model\tparameters\tgflop_per_second\tseconds_per_epoch\nglam\t904078\t1.1\t-\n")
    assert read_costs(file) == {"glam": {"gflop_per_second": "1.1", "seconds_per_epoch": "-"}}
    failed = make_experiment(tmp_path / "exp" / "failed", PERFECT, model="glam")
    write_report(Experiment.load(failed))
    costs = {"glam": {"gflop_per_second": "1.1", "seconds_per_epoch": "failed: no e-1 features"}}
    assert "| 1.1 | – |" in write_overview(read_rows([failed], costs), tmp_path / "table")
    file.write_text("model,cost\nglam,1\n")
    with pytest.raises(UserError, match="not a table of benchmarks/systems.py"):
        read_costs(file)
