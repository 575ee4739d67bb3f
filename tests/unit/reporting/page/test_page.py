"""The page of a hand-made experiment: its figures are those of the score files, and it is one file in peace."""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.page.page import write_page
from mscnn.reporting.page.source import read_source
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import COUNTS, make_experiment
from tests.unit.reporting.page.conftest import EVIL, make_recipe, predict_again
from tests.unit.reporting.page.test_html import Reader

PROTOCOL = {"name": "random10", "version": 1, "hash": "1f3a", "selection": "dev",
            "disjoint": {"train-test": ["speaker"], "train-dev": [], "dev-test": []}}  # fmt: skip


def text_of(page, name):
    """Text of the element with this id that has no elements of its own kind in it."""
    found = re.search(rf'<(\w+)[^>]*\bid="{name}"[^>]*>(.*?)</\1>', page, re.S)
    return Reader(found[2]).text


def test_figures_equal_the_score_files(scored):
    page = write_page(scored).read_text()
    lines = [ScoreLine.parse(t) for t in (scored / "score_test.txt").read_text().splitlines() if t[0] == "%"]
    for key, value in lines[0].values.items():
        assert text_of(page, f"score-{key}") == f"{value:.2f} %"
    assert text_of(page, "score-line") == str(lines[0])
    statistics = json.loads((scored / "statistics.json").read_text())
    low, high = statistics["intervals"]["found"][0]["ua"]
    pooled = lines[1].values["ua"]
    assert f"Pooled UA {pooled:.2f} %, 95 % interval {low:.2f} to {high:.2f} %, t over 2 speakers" in page
    found = Reader(page).text
    for name, facts in statistics["classes"].items():
        assert f"{name}{facts['utterances']}{facts['recall']:.2f}{facts['precision']:.2f}{facts['f1']:.2f}" in found
    for name, group in statistics["groups"]["speaker"].items():
        assert f"speaker{name}{group['utterances']}{group['ua']:.2f}{group['wa']:.2f}" in found


def test_data_of_the_plots_are_those_of_the_files(scored):
    write_page(scored)
    folder = scored / "figures"
    read = {file.stem: list(csv.reader(file.open())) for file in folder.glob("*.csv")}
    assert read["confusion_test"] == list(csv.reader((scored / "confusion_test.csv").open()))
    statistics = json.loads((scored / "statistics.json").read_text())
    assert [float(row[2]) for row in read["classes"][1:]] == [c["recall"] for c in statistics["classes"].values()]
    assert [row[1] for row in read["speakers"][1:]] == [*statistics["groups"]["speaker"]]
    assert read["learning_curves"][:2] == [
        ["fold", "run", "epoch", "train_loss", "dev_loss", "dev_ua", "dev_wa"],
        ["fold01", "run1", "1", "1.0", "1.0", "51.0", "1"],
    ]
    assert len(read["calibration"]) == 16
    ends = {stem: {file.suffix for file in folder.glob(f"{stem}.*")} for stem in read}
    assert ends == dict.fromkeys(read, {".svg", ".png", ".csv"}) and "attention" in ends


def test_the_same_bytes_each_time_and_png_that_stage_6_wrote(scored):
    before = {name: (scored / "figures" / name).read_bytes() for name in ("confusion_test.png", "learning_curves.png")}
    files = [write_page(scored), *sorted((scored / "figures").iterdir())]
    first = {file: file.read_bytes() for file in files}
    write_page(scored)
    assert {file: file.read_bytes() for file in files} == first
    assert {name: (scored / "figures" / name).read_bytes() for name in before} == before


def test_what_data_say_is_never_markup(scored, tmp_path):
    table = tmp_path / "data" / "toy" / "utt2spk"
    table.write_text(table.read_text().replace(" t1", f" {EVIL}"))
    subprocess.run([sys.executable, "-m", "mscnn.bin.score", "--exp", scored], check=True, capture_output=True)
    page = write_page(scored, audio="embed").read_text()
    found = Reader(page)
    assert "script" not in {tag for tag, _ in found.elements} and "i" not in {tag for tag, _ in found.elements}
    assert found.text.count(EVIL) > 3 and "<i>c</i>" in found.text
    assert not [value for _, attributes in found.elements for key, value in attributes.items() if key[:2] == "on"]


def test_one_file_that_asks_for_nothing(scored):
    found = Reader(write_page(scored).read_text())
    names = {tag for tag, _ in found.elements}
    assert not names & {"script", "iframe", "img", "object", "embed", "form"}
    sources = [a.get("src") or "" for _, a in found.elements] + [a.get("xlink:href") or "" for _, a in found.elements]
    links = [a["href"] for tag, a in found.elements if tag == "link"]
    assert links == ["data:,"] and not [s for s in sources if re.match("https?:|//", s)]
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert len(ids) == len({*ids}), "an id twice"
    assert {a["href"][1:] for tag, a in found.elements if tag == "a" and a["href"][0] == "#"} <= {*ids}
    used = {*re.findall(r"url\(#([^)]*)\)", str(found.elements))} | {s[1:] for s in sources if s[:1] == "#"}
    assert used <= {*ids}


def test_it_can_be_heard_as_well_as_seen(scored):
    found = Reader(write_page(scored).read_text())
    attributes = {tag: a for tag, a in found.elements}
    assert attributes["html"] == {"lang": "en"} and {"main", "nav", "header", "title", "h1"} <= attributes.keys()
    assert all(a.get("aria-label") for tag, a in found.elements if tag in ("audio", "nav") or a.get("role") == "img")
    assert [tag for tag, a in found.elements if tag == "svg" and a.get("role") != "img"] == []
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and max(b - a for a, b in zip(levels, levels[1:], strict=False)) == 1


def test_warnings_stand_in_the_first_screen(tmp_path):
    protocol = {"name": "random10", "version": 1, "hash": "1f3a", "selection": "test", "legacy": ["legacy_test_best"],
                "disjoint": {"train-test": [], "train-dev": [], "dev-test": []}}  # fmt: skip
    folder = make_recipe(tmp_path, protocol=protocol, partial="2/10", changed=["lr=1"])
    write_audit(folder, speakers=3)
    page = write_page(folder).read_text()
    warnings = page[page.index('class="warn"') : page.index('class="tiles"')]
    for text in ("Partial: 2/10", "Speakers of the test part are also in training", "selected on the very test part",
                 "Options that are not the usual ones", "lr=1"):  # fmt: skip
        assert text in warnings, text
    assert "synthetic" not in warnings
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    assert "synthetic" in write_page(folder).read_text()


def write_audit(folder, speakers):
    """An audit that found so many speakers in training and test of its worst fold."""
    file = read_source(folder).data / "audit" / "random10.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"shared": {"speaker": {"worst": speakers}}}))


def test_speakers_are_said_to_be_shared_where_they_are(tmp_path):
    """A protocol that promises nothing may keep them apart, as a corpus' own parts often do."""
    promises = {"train-test": [], "train-dev": [], "dev-test": []}
    folder = make_recipe(tmp_path, protocol={**PROTOCOL, "disjoint": promises})
    unknown = write_page(folder).read_text()
    write_audit(folder, speakers=2)
    shared = write_page(folder).read_text()
    write_audit(folder, speakers=0)
    apart = write_page(folder).read_text()
    texts = ("Speakers of the test part are also in training", "Test speakers are in training",
             "Speakers of the test part may be in training", "Test speakers may be in training")  # fmt: skip
    assert [[text in page for text in texts] for page in (unknown, shared, apart)] == [
        [False, False, True, True], [True, True, False, False], [False] * 4
    ]  # fmt: skip


def test_without_the_data_directory_there_is_less_and_no_fault(scored, tmp_path, caplog):
    shutil.rmtree(tmp_path / "data")
    page = write_page(scored).read_text()
    assert "where the words stand, is not at hand" in page and "not at hand" in page and "<audio" not in page
    assert "no attention picture" in caplog.text
    with pytest.raises(UserError, match="no such data directory"):
        write_page(scored, tmp_path / "data")


def test_the_data_are_those_of_the_recipe_wherever_we_are(scored, tmp_path, monkeypatch):
    """config.yaml has relative paths; another recipe has a data directory of the same name, of other people."""
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    table = tmp_path / "data" / "toy" / "wav.scp"
    table.write_text(table.read_text().replace("my corpus", str(tmp_path / "my corpus")))
    folder, other = predict_again(scored, "oh no").resolve(), tmp_path / "other" / "data" / "toy"
    shutil.copytree(tmp_path / "data" / "toy", other)
    for table in ("wav.scp", "utt2spk"):
        (other / table).write_text((other / table).read_text().replace("my corpus", "else").replace(" t", " who"))
    page = write_page(folder).read_text()
    monkeypatch.chdir(other.parent.parent)
    assert read_source(folder).trained_in == tmp_path / "exp" / "try"
    found = write_page(folder).read_text()
    assert "synthetic" in found and "who1" not in found
    assert found.count("<audio") == page.count("<audio") - 1 > 0, "the attention, whose features are named from there"


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}"])
def test_statistics_that_are_not_whole_are_refused(scored, text):
    (scored / "statistics.json").write_text(text)
    with pytest.raises(UserError, match="exp/try: .*statistics.json are not whole, .*run stage 6 again"):
        write_page(scored)


def test_scores_of_other_predictions_are_refused(scored):
    file = scored / "score_test.txt"
    file.write_text(file.read_text().replace("%UA 84.38", "%UA 84.48", 1))
    with pytest.raises(UserError, match="not of these predictions; run stage 6 again"):
        write_page(scored)
    write_report(Experiment.load(scored))
    predictions = scored / "fold01" / "run1" / "predictions_test.tsv"
    old = "calm\tcross\t0.100000\t0.900000"  # as many utterances, one of them predicted anew
    predictions.write_text(predictions.read_text().replace(old, "calm\tcalm\t0.900000\t0.100000", 1))
    with pytest.raises(UserError, match="not of these predictions; run stage 6 again"):
        write_page(scored)
    file.unlink()
    with pytest.raises(UserError, match="score_test.txt: cannot be read.*stage 6"):
        write_page(scored)
    assert not (scored / "report.html").exists()


def test_command(scored):
    def report(*arguments):
        command = [sys.executable, "-m", "mscnn.bin.report", "--exp", scored, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    done = report("--utterance", "t2-11", "--audio", "none")
    assert done.returncode == 0 and "report.html, 0." in done.stderr
    page = (scored / "report.html").read_text()
    assert "<audio" not in page and "t2-11" in page
    done = report("--utterance", "nobody")
    assert done.returncode == 1 and done.stderr.startswith("error: --utterance nobody") and "Trace" not in done.stderr


def test_folds_that_lack_classes_have_no_scores_of_their_own(tmp_path, monkeypatch):
    """One test part has no class ``cross``: only the matrix of both folds together has a UA."""
    protocol = {**PROTOCOL, "aggregate": "pooled"}
    folder = make_experiment(tmp_path / "exp" / "try", [[[[4, 0], [0, 0]]], [[[1, 1], [1, 1]]]], protocol=protocol)
    monkeypatch.chdir(tmp_path)
    (line,) = (found for found in write_report(Experiment.load(folder)) if found.fields["subset"] == "all")
    page = write_page(folder).read_text()
    assert f"{line.values['ua']:.2f}" in page and "Test scores of the folds" not in page
    assert text_of(page, "score-ua") == "66.67 %"  # recalls 5/6 and 1/2
    assert page.count("2 folds pooled") == 3 and "mean of 2" not in page and "± is" not in page
    assert "fold mean" not in Reader(page[: page.index('id="definitions"')]).text
    file = folder / "statistics.json"
    file.write_text(file.read_text().replace('"mean": 66.666667', '"mean": 66.0'))
    with pytest.raises(UserError, match="not of these predictions"):
        write_page(folder)


@pytest.mark.parametrize("counts, note", [
    (COUNTS, "mean of 2 folds ± {ua_sd}, mean of 2 runs ± {ua_run_sd}"),
    ([[[[3, 1], [1, 1]], [[2, 2], [0, 2]]]], "one fold, mean of 2 runs ± {ua_run_sd}"),
    ([[[[3, 1], [1, 1]]]], "one fold"),
])  # fmt: skip
def test_tiles_say_what_was_put_together(tmp_path, counts, note):
    folder = make_experiment(tmp_path / "exp" / "try", counts)
    line = write_report(Experiment.load(folder))[0]
    tile = write_page(folder).read_text().split('id="score-ua"')[1].split("</div>")[0]
    assert f'class="note">{note.format(**line.fields)}</span>' in tile.replace("\u00a0", " ")


def test_weighted_f1_has_a_column_and_where_it_selects_a_tile(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    pages = {
        by: write_page(make_recipe(tmp_path / at, training={"select": by})) for at, by in (("a", "ua"), ("b", "wf1"))
    }
    for by, path in pages.items():
        page, line = path.read_text(), ScoreLine.parse((path.parent / "score_test.txt").read_text().splitlines()[0])
        cell = f"{line.fields['wf1']} ± {line.fields['wf1_sd']}"
        assert "macro F1, %weighted F1, %" in Reader(page).text and f">{cell}</td>" in page
        assert ('id="score-wf1"' in page) == (by == "wf1")
    assert text_of(page, "score-wf1") == f"{line.fields['wf1']} %"


def test_a_report_of_predictions_says_whose_models_they_are(scored):
    folder = predict_again(scored, "oh no not now")
    page = write_page(folder, data="data/toy").read_text()
    text = Reader(page).text
    assert "It reads words recognised by ear, its models were trained on the corpus' own words." in text
    assert "Modelsthose of exp/try; nothing was trained here" in text
    assert "The models are those of exp/try; nothing was trained here. Their learning curves" in text
    assert "No learning curves" not in text and 'id="plot-attention"' in page and "Not made:" not in text
    assert "models predicted" not in Reader(write_page(scored).read_text()).text
    config = folder / "config.yaml"
    config.write_text(config.read_text() + "refitted: true\n")
    assert "Modelsfitted again as in exp/try" in Reader(write_page(folder).read_text()).text


@pytest.mark.parametrize("audio", ["near", "embed", "none"])
def test_no_path_of_this_machine(tmp_path, audio):
    """Everything that a user can give is given as an absolute path, of which there is nothing on the page."""
    there = tmp_path / "some where"
    there.mkdir()
    protocol = {**PROTOCOL, "disjoint": {"train-test": [], "train-dev": [], "dev-test": []}}
    folder = make_recipe(
        there, protocol=protocol, command=f"mscnn.bin.train --exp '{there}/exp/try' --data /scratch/x/data/toy",
        changed=["alexnet=/models/a.pth"], features={"audio": "mfcc96 model=/models/w2v"}, xvector_model="/models/nets",
    )  # fmt: skip
    (there / "data" / "toy" / "audit").mkdir()
    audit = {
        "features": "/x/logmel",
        "leaks": [f"a and b are the same recording: {there}/my corpus/a.wav and /c/b.wav"],
    }
    (there / "data" / "toy" / "audit" / "random10.json").write_text(json.dumps(audit))
    page = write_page(folder, audio=audio).read_text()
    assert str(tmp_path) not in page and "/scratch" not in page and "/models" not in page and "file:/" not in page
    found = Reader(page)
    words = [found.text.replace(EVIL, ""), *(str(v) for _, a in found.elements for k, v in a.items() if k != "d")]
    assert [text for text in words if re.search(r"(?:^|[\s\"'=(,])/\w", text)] == []
    for text in (
        "alexnet=a.pth",
        "--exp 'exp/try' --data toy",
        "mfcc96 model=w2v",
        "x-vectorsnets",
        "recording: my corpus/a.wav",
    ):
        assert text in found.text, text
    (there / "dump" / "mfcc96" / "toy" / "feature.yaml").unlink()
    page = write_page(folder, audio=audio).read_text()
    assert "dump/mfcc96/toy: no finished features" in page and str(tmp_path) not in page


def test_intervals_name_their_method(scored):
    page = Reader(write_page(scored).read_text()).text
    found = json.loads((scored / "statistics.json").read_text())["intervals"]["found"]
    assert [entry["method"] for entry in found] == ["t", "bootstrap"]
    low, high = found[0]["wf1"]
    assert "95 % intervals of the pooled valuesmethodover" in page
    assert "t, jackknife2 speakers" in page and f"{low:.2f} to {high:.2f}" in page and "bootstrap2 speakers" in page
    assert "bars are 95 % intervals, t over 2 speakers" in page
    assert "agg=pooled 95 %" not in page, "once is enough"


def test_tables_and_figures_have_words_of_their_own(scored):
    page = write_page(scored).read_text()
    tables = re.findall(r"<table>(.*?)</table>", page, re.S)
    assert len(tables) > 8 and all(re.match(r"<caption><span>[^<]+</span></caption>", one) for one in tables)
    assert not re.search(r"<th[^>]*></th>", page), "a heading without words"
    figures = re.findall(r"<figure[^>]*>(.*?)</figure>", page, re.S)
    assert len(figures) > 6 and all("<figcaption" in one and 'aria-label="' in one for one in figures)
