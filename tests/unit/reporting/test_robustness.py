"""The robustness tables have the same rows in all formats."""

import csv

import pytest

from mscnn.evaluation.aggregate import MEANING
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.robustness import robustness
from mscnn.reporting.ours import read_results
from mscnn.reporting.overview import read_rows as read_overview
from mscnn.reporting.results import write_report
from mscnn.reporting.robustness import write_robustness
from tests.unit.evaluation.test_robustness import EDITS, PERFECT, make, make_conditions, make_pooled, write_errors
from tests.unit.reporting.reading import read_html, read_rows, read_sections

ROWS = [
    ["gt", "gt", "–", "1", "100.00 ± 0.00", "100.00 ± 0.00", "–"],
    ["gt", "ear", "41.7", "1", "68.75 ± 8.84", "70.83 ± 5.89", "-31.25"],
    ["ear", "ear", "41.7", "1", "68.75 ± 8.84", "70.83 ± 5.89", "-31.25"],
    ["–", "–", "–", "1", "68.75 ± 8.84", "70.83 ± 5.89", "–"],
    ["gt", "gt", "–", "1", "100.00 ± 0.00", "100.00 ± 0.00", "–"],
]  # trained on, tested on, WER, runs, UA, WA, difference
SYSTEMS = ["mscnn_spu", "mscnn_spu", "mscnn_spu", "audio_cnn", "tfidf_lr"]


@pytest.fixture
def exps(tmp_path):
    return make_conditions(tmp_path / "exp")


def written(exps, stem):
    text = write_robustness(robustness([Experiment.load(path) for path in exps]), stem)
    return text, list(csv.DictReader((stem.parent / f"{stem.name}.csv").open()))


def test_markdown_and_page_have_the_same_rows(exps, tmp_path):
    text, _ = written(exps, tmp_path / "table")
    first, conditions, by_ear = read_sections(text).values()
    assert first.startswith("# ") and "random10@1f3a (data)" in first and MEANING["fold-mean"] in by_ear
    assert read_rows(conditions)[1:] == [[f"`{name}`", *row] for name, row in zip(SYSTEMS, ROWS, strict=True)]
    page = read_html((tmp_path / "table.html").read_text())
    assert page["conditions"].all("table")[0].rows[1:] == [[n, *row] for n, row in zip(SYSTEMS, ROWS, strict=True)]
    assert page["wer-ear"].all("table")[0].rows[0] == read_rows(by_ear)[0]


def test_csv_has_plain_numbers(exps, tmp_path):
    all_utterances = [r for r in written(exps, tmp_path / "table")[1] if r["wer_bucket"] == "all"]
    assert {r["aggregate"] for r in all_utterances} == {"fold-mean"}
    keys = ("trained_on", "tested_on", "wer", "ua", "ua_sd", "ua_difference")
    assert [tuple(r[key] for key in keys) for r in all_utterances[:4]] == [
        ("gt", "gt", "", "100.00", "0.00", "0.00"),
        ("gt", "ear", "41.67", "68.75", "8.84", "-31.25"),
        ("ear", "ear", "41.67", "68.75", "8.84", "-31.25"),
        ("none", "none", "", "68.75", "8.84", ""),
    ]


def test_latex(exps, tmp_path):
    written(exps, tmp_path / "table")
    tex = (tmp_path / "table.tex").read_text()
    assert r"mscnn\_spu & gt & ear & 41.7 & 1 & 68.75 $\pm$ 8.84 & 70.83 $\pm$ 5.89 & -31.25 \\" in tex
    assert tex.count(r"\begin{tabular}") == 2 and r"50-100 \% (n = 2)" in tex and "`" not in tex


def test_the_head_of_a_bucket_has_its_utterances_and_absent_classes(exps, tmp_path):
    text, records = written(exps, tmp_path / "table")
    head, *rows = read_rows(read_sections(text)["ear: 41.7 % WER"])
    assert head[3:] == ["0 % (n = 2)", "0-25 % (n = 5)", "50-100 % (n = 2)", "over 100 % (n = 1; WA, no cross)"]
    assert rows[1][3:] == ["50.00", "100.00", "0.00", "100.00"]
    rows = {}
    for r in (r for r in records if r["wer_bucket"] != "all"):
        assert r["engine"] == "ear"
        rows.setdefault(r["experiment"].rpartition("/")[2], []).append((r["utterances"], r["wer"], r["ua"], r["wa"]))
    worse = [
        ("2", "0.00", "50.00", "50.00"),
        ("5", "25.00", "100.00", "100.00"),
        ("2", "83.33", "0.00", "0.00"),
        ("1", "125.00", "", "100.00"),
    ]
    assert rows["both"] == rows["mixed"] == rows["audio"] == worse
    assert [ua for _, _, ua, _ in rows["true"]] == ["100.00", "100.00", "100.00", ""]


def test_every_engine_has_its_table(exps, tmp_path):
    write_errors(tmp_path / "exp", "nose", dict.fromkeys(EDITS, (1, 2)))
    nose = make(tmp_path / "exp", "nose", PERFECT, text="nose", trained_on="gt", trained_in="exp/true")
    parts = read_sections(written([nose, *exps], tmp_path / "table")[0])
    by_nose, by_ear = read_rows(parts["nose: 50.0 % WER"]), read_rows(parts["ear: 41.7 % WER"])
    assert by_nose[0][3:] == ["25-50 % (n = 10)"]
    assert {row[2] for row in by_nose[1:]} == {"gt", "nose", "–"} and {row[2] for row in by_ear[1:]} == {
        "gt",
        "ear",
        "–",
    }


def test_changes_common_to_all_systems_are_printed_once(exps, tmp_path):
    def change(path):
        config = path / "config.yaml"
        config.write_text(config.read_text() + "changed: [fc_dim=64]\n")

    for path in (exps[2], exps[3]):
        change(path)
    assert "`mscnn_spu`, fc_dim=64" in [row[0] for row in read_rows(written(exps, tmp_path / "table")[0])]
    for path in (exps[0], exps[1], exps[4]):
        change(path)
    text, _ = written(exps, tmp_path / "table")
    assert text.count("fc_dim=64") == 1 and "`mscnn_spu`" in [row[0] for row in read_rows(text)]


def test_pooled_protocols_have_pooled_scores(tmp_path):
    text, records = written(make_pooled(tmp_path / "exp"), tmp_path / "table")
    assert ["`mscnn_spu`", "ear", "ear", "0.0", "1", "62.50", "62.50", "-37.50"] in read_rows(text)
    assert MEANING["pooled"] in text and MEANING["fold-mean"] not in text
    assert {r["aggregate"] for r in records} == {"pooled"}


def test_other_tables_name_the_transcripts_of_training(exps):
    for path in exps:
        write_report(Experiment.load(path))
    assert "trained_on=gt" in (exps[3] / "score_test.txt").read_text().splitlines()[0]
    assert [row.scores.text for row in read_overview(exps[2:])] == ["ear", "ear (trained on gt)", "gt"]
    names = [result.path.rpartition("/")[2] for result in read_results(exps[0].parent)]
    assert names == ["audio", "bag", "both", "true"]
