"""The page of a hand-made experiment: its numbers are those of the score files, and it is a single, safe file."""

import csv
import re
import shutil
import sys
from dataclasses import replace

import pytest

from mscnn.bin.report import main
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.page.headline import headline
from mscnn.reporting.page.page import write_page
from mscnn.reporting.page.source import read_data
from mscnn.reporting.results import write_report
from mscnn.reporting.templates import render
from tests.raises import fails
from tests.unit.evaluation.conftest import COUNTS, make_experiment
from tests.unit.reporting.page.conftest import EVIL, make_recipe, predict_again, write_audit
from tests.unit.reporting.reading import read_html

DISJOINT = {"train-test": ["speaker"], "train-dev": [], "dev-test": []}
NOT_DISJOINT = {"train-test": [], "train-dev": [], "dev-test": []}
PROTOCOL = {"name": "random10", "version": 1, "hash": "1f3a", "selection": "dev", "disjoint": DISJOINT}


def rows(page, id):
    """Rows of a table of the page, its head first."""
    return page[id].all("table")[0].rows


def page_of(folder, **options):
    return read_html(write_page(folder, **options).read_text())


def warnings(folder):
    return [note.code for note in headline(read_data(folder))["warnings"]]


def test_numbers_equal_the_score_files(written):
    page, lines, statistics = written.page, written.lines, written.statistics
    for key, value in lines[0].values.items():
        assert page[f"score-{key}"].text == f"{value:.2f} %"
    assert page["score-line"].text == str(lines[0])
    low, high = statistics["intervals"]["found"][0]["ua"]
    text = page["interval"].text
    for number in (
        f"{lines[1].values['ua']:.2f} %",
        "95 %",
        f"{low:.2f} to {high:.2f} %",
        "t over 2 speakers",
        "50.0 %",
    ):
        assert number in text
    classes = [
        [name, str(c["utterances"]), *(f"{c[key]:.2f}" for key in ("recall", "precision", "f1"))]
        for name, c in statistics["classes"].items()
    ]
    assert rows(page, "table-classes")[1:] == classes
    groups = {row[1]: row[2:5] for row in rows(page, "table-groups")[1:] if row[0] == "speaker"}
    assert groups == {
        name: [str(group["utterances"]), f"{group['ua']:.2f}", f"{group['wa']:.2f}"]
        for name, group in statistics["groups"]["speaker"].items()
    }
    head, *scores = rows(page, "table-scores")
    assert head[3:] == [*(f"{metric.label}, %" for metric in METRICS.values()), head[-2], "correct / total"]
    assert scores[0][:4] == ["test", "all", "fold mean", "84.38 ± 4.42"] and scores[0][-2:] == ["22.10", "9 / 10"]
    assert rows(page, "table-folds")[1][:3] == ["fold01", "6", "81.25 ± 26.52"]


def test_intervals_name_their_method(written):
    intervals = written.statistics["intervals"]["found"]
    head, *shown = rows(written.page, "table-intervals")
    assert [row[:3] for row in shown] == [[f"{i['over']}s", i["method"], str(i["clusters"])] for i in intervals]
    low, high = intervals[0]["wf1"]
    assert shown[0][head.index("weighted F1, %")] == f"{low:.2f} to {high:.2f}"
    assert "t over 2 speakers" in written.page["plot-classes"].all("figcaption")[0].text
    remarks = [item.text for item in written.page["remarks"].all("li")]
    assert remarks == written.statistics["remarks"], "intervals are in their table only"


def test_csv_files_of_plots_have_the_data_of_the_statistics(written):
    folder = written.folder / "figures"
    read = {file.stem: list(csv.reader(file.open())) for file in folder.glob("*.csv")}
    assert read["confusion_test"] == list(csv.reader((written.folder / "confusion_test.csv").open()))
    statistics = written.statistics
    assert [float(row[2]) for row in read["classes"][1:]] == [c["recall"] for c in statistics["classes"].values()]
    assert [row[1] for row in read["speakers"][1:]] == [*statistics["groups"]["speaker"]]
    assert read["learning_curves"][:2] == [
        ["fold", "run", "epoch", "train_loss", "dev_loss", "dev_ua", "dev_wa"],
        ["fold01", "run1", "1", "1.0", "1.0", "51.0", "1"],
    ]
    assert len(read["calibration"]) == 16
    ends = {stem: {file.suffix for file in folder.glob(f"{stem}.*")} for stem in read}
    assert ends == dict.fromkeys(read, {".svg", ".png", ".csv"}) and "attention" in ends
    assert all(f"plot-{stem}" in written.page for stem in read)


def test_the_same_bytes_each_time_and_the_png_of_stage_6(scored):
    before = {name: (scored / "figures" / name).read_bytes() for name in ("confusion_test.png", "learning_curves.png")}
    files = [write_page(scored), *sorted((scored / "figures").iterdir())]
    first = {file: file.read_bytes() for file in files}
    write_page(scored)
    assert {file: file.read_bytes() for file in files} == first
    assert {name: (scored / "figures" / name).read_bytes() for name in before} == before


def test_data_are_never_markup(written):
    page = written.page
    assert not page.all("script") and not page.all("i") and "<script" not in written.text
    assert page.text.count(EVIL) > 3 and "<i>c</i>" in page["table-labels"].text
    assert not [key for one in page.all() for key in one.attributes if key[:2] == "on"]


def test_a_single_file_that_loads_nothing(written):
    page = written.page
    assert not {one.tag for one in page.all()} & {"script", "iframe", "img", "object", "embed", "form"}
    (policy,) = (one.attributes["content"] for one in page.all("meta", http_equiv="Content-Security-Policy"))
    assert policy.startswith("default-src 'none'") and "script" not in policy and "http" not in policy
    sources = [one.attributes.get(key) or "" for one in page.all() for key in ("src", "xlink:href")]
    links = [one.attributes["href"] for one in page.all("link")]
    assert links == ["data:,"] and not [s for s in sources if re.match("https?:|//", s)]
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(ids) == len({*ids}), "an id twice"
    assert {a.attributes["href"][1:] for a in page.all("a") if a.attributes["href"][0] == "#"} <= {*ids}
    used = {*re.findall(r"url\(#([^)]*)\)", written.text)} | {s[1:] for s in sources if s[:1] == "#"}
    assert used <= {*ids}


def test_the_page_is_accessible_to_screen_readers(written):
    page = written.page
    assert page.all("html")[0].attributes == {"lang": "en"}
    assert all(page.all(tag) for tag in ("main", "nav", "header", "title", "h1"))
    named = [one for one in page.all() if one.tag in ("audio", "nav") or one.attributes.get("role") == "img"]
    assert all(one.attributes.get("aria-label") for one in named) and len(page.all("audio")) == 4
    assert [one for one in page.all("svg") if one.attributes.get("role") != "img"] == []
    levels = [int(one.tag[1]) for one in page.all() if re.fullmatch("h[1-6]", one.tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and max(b - a for a, b in zip(levels, levels[1:], strict=False)) == 1


def test_tables_and_figures_have_captions(written):
    tables, figures = written.page.all("table"), written.page.all("figure")
    assert len(tables) > 8 and all(table.all("caption")[0].text for table in tables)
    assert all(head.text for head in written.page.all("th")), "an empty heading"
    assert all(len(row) == len(table.rows[0]) for table in tables for row in table.rows)
    assert len(figures) > 6 and all(figure.all("figcaption")[0].text for figure in figures)
    sections = {one.attributes["id"]: one.all("h2")[0] for one in written.page.all("section")}
    assert all(heading.attributes["id"] == f"{name}-heading" and heading.text for name, heading in sections.items())


def test_warnings_are_at_the_top(scored, tmp_path):
    protocol = {**PROTOCOL, "selection": "test", "legacy": ["legacy_test_best"], "disjoint": NOT_DISJOINT}
    write_audit(tmp_path / "data" / "toy", {"speaker": 3})
    changed = {"protocol": protocol, "partial": "2/10", "changed": ["lr=1"]}
    report = read_data(scored)
    report = replace(report, config={**report.config, **changed})
    header = read_html(render("report/header.html", report=report, headline=headline(report)))
    assert header["warnings"].codes == ["partial", "speakers-shared", "legacy legacy_test_best", "changed"]
    assert "2/10" in header["warnings"].text and "lr=1" in header["warnings"].text
    assert "synthetic" in [note.code for note in headline(replace(report, synthetic=True))["warnings"]]


def test_shared_speakers_have_a_warning(scored, tmp_path):
    """A protocol without disjoint speakers may have disjoint ones all the same, as splits of corpora often do."""
    config = scored / "config.yaml"
    config.write_text(config.read_text().replace("    train-test:\n    - speaker\n", "    train-test: []\n"))
    assert warnings(scored) == ["speakers-unknown"]
    write_audit(tmp_path / "data" / "toy", {"speaker": 2})
    assert warnings(scored) == ["speakers-shared"]
    write_audit(tmp_path / "data" / "toy", {"speaker": 0})
    assert warnings(scored) == []


def test_a_missing_data_directory_is_no_error(scored, tmp_path, caplog):
    shutil.rmtree(tmp_path / "data")
    page = page_of(scored)
    assert "no-attention" in page and "no-players" in page and not page.all("audio")
    assert "data/toy" in caplog.text
    with fails("data-directory-missing", tmp_path / "data"):
        write_page(scored, tmp_path / "data")


def test_the_data_are_those_of_the_recipe_in_any_current_folder(scored, tmp_path, monkeypatch):
    """config.yaml has relative paths; another recipe has a data directory of the same name, of other people."""
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    table = tmp_path / "data" / "toy" / "wav.scp"
    table.write_text(table.read_text().replace("my corpus", str(tmp_path / "my corpus")))
    folder, other = predict_again(scored, "oh no").resolve(), tmp_path / "other" / "data" / "toy"
    shutil.copytree(tmp_path / "data" / "toy", other)
    for table in ("wav.scp", "utt2spk"):
        (other / table).write_text((other / table).read_text().replace("my corpus", "else").replace(" t", " who"))
    monkeypatch.chdir(other.parent.parent)
    assert read_data(folder).trained_in == tmp_path / "exp" / "try"
    page = page_of(folder)
    assert "synthetic" in page["warnings"].codes and "who1" not in page.text
    assert len(page["worst"].all("audio")) == 3 and "no-attention" in page, "its features are named from there"


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}"])
def test_damaged_statistics_are_refused(scored, text):
    (scored / "statistics.json").write_text(text)
    with fails("scores-outdated", "exp/try", "statistics.json", "mscnn.bin.score"):
        read_data(scored)


def test_scores_of_other_predictions_are_refused(scored):
    file = scored / "score_test.txt"
    file.write_text(file.read_text().replace("%UA 84.38", "%UA 84.48", 1))
    with fails("scores-outdated"):
        read_data(scored)
    write_report(Experiment.load(scored))
    predictions = scored / "fold01" / "run1" / "predictions_test.tsv"
    old = "calm\tcross\t0.100000\t0.900000"  # as many utterances, one of them predicted anew
    predictions.write_text(predictions.read_text().replace(old, "calm\tcalm\t0.900000\t0.100000", 1))
    with fails("scores-outdated"):
        write_page(scored)
    file.unlink()
    with fails("not-scored", "score_test.txt"):
        write_page(scored)
    assert not (scored / "report.html").exists()


def test_command(scored, monkeypatch):
    def report(*arguments):
        monkeypatch.setattr(sys, "argv", ["report", "--exp", str(scored), *arguments])
        main()

    report("--utterance", "t2-11", "--audio", "none")
    page = read_html((scored / "report.html").read_text())
    assert not page.all("audio") and page["attention"].all("code")[0].text == "t2-11"
    with fails("utterance-unknown", "nobody"):
        report("--utterance", "nobody")


def test_folds_without_some_class_have_no_scores_per_fold(tmp_path, monkeypatch):
    """One test part has no class ``cross``: UA is defined only for both folds pooled."""
    protocol = {**PROTOCOL, "aggregate": "pooled"}
    folder = make_experiment(tmp_path / "exp" / "try", [[[[4, 0], [0, 0]]], [[[1, 1], [1, 1]]]], protocol=protocol)
    monkeypatch.chdir(tmp_path)
    (line,) = (line for line in write_report(Experiment.load(folder)) if line.fields["subset"] == "all")
    page = page_of(folder)
    assert page["score-ua"].text == f"{line.values['ua']:.2f} %" == "66.67 %"  # recalls 5/6 and 1/2
    assert "table-folds" not in page and {row[2] for row in rows(page, "table-scores")[1:]} == {"pooled"}
    notes = {tile.all("span", class_="note")[0].text for tile in page.all("div", class_="tile")}
    assert len(notes) == 1 and "pooled" in notes.pop()
    file = folder / "statistics.json"
    file.write_text(file.read_text().replace('"mean": 66.666667', '"mean": 66.0'))
    with fails("scores-outdated"):
        write_page(folder)


@pytest.mark.parametrize(
    "counts, deviations",
    [
        (COUNTS, ["ua_sd", "ua_run_sd"]),
        ([[[[3, 1], [1, 1]], [[2, 2], [0, 2]]]], ["ua_run_sd"]),
        ([[[[3, 1], [1, 1]]]], []),
    ],
)
def test_tiles_have_standard_deviations(tmp_path, counts, deviations):
    folder = make_experiment(tmp_path / "exp" / "try", counts)
    line = write_report(Experiment.load(folder))[0]
    note = headline(read_data(folder))["tiles"][0].note
    assert re.findall(r"±\s(\S+?)(?:,|$)", note) == [line.fields[name] for name in deviations]


def test_the_metric_that_selects_models_has_a_tile(scored):
    def tiles():
        return [tile.key for tile in headline(read_data(scored))["tiles"]]

    assert tiles() == ["ua", "wa", "f1"]
    config = scored / "config.yaml"
    config.write_text(config.read_text().replace("training: {}", "training: {select: wf1}"))
    assert tiles() == ["ua", "wa", "f1", "wf1"]
    tile, line = headline(read_data(scored))["tiles"][-1], read_data(scored).line
    assert f"{tile.value:.2f}" == line.fields["wf1"] and line.fields["wf1_sd"] in tile.note


def test_a_report_of_predictions_names_the_origin_of_the_models(scored):
    folder = predict_again(scored, "oh no not now")
    page = page_of(folder, data="data/toy")
    assert "ear" in page["fact-text"].text and "exp/try" in page["fact-models"].text
    assert "exp/try" in page["curves-elsewhere"].text and "no-curves" not in page
    assert "plot-attention" in page and "no-attention" not in page
    config = folder / "config.yaml"
    config.write_text(config.read_text() + "refitted: true\n")  # a baseline, which has no weights to keep
    page = page_of(folder)
    assert "exp/try" in page["fact-models"].text and "no-curves" in page and "curves-elsewhere" not in page


def test_no_absolute_paths(tmp_path):
    """All paths of the experiment are absolute, and none of them is on the page."""
    there = tmp_path / "some where"
    there.mkdir()
    folder = make_recipe(
        there,
        protocol={**PROTOCOL, "disjoint": NOT_DISJOINT},
        command=f"mscnn.bin.train --exp '{there}/exp/try' --data /scratch/x/data/toy",
        changed=["alexnet=/models/a.pth"],
        features={"audio": "mfcc96 model=/models/w2v"},
        xvector_model="/models/nets",
    )
    write_audit(there / "data" / "toy", {}, leaks=[f"a and b: {there}/my corpus/a.wav and /c/b.wav"])
    for audio in ("near", "embed", "none"):
        if audio == "none":  # an error that names a path is shown
            (there / "dump" / "mfcc96" / "toy" / "feature.yaml").unlink()
        text = write_page(folder, audio=audio).read_text()
        assert str(tmp_path) not in text and "/scratch" not in text and "/models" not in text and "file:/" not in text
        page = read_html(text)
        attributes = [str(value) for one in page.all() for key, value in one.attributes.items() if key != "d"]
        texts = (page.text.replace(EVIL, ""), *attributes)
        assert [one for one in texts if re.search(r"(?:^|[\s\"'=(,])/\w", one)] == []
    assert "dump/mfcc96/toy" in page["no-attention"].text
    assert "alexnet=a.pth" in page["warnings"].text and "--exp 'exp/try' --data toy" in page["command"].text
    system = dict(rows(page, "table-system"))
    assert system["features"] == "mfcc96 model=w2v" and system["x-vectors"] == "nets"
    assert "my corpus/a.wav" in dict(rows(page, "table-audited"))["leaks"]
