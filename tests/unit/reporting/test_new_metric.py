"""A metric is one function with an entry in METRICS: every document has it, in the right column."""

import csv
from pathlib import Path

import pytest

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import METRICS, Metric
from mscnn.reporting.lines import read_score
from mscnn.reporting.overview import read_rows, write_overview
from mscnn.reporting.page.page import write_page
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment, write_data
from tests.unit.reporting.reading import read_html, read_sections
from tests.unit.reporting.reading import read_rows as cells

MISSES = Metric("miss", "missed share", "miss = 1 - WA    made up", lambda matrix: 1 - METRICS["wa"](matrix))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of an experiment scored with another metric, with its page and the overview ``table.*``."""
    root = tmp_path_factory.mktemp("metric")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METRICS, "miss", MISSES)
        path = make_experiment(root / "exp" / "try", training={"select": "miss"})
        write_data(root / "exp" / "data", Experiment.load(path), utt2spk=lambda utt: utt[:2])
        write_report(Experiment.load(path))
        write_page(path)
        write_overview(read_rows([path]), root / "exp" / "table")
    return path


def column(rows, head):
    """Cells of the column with a head; every row must have as many cells as heads."""
    assert all(len(row) == len(rows[0]) for row in rows)
    return [row[rows[0].index(head)] for row in rows[1:]]


def test_the_score_line(folder):
    line = read_score(folder / "score_test.txt")
    assert line.score("miss") == pytest.approx(100 - line.score("wa"), abs=0.011)
    assert line.sd("miss") == line.sd("wa") and line.run_sd("miss") == line.run_sd("wa")
    assert f"# {MISSES.definition}" in (folder / "score_test.txt").read_text().splitlines()


def test_results(folder):
    parts, line = read_sections((folder / "RESULTS.md").read_text()), read_score(folder / "score_test.txt")
    assert column(cells(parts["Scores"]), "missed share")[0] == f"{line.fields['miss']} ± {line.fields['miss_sd']}"
    for title in ("Folds", "Intervals"):
        assert len(column(cells(parts[title])[:3], "missed share")) == 2
    assert column(cells(parts["Folds"])[:3], "missed share") == ["16.67 ± 23.57", "12.50 ± 17.68"]
    assert MISSES.definition in parts["Definitions"]


def test_the_page(folder):
    page, line = read_html((folder / "report.html").read_text()), read_score(folder / "score_test.txt")
    expected = f"{line.fields['miss']} ± {line.fields['miss_sd']}"
    assert column(page["table-scores"].all("table")[0].rows, "missed share, %")[0] == expected
    assert column(page["table-folds"].all("table")[0].rows, "missed share, %") == ["16.67 ± 23.57", "12.50 ± 17.68"]
    assert len(column(page["table-intervals"].all("table")[0].rows, "missed share, %")) == 2
    assert page["score-miss"].text == f"{line.fields['miss']} %", "models were selected by it"


def test_the_overview(folder):
    stem, line = folder.parent / "table", read_score(folder / "score_test.txt")
    expected = f"{line.fields['miss']} ± {line.fields['miss_sd']} †"
    assert column(cells(Path(f"{stem}.md").read_text()), "missed share") == [expected]
    page = read_html(Path(f"{stem}.html").read_text())
    assert column(page.all("table")[0].rows, "missed share") == [expected]
    with open(f"{stem}.csv") as file:
        (row,) = csv.DictReader(file)
    assert (row["miss"], row["miss_sd"]) == (line.fields["miss"], line.fields["miss_sd"])
    assert "missed share" in Path(f"{stem}.tex").read_text()
