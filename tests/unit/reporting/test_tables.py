"""Tables of published results and ours: a section has one published protocol and class set, a column one of ours."""

import subprocess
import sys

import pytest
import yaml

from mscnn.evaluation.aggregate import MEANING
from mscnn.evaluation.experiment import Experiment
from mscnn.paths import CONF
from mscnn.reporting.marks import CONTAMINATED, SEEN
from mscnn.reporting.ours import read_results
from mscnn.reporting.paper import paper_table
from mscnn.reporting.published import read_published
from mscnn.reporting.results import write_report
from mscnn.reporting.tables import make_sections, make_table
from tests.raises import fails
from tests.unit.evaluation.conftest import COUNTS, make_experiment
from tests.unit.reporting.reading import read_items, read_rows

PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
FAIR = "85.42 ± 2.95 / 84.38 ± 4.42"  # of COUNTS
ALL = "100.00 ± 0.00 / 100.00 ± 0.00"
BAG, MAJORITY, SOUND = "tfidf_lr", "majority", "logmel_lr"


@pytest.fixture(scope="module")
def published():
    return read_published(CONF / "published.yaml")


def score(path, counts=COUNTS, data="iemocap4", **changes):
    write_report(Experiment.load(make_experiment(path, counts, data=f"data/{data}", **changes)))


def protocol(name, code, disjoint, **more):
    pairs = {"train-test": disjoint, "train-dev": disjoint, "dev-test": disjoint}
    return {"name": name, "version": 1, "hash": code, "disjoint": pairs, "selection": "dev", **more}


def section(facts, table, name, exp_root):
    """The section of one published protocol."""
    return next(one for one in make_sections(table, facts, read_results(exp_root)) if one.name == name)


def shape(facts, table, results):
    """The table in the shape of the paper."""
    return paper_table(facts.tables[table], facts, results)


def row(section, system, text=None):
    """Cells of a row, by the name of its system, or by our name of a baseline."""
    rows = read_rows(section.table.markdown())
    return next(r for r in rows if (r[0] == system or f"(`{system}`)" in r[0]) and text in (None, r[1]))


def columns(section):
    return [group.label for group in section.groups]


def codes(section):
    return [note.code for note in section.notes]


def note(section, code):
    return next(str(one) for one in section.notes if one.code == code)


def test_the_document_has_a_section_for_each_protocol(tmp_path, published):
    text = make_table("peng2021_table1", published, tmp_path)
    sections = make_sections("peng2021_table1", published, [])
    headings = [line for line in text.splitlines() if line.startswith("## ")][3:]  # after those of the paper's shape
    assert [line.rpartition("(")[2].rstrip(")") for line in headings] == [one.name for one in sections]
    paper = sum(len(block.table.rows) + 1 for block in shape(published, "peng2021_table1", []).blocks)
    assert len(read_rows(text)) == sum(len(one.entries) + 1 for one in sections) + paper
    assert all(f"[{mark}] {published.certainty[mark]}" in text for mark in "PC")
    commands = [f"`./run.sh --corpus /path/to/corpus {command}`" for one in sections for command in one.commands]
    assert [item for item in read_items(text) if item[:3] == "`./"] == commands and len(commands) > 6


def test_missing_results_have_commands(tmp_path, published):
    peng, yoon, satt = (
        section(published, "peng2021_table1", n, tmp_path) for n in ("peng2021", "yoon2018", "satt2017")
    )
    assert row(peng, "MSCNN-SPU-ATT") == ["MSCNN-SPU-ATT", "gt", "80.3 / 81.4 [P]", "–"]
    assert row(yoon, "MDRE") == ["MDRE", "gt", "71.8 / not given [C]", "–"]
    assert '--labels iemocap4 --model "mdre tfidf_lr" --text gt --protocol yoon5' in yoon.commands
    assert (
        '--labels iemocap4 --subset improvised --model "satt2017 majority logmel_lr" --text none --protocol loso5'
    ) in satt.commands


def test_synthetic_corpora_are_not_comparable(tmp_path, published):
    score(tmp_path / "exp" / "a")
    before = make_table("peng2021_table1", published, tmp_path / "exp").splitlines()
    (tmp_path / "corpus.yaml").write_text("name: toy corpus\nabout: x\nsynthetic: true\n")
    after = make_table("peng2021_table1", published, tmp_path / "exp").splitlines()
    (warning,) = (line for line in after if line not in before)
    assert "toy corpus" in warning and after.index(warning) < next(i for i, x in enumerate(after) if x[:1] == "|")


def test_a_column_for_each_protocol_and_split(tmp_path, published):
    score(tmp_path / "exp" / "a")
    score(tmp_path / "exp" / "b", PERFECT, protocol=protocol("speaker10", "77aa", ["speaker", "session"]))
    score(tmp_path / "exp" / "c", PERFECT, protocol=protocol("random10", "ffff", []), xvector="x.scp")
    peng = section(published, "peng2021_table1", "peng2021", tmp_path / "exp")
    assert columns(peng) == ["`random10@1f3a` (iemocap4)", "`random10@ffff` (iemocap4)", "`speaker10@77aa` (iemocap4)"]
    assert row(peng, "MSCNN-SPU")[3:] == [f"{FAIR} † (a, b)", f"{ALL} (c, d)", f"{ALL} † (a, d)"]
    assert codes(peng) == [
        *("dagger", "no-xvectors", "runs", "xvectors-given", "runs"),
        *("nearest", "nearest", "not-comparable", "from"),
    ]
    text = note(peng, "not-comparable")
    assert all(part in text for part in ("`speaker10@77aa` (iemocap4)", " 10 ", "speaker", "session"))


def test_networks_that_were_trained_on_the_corpus_are_marked_beside_published_numbers(tmp_path, published):
    """Only the dagger's meaning and the name of the feature differ from the same experiment with another network."""
    score(tmp_path / "a" / "a", xvector="x.scp")
    score(tmp_path / "b" / "b", xvector="x.scp", pretrained_on_test=["hubert_base model=x"])
    clean, seen = (section(published, "peng2021_table1", "peng2021", tmp_path / name) for name in "ab")
    assert "†" not in row(clean, "MSCNN-SPU")[3] and row(seen, "MSCNN-SPU")[3].startswith(f"{FAIR} † (")
    assert [code for code in codes(seen) if code not in codes(clean)] == ["dagger", SEEN]
    assert CONTAMINATED in note(seen, "dagger") and "`hubert_base`" in note(seen, SEEN)


def test_protocols_without_disjoint_speakers_and_pooled_columns_have_notes(tmp_path, published):
    """Such a protocol may share speakers or not; a pooled column is not a mean over folds."""
    score(tmp_path / "exp" / "a", protocol=protocol("predefined", "77aa", []))
    cells = protocol("cells", "88bb", ["speaker"], aggregate="pooled")
    score(tmp_path / "exp" / "b", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=cells)
    peng = section(published, "peng2021_table1", "peng2021", tmp_path / "exp")
    disjoint, pooled = (str(item) for item in peng.notes if item.code == "not-comparable")
    assert disjoint.startswith("`cells@88bb`") and "speaker" in disjoint
    assert pooled.startswith("`predefined@77aa`") and "speaker" not in pooled
    assert "`cells@88bb` (iemocap4, pooled)" in columns(peng) and row(peng, "MSCNN-SPU")[4].startswith(
        "62.50 / 62.50 † ("
    )
    text = make_table("peng2021_table1", published, tmp_path / "exp")
    assert all(f": {meaning}." in text for meaning in MEANING.values())


def test_a_class_set_stays_in_its_sections(tmp_path, published):
    """Results on improvised speech are shown beside improvised speech only, and named elsewhere."""
    score(tmp_path / "exp" / "a", model="glam", data="iemocap4_exc")
    score(
        tmp_path / "exp" / "b",
        PERFECT,
        model="glam",
        data="iemocap4_exc_improvised",
        protocol=protocol("glam80_20", "77aa", [], selection="test", legacy=["legacy_test_best"]),
    )
    improvised = section(published, "glam", "glam80_20_improvised", tmp_path / "exp")
    full = section(published, "glam", "glam80_20_full", tmp_path / "exp")
    own = "`glam80_20@77aa` (iemocap4_exc_improvised, legacy: legacy_test_best)"
    assert columns(improvised) == [own]
    assert row(improvised, "GLAM") == [
        "GLAM",
        "none",
        "81.18 ± 1.47 / 79.25 ± 1.88 / 79.87 ± 1.64 / 80.99 ± 1.50 [V] ‡",
        "–",
    ]  # gt was read
    assert columns(full) == ["`glam80_20` (iemocap4_exc)", "`random10@1f3a` (iemocap4_exc)"]
    assert ALL not in full.table.markdown()
    (part,) = (p for p in make_table("glam", published, tmp_path / "exp").split("\n## ") if "(glam80_20_full)\n" in p)
    assert own in read_items(part)[-len(full.commands) - 1]


def test_a_section_never_has_two_published_protocols(tmp_path):
    """Rows of two protocols in one table of the file have separate sections, each with its nearest column."""
    facts = yaml.safe_load((CONF / "published.yaml").read_text())
    rows = facts["tables"]["peng2021_table1"]["rows"]
    facts["tables"]["peng2021_table1"]["rows"] = [*rows[::2], *rows[1::2]]
    (tmp_path / "mixed.yaml").write_text(yaml.safe_dump(facts))
    published = read_published(tmp_path / "mixed.yaml")
    sections = {section.name: section for section in make_sections("peng2021_table1", published, [])}
    assert sections.keys() == {"peng2021", "yoon2018", "satt2017", "sarma2018", "xu2019", "yoon2019"}
    systems = {name: {r.row.system for r in section.entries if r.row.numbers} for name, section in sections.items()}
    assert systems["yoon2018"] == {"MDRE"} and systems["satt2017"] == {"CNN+LSTM"}
    assert systems["peng2021"].isdisjoint(set().union(*(v for k, v in systems.items() if k != "peng2021")))
    assert columns(sections["satt2017"]) == ["`loso5` (iemocap4_improvised)"]
    assert columns(sections["sarma2018"]) == ["`loso5` (iemocap4)"]


def test_every_section_has_baselines(published):
    for name in published.tables:
        for one in make_sections(name, published, []):
            texts = {r.text for r in one.entries if r.row.model not in (BAG, MAJORITY, SOUND)}
            assert {r.text for r in one.entries if r.row.model == BAG} == texts - {"none"}, (name, one.name)
            assert sum(r.row.model == MAJORITY for r in one.entries) == 1
            assert sum(r.row.model == SOUND for r in one.entries) == 1  # all sections have a system that takes audio


def test_baselines_have_our_results(tmp_path, published):
    score(tmp_path / "exp" / "bag", PERFECT, model=BAG)
    score(tmp_path / "exp" / "most", model=MAJORITY, text="none")
    peng = section(published, "peng2021_table1", "peng2021", tmp_path / "exp")
    assert columns(peng) == ["`random10@1f3a` (iemocap4)"]
    assert row(peng, BAG, "gt")[2:] == ["", ALL] and row(peng, BAG, "asr")[2:] == ["", "–"]
    assert row(peng, MAJORITY)[3] == FAIR
    models = {c.partition("--text")[0].partition("--model ")[2].strip(): c for c in peng.commands}
    assert "--text pocketsphinx" in models['"text_cnn mscnn_spu mscnn_spu_att tfidf_lr"']
    assert "--text gt" in models['"text_cnn mscnn_spu mscnn_spu_att"']
    sarma = section(published, "sarma2018", "sarma2018", tmp_path / "exp")
    assert columns(sarma) == ["`loso5` (iemocap4)"]


def test_selection_on_test_and_spread_are_marked(tmp_path, published):
    full = section(published, "glam", "glam80_20_full", tmp_path)
    assert row(full, "GLAM")[2].endswith("[V] ‡") and "selected-on-test" in codes(full)
    assert row(section(published, "glam", "glam80_20_improvised", tmp_path), "multi-scale + MHA")[2][-1] == "‡"
    other = section(published, "glam", "glam811_full", tmp_path)
    assert "‡" not in other.table.markdown() and "selected-on-test" not in codes(other)
    yoon = section(published, "yoon2018", "yoon2018", tmp_path)
    assert row(yoon, "ARE")[2] == "54.6 ± 0.9 / not given [R]"
    ours = section(published, "ca_mser", "zou2022_session", tmp_path)
    assert row(ours, "CA-MSER")[2] == "69.80 / 71.05 [R] ‡"
    assert row(ours, "CA-MSER, wav2vec 2.0 frozen")[2] == ""


def test_class_sets_without_a_label_map_cannot_be_run(tmp_path, published):
    emodb = section(published, "acrnn", "chen2018_emodb", tmp_path)
    assert columns(emodb) == ["(emodb)"] and row(emodb, "3-D ACRNN, 5 convolutions")[3] == "–"
    assert "emodb" in note(emodb, "cannot-run") and emodb.commands == []


def test_changed_settings_have_their_rows(tmp_path, published):
    """Alpha of 0.3 is better on dev, but is not a result of the default GLAM."""
    common = {
        "model": "glam",
        "text": "none",
        "data": "iemocap4_exc_improvised",
        "protocol": protocol("glam80_20", "7", []),
    }
    score(tmp_path / "exp" / "a", training={"mixup": 0.5}, **common)
    score(tmp_path / "exp" / "b", PERFECT, training={"mixup": 0.3}, changed=["mixup=0.3"], **common)
    glam = section(published, "glam", "glam80_20_improvised", tmp_path / "exp")
    cells = {name: row(glam, name)[3] for name in ("GLAM", "GLAM, alpha 0.3", "GLAM, alpha 1")}
    assert cells["GLAM"].startswith(FAIR) and cells["GLAM, alpha 0.3"].startswith(ALL) and cells["GLAM, alpha 1"] == "–"
    assert "exp/a, " in note(glam, "from") and note(glam, "from").endswith("exp/b")
    assert "changed" not in codes(glam), "the row names the option"
    tag = '--set "mixup=1.0" --tag glam_alpha_1_glam80_20_iemocap4_exc_improvised'
    assert any(command.endswith(tag) for command in glam.commands)


def test_of_several_experiments_the_best_on_dev_is_shown(tmp_path, published):
    """``good`` is perfect on test, but worse on dev than ``fair``."""
    bad_dev = make_experiment(tmp_path / "exp" / "good", PERFECT, data="data/iemocap4")
    for file in bad_dev.glob("fold*/run*/predictions_dev.tsv"):
        file.write_text(file.read_text().replace("cross\tcross\t0.100000\t0.900000", "cross\tcalm\t0.900000\t0.100000"))
    write_report(Experiment.load(bad_dev))
    score(tmp_path / "exp" / "fair")
    peng = section(published, "peng2021_table2", "peng2021", tmp_path / "exp")
    assert row(peng, "MSCNN-SPU (no attention)")[3] == f"{FAIR} † (a, b)"
    assert note(peng, "from").endswith("exp/fair") and "exp/good" not in note(peng, "from")


def test_each_engine_has_its_row(tmp_path, published):
    for engine in ("pocketsphinx", "google"):
        score(tmp_path / "exp" / engine, text=engine)
    peng = section(published, "peng2021_table1", "peng2021", tmp_path / "exp")
    for model in ("mscnn_spu", "text_cnn", BAG):
        assert [r.text for r in peng.entries if r.row.model == model] == ["gt", "google", "pocketsphinx"]
    assert row(peng, "MSCNN-SPU", "google")[2:] == ["77.4 / 78.2 [P]", f"{FAIR} † (a, b, c)"]
    assert any('--model "text_cnn mscnn_spu_att tfidf_lr" --text google' in command for command in peng.commands)


def test_legacy_and_partial_results_have_their_own_columns(tmp_path, published):
    score(tmp_path / "exp" / "a", legacy=["legacy_no_mask"])
    score(tmp_path / "exp" / "b")
    score(tmp_path / "exp" / "c", PERFECT, partial="2/10")
    score(tmp_path / "exp" / "d", PERFECT, model=BAG)
    peng = section(published, "peng2021_table1", "peng2021", tmp_path / "exp")
    partial = "`random10@1f3a` (iemocap4, partial: 2/10)"
    assert columns(peng) == [
        "`random10@1f3a` (iemocap4)",
        "`random10@1f3a` (iemocap4, legacy: legacy_no_mask)",
        partial,
    ]
    assert row(peng, "MSCNN-SPU")[3:] == [f"{FAIR} † (a, b)", f"{FAIR} † (a, b)", f"{ALL} † (a, c)"]
    assert row(peng, BAG)[3:] == [ALL, ALL, "–"]
    assert note(peng, "not-comparable").startswith(f"{partial}: 10 ")
    assert any(command.endswith("--text gt --protocol random10") for command in peng.commands)
    assert not any("--folds" in command for command in peng.commands), "partial results need not be completed"


def test_unscored_experiments_are_excluded_and_unknown_tables_named(tmp_path, published):
    make_experiment(tmp_path / "exp" / "a", data="data/iemocap4")
    assert row(section(published, "peng2021_table1", "peng2021", tmp_path / "exp"), "MSCNN-SPU")[3] == "–"
    with fails("table-unknown", "table9", "peng2021_table1, peng2021_table2, yoon2018"):
        make_table("table9", published, tmp_path)


def test_a_damaged_configuration_is_named(tmp_path):
    score(tmp_path / "exp" / "a")
    config = tmp_path / "exp" / "a" / "config.yaml"
    config.write_text("model: glam\n")
    with fails("experiment-config", config):
        read_results(tmp_path / "exp")


def test_names_are_listed(tmp_path):
    command = [sys.executable, "-m", "mscnn.bin.tables", "--table", "list", "--out", str(tmp_path / "names")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = (
        "peng2021_table1 peng2021_table2 yoon2018 yoon2019 xu2019 satt2017 sarma2018 acrnn adsrnn meng2019 "
        "peng2020 glam xu2021 ca_mser ravdess ssl_probe"
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == names.split()
    assert (tmp_path / "names").read_text() == done.stdout.rstrip("\n")
