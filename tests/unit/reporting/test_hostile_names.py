"""Names of classes that would be HTML, formulas, templates of regular expressions or mathematics."""

import csv

import pytest
from markupsafe import escape

from mscnn.evaluation.experiment import Experiment
from mscnn.reporting.page.page import write_page
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment

NAMES = ["a\\g<0>$x$\\1", "=<img/onerror=1>|`b"]


@pytest.fixture(scope="module")
def exp(tmp_path_factory):
    path = make_experiment(tmp_path_factory.mktemp("hostile") / "exp" / "e", classes=NAMES)
    write_report(Experiment.load(path))
    write_page(path)
    return path


def test_markdown_has_no_html_and_whole_tables(exp):
    text = (exp / "RESULTS.md").read_text()
    assert "<img" not in text and r"\|`b" in text


def test_pages_have_no_such_element(exp):
    text = (exp / "report.html").read_text()
    assert "<img" not in text and all(str(escape(name)) in text for name in NAMES)


def test_csv_has_no_formula(exp):
    for path in [exp / "confusion_test.csv", *(exp / "figures").glob("*.csv")]:
        cells = {cell for row in csv.reader(path.open(newline="")) for cell in row}
        assert not [cell for cell in cells if cell.startswith("=")], path
