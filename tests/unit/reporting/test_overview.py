"""The overview: rows by protocol, highest UA first; partial and unscored experiments are marked."""

import csv

import pytest

from mscnn.evaluation.aggregate import MEANING
from mscnn.evaluation.experiment import Experiment
from mscnn.reporting.overview import read_costs, read_rows, write_overview
from mscnn.reporting.results import write_report
from tests.raises import fails
from tests.unit.evaluation.conftest import make_experiment
from tests.unit.reporting.reading import read_html, read_items, read_sections
from tests.unit.reporting.reading import read_rows as cells

PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
SPEAKERS = dict.fromkeys(("train-test", "train-dev", "dev-test"), ["speaker"])
OTHER = {"name": "loso5", "version": 1, "hash": "aff4", "disjoint": {"train-test": ["speaker"]}, "selection": "dev"}


@pytest.fixture
def exps(tmp_path):
    """Four experiments, one of them not scored: perfect, fair, partial, of another protocol."""
    root = tmp_path / "exp"
    made = [
        make_experiment(root / "fair"),
        make_experiment(root / "good", PERFECT, model="glam", changed=["mixup=0.5"]),
        make_experiment(root / "part", PERFECT, model="adrnn", partial="2/10"),
        make_experiment(root / "other", PERFECT, model="loner", protocol={**OTHER, "disjoint": SPEAKERS}),
    ]
    for path in made:
        write_report(Experiment.load(path))
    make_experiment(root / "waiting")
    return [*made, root / "waiting"]


def test_records_hold_numbers(exps):
    fair, good, part, _, waiting = read_rows(exps, {"glam": {"gflop_per_second": 1.1, "seconds_per_epoch": None}})
    assert waiting.path == str(exps[-1]) and waiting.scores is None
    assert fair.scores.values["ua"].mean == 84.38 and fair.scores.values["wf1"].sd == 2.36
    assert (part.scores.folds, part.scores.partial, good.scores.folds) == ((2, 10), True, (2, 2))
    assert good.scores.changed == ("mixup=0.5",) and good.scores.cost["gflop_per_second"] == 1.1


def test_rows_of_a_protocol_best_first_and_partial_ones_last(exps, tmp_path):
    text = write_overview(read_rows(exps), tmp_path / "table")
    splits = read_sections(text)
    assert [*splits][1:] == ["loso5@aff4 (data)", "random10@1f3a (data)"]
    head, *rows = cells(splits["random10@1f3a (data)"])
    column = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    assert column["system"] == ["`glam`", "`mscnn_spu`", "`adrnn`"]
    assert column["folds"] == ["2/2", "2/2", "**partial 2/10**"] and column["changed"] == ["mixup=0.5", "", ""]
    assert column["UA"] == ["100.00 ± 0.00", "84.38 ± 4.42 †", "100.00 ± 0.00"]
    assert [score.endswith(" †") for score in column["dev UA"]] == [False, True, False]
    assert "without x-vectors" in text, "mscnn_spu takes them"
    assert text.count("loner") == 1 and read_items(text) == [str(exps[-1])]


def test_csv_and_latex_hold_the_same(exps, tmp_path):
    costs = {"glam": {"gflop_per_second": 1.137, "seconds_per_epoch": 24.0}}
    text = write_overview(read_rows(exps, costs), tmp_path / "table")
    rows = {row["system"]: row for row in csv.DictReader((tmp_path / "table.csv").open())}
    assert (rows["glam"]["ua"], rows["glam"]["gflop_per_second"], rows["adrnn"]["folds"]) == ("100.00", "1.137", "2/10")
    assert rows[""]["path"] == str(exps[-1])
    assert all(row["cut"] == row["split"] for row in rows.values()) and rows["glam"]["split"] == "random10@1f3a (data)"
    fair = rows["mscnn_spu"]
    assert (fair["wf1"], fair["wf1_sd"], fair["f1_sd"], fair["aggregate"]) == ("85.00", "2.36", "3.83", "fold-mean")
    latex = (tmp_path / "table.tex").read_text()
    assert r"mscnn\_spu" in latex and r"84.38 $\pm$ 4.42" in latex and latex.count(r"\begin{tabular}") == 2
    assert "| 1.137 | 24.0 |" in text and rows[""]["ua"] == ""
    scores = "84.38 ± 4.42 † | 85.42 ± 2.95 † | 85.00 ± 2.36 †"
    symbols = str.maketrans({"|": "&", "±": r"$\pm$", "†": r"$\dagger$"})
    assert scores in text and scores.translate(symbols) in latex and "without x-vectors" in latex
    assert fair["marks"] == "without x-vectors" and rows["glam"]["marks"] == "mixup=0.5"
    assert r"\textbf" not in latex and "partial 2/10" in latex and "weighted F1" in latex


def test_the_page_links_to_the_reports_and_needs_nothing_else(exps, tmp_path):
    (exps[1] / "report.html").write_text("<!DOCTYPE html>")
    write_overview(read_rows(exps), tmp_path / "exp" / "a & b")
    page = read_html((tmp_path / "exp" / "a & b.html").read_text())
    links = [a.attributes["href"] for a in page.all() if "href" in a.attributes and a.attributes["href"][0] != "#"]
    assert links == ["data:,", "good/report.html"] and not page.all("script")
    assert not [one for one in page.all() if "src" in one.attributes]
    assert page.all("h1")[0].text == "a & b" and len(page.all("table")) == 2
    rows = page["split-2"].all("table")[0].rows
    assert [row[0] for row in rows[1:]] == ["glam", "mscnn_spu", "adrnn"] and page.all("a", href="good/report.html")
    assert [one.text for one in page.all("strong")] == ["partial 2/10"]
    assert "84.38 ± 4.42 †" in rows[2] and "85.00 ± 2.36 †" in rows[2]
    assert [item.text for item in page["waiting"].all("li")] == [str(exps[-1])]


def test_pooled_folds_are_not_called_a_mean_over_folds(exps, tmp_path):
    """The second fold has no calm: UA is defined only for both folds pooled, with recalls of 3/4 and 2/4."""
    pooling = {**OTHER, "name": "cells", "aggregate": "pooled", "disjoint": SPEAKERS}
    path = make_experiment(tmp_path / "exp" / "cells", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=pooling)
    write_report(Experiment.load(path))
    rows = {row.path: row.scores for row in read_rows([*exps, path])}
    assert (rows[str(path)].aggregate, rows[str(path)].values["ua"].sd) == ("pooled", None)
    assert rows[str(exps[0])].aggregate == "fold-mean"
    splits = read_sections(write_overview(read_rows([*exps, path]), tmp_path / "table"))
    pooled, mean = splits["cells@aff4 (data, pooled)"], splits["random10@1f3a (data)"]
    assert "62.50 †" in cells(pooled)[1] and MEANING["pooled"] in pooled and MEANING["fold-mean"] not in pooled
    assert MEANING["fold-mean"] in mean and MEANING["pooled"] not in mean
    for ending, times in (("tex", 1), ("html", 2)):  # a caption of a page is its label, too
        text = (tmp_path / f"table.{ending}").read_text()
        assert [text.count(MEANING[name]) for name in ("fold-mean", "pooled")] == [2 * times, times]


def test_costs_come_from_the_benchmark(tmp_path):
    file = tmp_path / "costs.tsv"
    file.write_text("model\tparameters\tgflop_per_second\tseconds_per_epoch\nglam\t904078\t1.1\t-\n")
    costs = read_costs(file)
    assert costs == {"glam": {"gflop_per_second": 1.1, "seconds_per_epoch": None}}
    failed = make_experiment(tmp_path / "exp" / "failed", PERFECT, model="glam")
    write_report(Experiment.load(failed))
    assert "| 1.100 | – |" in write_overview(read_rows([failed], costs), tmp_path / "table")
    file.write_text("model,cost\nglam,1\n")
    with fails("costs-table", file):
        read_costs(file)
