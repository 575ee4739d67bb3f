"""Tables: ours beside the published, never two protocols or class sets in a column or a section."""

import re
import subprocess
import sys

import pytest
import yaml

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.paths import ROOT
from mscnn.reporting.results import write_report
from mscnn.reporting.tables import make_table
from tests.unit.evaluation.conftest import COUNTS, make_experiment

PUBLISHED = ROOT / "conf" / "published.yaml"
PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
FAIR = "85.42 ± 2.95 / 84.38 ± 4.42"  # of COUNTS
ALL = "100.00 ± 0.00 / 100.00 ± 0.00"


def score(path, counts=COUNTS, data="iemocap4", **changes):
    write_report(Experiment.load(make_experiment(path, counts, data=f"data/{data}", **changes)))


def protocol(name, code, disjoint, **more):
    pairs = {"train-test": disjoint, "train-dev": disjoint, "dev-test": disjoint}
    return {"name": name, "version": 1, "hash": code, "disjoint": pairs, "selection": "dev", **more}


def section(text, name):
    """The lines of one published protocol."""
    return next(part for part in text.split("\n## ") if part.splitlines()[0].endswith(f"({name})"))


def row(text, system, words=None):
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|"))
    return next(line for line in cells if line[0] == system and words in (None, line[1]))


def columns(text):
    head = next(line for line in text.splitlines() if line.startswith("| system"))
    return [cell.strip().removeprefix("ours ").removesuffix(" WA / UA") for cell in head.split("|") if "ours" in cell]


def test_nothing_run_yet_gives_the_commands(tmp_path):
    text = make_table("peng2021_table1", PUBLISHED, tmp_path)
    assert row(text, "MSCNN-SPU-ATT") == ["MSCNN-SPU-ATT", "gt", "80.3 / 81.4 [P]", "–"]
    assert row(text, "MDRE") == ["MDRE", "gt", "71.8 / not given [C]", "–"]
    assert '`./run.sh --labels iemocap4 --model "mdre tfidf_lr" --text gt --protocol yoon5`' in text
    assert (
        '`./run.sh --labels iemocap4 --subset improvised --model "satt2017 majority logmel_lr" --text none '
        "--protocol loso5`"
    ) in text
    assert "[P] stands in the paper, or its abstract; [C] is cited so by another paper." in text


def test_synthetic_voices_are_not_compared(tmp_path):
    score(tmp_path / "exp" / "a")
    assert "synthetic voices:" not in make_table("peng2021_table1", PUBLISHED, tmp_path / "exp")
    (tmp_path / "corpus.yaml").write_text("name: toy\nabout: x\nsynthetic: true\n")
    text = make_table("peng2021_table1", PUBLISHED, tmp_path / "exp")
    assert "\n**Ours are of toy, synthetic voices: not to be compared with any of these.**\n" in text
    assert text.index("synthetic voices:") < text.index("| system")


def test_a_column_for_each_protocol_and_cut(tmp_path):
    score(tmp_path / "exp" / "a")
    score(tmp_path / "exp" / "b", PERFECT, protocol=protocol("speaker10", "77aa", ["speaker", "session"]))
    score(tmp_path / "exp" / "c", PERFECT, protocol=protocol("random10", "ffff", []), xvector="x.scp")
    text = section(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "peng2021")
    assert columns(text) == ["`random10@1f3a` (iemocap4)", "`random10@ffff` (iemocap4)", "`speaker10@77aa` (iemocap4)"]
    assert row(text, "MSCNN-SPU")[3:] == [f"{FAIR} †", ALL, f"{ALL} †"]
    assert "* † without x-vectors" in text
    assert (
        "`speaker10@77aa` (iemocap4): 10 utterances tested; training and test share no speaker and no session; "
        "not to be compared" in text
    )


def test_what_is_not_promised_and_what_is_pooled_are_said(tmp_path):
    """A protocol that promises nothing may share speakers or not; a pooled column is no mean over folds."""
    score(tmp_path / "exp" / "a", protocol=protocol("predefined", "77aa", []))
    cells = protocol("cells", "88bb", ["speaker"], aggregate="pooled")
    score(tmp_path / "exp" / "b", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=cells)
    text = section(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "peng2021")
    note = next(line for line in text.splitlines() if line.startswith("* `predefined@77aa`"))
    assert "training and test share no utterance, more is not promised; see the audit;" in note
    assert "`cells@88bb` (iemocap4, pooled)" in columns(text) and "62.50 / 62.50 †" in row(text, "MSCNN-SPU")
    assert "Ours: mean over folds ±" in text and "columns marked pooled: of all folds together" in text


def test_a_class_set_stays_in_its_sections(tmp_path):
    """Results on improvised speech are shown beside improvised speech only, and named elsewhere."""
    score(tmp_path / "exp" / "a", model="glam", data="iemocap4_exc")
    score(tmp_path / "exp" / "b", PERFECT, model="glam", data="iemocap4_exc_improvised",
          protocol=protocol("glam80_20", "77aa", [], selection="test", legacy=["legacy_test_best"]))  # fmt: skip
    text = make_table("glam", PUBLISHED, tmp_path / "exp")
    improvised, full = section(text, "glam80_20_improvised"), section(text, "glam80_20_full")
    own = "`glam80_20@77aa` (iemocap4_exc_improvised, legacy: legacy_test_best)"
    assert columns(improvised) == [own]
    assert row(improvised, "GLAM") == ["GLAM", "none", "81.18 ± 1.47 / 79.25 ± 1.88 [V] ‡", "–"]  # gt was read
    assert columns(full) == ["`glam80_20` (iemocap4_exc)", "`random10@1f3a` (iemocap4_exc)"]
    assert f"* not shown, because of another class set: {own}" in full
    assert ALL not in full


def test_a_section_never_has_two_published_protocols(tmp_path):
    """Rows of two protocols that the file mixes come apart, each with its own nearest column."""
    facts = yaml.safe_load(PUBLISHED.read_text())
    rows = facts["tables"]["peng2021_table1"]["rows"]
    facts["tables"]["peng2021_table1"]["rows"] = [*rows[::2], *rows[1::2]]
    mixed = tmp_path / "mixed.yaml"
    mixed.write_text(yaml.safe_dump(facts))
    text = make_table("peng2021_table1", mixed, tmp_path)
    systems = {
        name: {
            line.split("|")[1].strip() for line in section(text, name).splitlines() if re.match(r"\| .*\[[PC]\]", line)
        }
        for name in ("peng2021", "yoon2018", "satt2017", "sarma2018", "xu2019", "yoon2019")
    }
    assert text.count("\n## ") == 6
    assert systems["yoon2018"] == {"MDRE"} and systems["satt2017"] == {"CNN+LSTM"}
    assert systems["peng2021"].isdisjoint(set().union(*(v for k, v in systems.items() if k != "peng2021")))
    assert columns(section(text, "satt2017")) == ["`loso5` (iemocap4_improvised)"]
    assert columns(section(text, "sarma2018")) == ["`loso5` (iemocap4)"]


def test_baselines_stand_in_every_section(tmp_path):
    names = yaml.safe_load(PUBLISHED.read_text())["tables"]
    for name in names:
        for part in make_table(name, PUBLISHED, tmp_path).split("\n## ")[1:]:
            lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
            texts = {line.split("|")[2].strip() for line in lines if "baseline" not in line}
            bags = {line.split("|")[2].strip() for line in lines if "`tfidf_lr`" in line}
            assert bags == texts - {"none"}, part
            assert sum("baseline: most frequent class" in line for line in lines) == 1
            assert sum("baseline: log-mel statistics" in line for line in lines) == 1  # all sections hear something


def test_baselines_have_our_results(tmp_path):
    score(tmp_path / "exp" / "bag", PERFECT, model="tfidf_lr")
    score(tmp_path / "exp" / "most", model="majority", text="none")
    text = section(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "peng2021")
    assert columns(text) == ["`random10@1f3a` (iemocap4)"]
    assert row(text, "baseline: bag of words (`tfidf_lr`)", "gt")[2:] == ["", ALL]
    assert row(text, "baseline: bag of words (`tfidf_lr`)", "asr")[2:] == ["", "–"]
    assert row(text, "baseline: most frequent class (`majority`)")[3] == FAIR
    assert '--model "text_cnn mscnn_spu mscnn_spu_att tfidf_lr" --text ENGINE --protocol random10' in text
    assert '--model "text_cnn mscnn_spu mscnn_spu_att" --text gt --protocol random10' in text
    assert columns(section(make_table("sarma2018", PUBLISHED, tmp_path / "exp"), "sarma2018")) == ["`loso5` (iemocap4)"]


def test_selection_on_test_and_spread_are_marked(tmp_path):
    text = make_table("glam", PUBLISHED, tmp_path)
    assert row(text, "multi-scale + MHA")[2] == "80.43 ± 1.53 / 78.92 ± 1.92 [V] ‡"
    assert "‡ the published model was selected on its test part" in section(text, "glam80_20_full")
    assert "‡" not in section(text, "glam811_full")
    assert row(make_table("yoon2018", PUBLISHED, tmp_path), "ARE")[2] == "54.6 ± 0.9 / not given [R]"
    ours = section(make_table("ca_mser", PUBLISHED, tmp_path), "zou2022_session")
    assert row(ours, "CA-MSER")[2] == "69.80 / 71.05 [R] ‡"
    assert row(ours, "CA-MSER, wav2vec 2.0 frozen")[2] == ""


def test_class_sets_without_a_label_map_cannot_be_run(tmp_path):
    text = section(make_table("acrnn", PUBLISHED, tmp_path), "chen2018_emodb")
    assert columns(text) == ["(emodb)"] and row(text, "3-D ACRNN, 5 convolutions")[3] == "–"
    assert "cannot be run: no label map in conf/labels makes `emodb`" in text and "run.sh" not in text


def test_changed_settings_have_their_rows(tmp_path):
    """Alpha of 0.3 is the better on dev, and yet is not taken for GLAM as it is."""
    common = {
        "model": "glam",
        "text": "none",
        "data": "iemocap4_exc_improvised",
        "protocol": protocol("glam80_20", "7", []),
    }
    score(tmp_path / "exp" / "a", training={"mixup": 0.5}, **common)
    score(tmp_path / "exp" / "b", PERFECT, training={"mixup": 0.3}, changed=["mixup=0.3"], **common)
    text = section(make_table("glam", PUBLISHED, tmp_path / "exp"), "glam80_20_improvised")
    found = {name: row(text, name)[3] for name in ("GLAM", "GLAM, alpha 0.3", "GLAM, alpha 1")}
    assert found == {"GLAM": FAIR, "GLAM, alpha 0.3": ALL, "GLAM, alpha 1": "–"}
    assert "exp/a, " in text and "exp/b (changed: mixup=0.3)" in text
    assert '--train-args "--set mixup=1.0" --tag glam_alpha_1_glam80_20_iemocap4_exc_improvised`' in text


def test_of_several_experiments_dev_chooses(tmp_path):
    """``good`` is perfect on test, but worse on dev than ``fair``."""
    bad_dev = make_experiment(tmp_path / "exp" / "good", PERFECT, data="data/iemocap4")
    for file in bad_dev.glob("fold*/run*/predictions_dev.tsv"):
        file.write_text(file.read_text().replace("cross\tcross\t0.100000\t0.900000", "cross\tcalm\t0.900000\t0.100000"))
    write_report(Experiment.load(bad_dev))
    score(tmp_path / "exp" / "fair")
    text = make_table("peng2021_table2", PUBLISHED, tmp_path / "exp")
    assert row(text, "MSCNN-SPU (no attention)")[3] == f"{FAIR} †"
    assert "exp/fair" in text and "exp/good" not in text


def test_each_recogniser_has_its_row(tmp_path):
    for engine in ("pocketsphinx", "google"):
        score(tmp_path / "exp" / engine, text=engine)
    text = section(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "peng2021")
    texts = {
        name: [line.split("|")[2].strip() for line in text.splitlines() if line.startswith(f"| {name} |")]
        for name in ("MSCNN-SPU", "Text-CNN", "baseline: bag of words (`tfidf_lr`)")
    }
    assert set(map(tuple, texts.values())) == {("gt", "google", "pocketsphinx")}
    assert row(text, "MSCNN-SPU", "google")[2:] == ["77.4 / 78.2 [P]", f"{FAIR} †"]
    assert '--model "text_cnn mscnn_spu_att tfidf_lr" --text google' in text


def test_legacy_and_partial_results_stand_apart(tmp_path):
    score(tmp_path / "exp" / "a", legacy=["legacy_no_mask"])
    score(tmp_path / "exp" / "b")
    score(tmp_path / "exp" / "c", PERFECT, partial="2/10")
    score(tmp_path / "exp" / "d", PERFECT, model="tfidf_lr")
    text = section(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "peng2021")
    partial = "`random10@1f3a` (iemocap4, partial: 2/10)"
    assert columns(text) == [
        "`random10@1f3a` (iemocap4)",
        "`random10@1f3a` (iemocap4, legacy: legacy_no_mask)",
        partial,
    ]
    assert row(text, "MSCNN-SPU")[3:] == [f"{FAIR} †", f"{FAIR} †", f"{ALL} †"]
    assert row(text, "baseline: bag of words (`tfidf_lr`)")[3:] == [ALL, ALL, "–"]
    assert f"* {partial}: 10 utterances tested; training and test share no speaker; not to be compared" in text
    assert '--model "text_cnn mscnn_spu_att tfidf_lr" --text gt --protocol random10 --folds 2`' in text


def test_unscored_experiments_are_left_out_and_unknown_tables_named(tmp_path):
    make_experiment(tmp_path / "exp" / "a", data="data/iemocap4")
    assert row(make_table("peng2021_table1", PUBLISHED, tmp_path / "exp"), "MSCNN-SPU")[3] == "–"
    with pytest.raises(UserError, match="no table table9; it has: peng2021_table1, peng2021_table2, yoon2018"):
        make_table("table9", PUBLISHED, tmp_path)


def test_a_damaged_configuration_is_named(tmp_path):
    score(tmp_path / "exp" / "a")
    config = tmp_path / "exp" / "a" / "config.yaml"
    config.write_text("model: glam\n")
    with pytest.raises(UserError, match="a/config.yaml: not the configuration of an experiment: KeyError"):
        make_table("peng2021_table1", PUBLISHED, tmp_path / "exp")


def test_names_are_listed(tmp_path):
    command = [sys.executable, "-m", "mscnn.bin.tables", "--table", "list", "--out", str(tmp_path / "names")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = (
        "peng2021_table1 peng2021_table2 yoon2018 yoon2019 xu2019 satt2017 sarma2018 acrnn adsrnn glam ca_mser ravdess"
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == names.split()
    assert (tmp_path / "names").read_text() == done.stdout.rstrip("\n")
