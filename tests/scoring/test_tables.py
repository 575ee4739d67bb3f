"""Tables: ours beside the published, never two protocols in a column."""

import pytest

from mscnn.errors import UserError
from mscnn.paths import ROOT, read_yaml
from mscnn.scoring.predictions import Experiment
from mscnn.scoring.report import write_report
from mscnn.scoring.tables import make_table

from .conftest import COUNTS, make_experiment

PUBLISHED = ROOT / "conf" / "published.yaml"
PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]


def score(path, counts=COUNTS, **changes):
    write_report(Experiment.load(make_experiment(path, counts, **changes)))


def protocol(name, code, disjoint):
    pairs = {"train-test": disjoint, "train-dev": disjoint, "dev-test": disjoint}
    return {"name": name, "version": 1, "hash": code, "disjoint": pairs, "selection": "dev"}


def row(text, system):
    return next(
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith(f"| {system} |")
    )


def test_published_numbers_are_those_of_the_paper():
    tables = read_yaml(PUBLISHED)["tables"]
    first = {(r["system"], r["text"]): (r["wa"], r["ua"]) for r in tables["table1"]["rows"]}
    assert len(first) == len(tables["table1"]["rows"]) == 18
    assert first["MSCNN-SPU-ATT", "gt"] == (80.3, 81.4) and first["MSCNN-SPU-ATT", "asr"] == (78.0, 79.1)
    second = [(r["wa"], r["ua"]) for r in tables["table2"]["rows"] if r["wa"]]
    assert second == [(80.3, 81.4), (79.5, 80.4), (78.5, 79.3), (77.7, 78.6), (77.2, 78.3), (73.5, 74.0)]


def test_every_model_of_the_tables_exists():
    models = {r["model"] for table in read_yaml(PUBLISHED)["tables"].values() for r in table["rows"] if "model" in r}
    assert models and all((ROOT / "conf" / "models" / f"{model}.yaml").is_file() for model in models)


def test_nothing_run_yet_gives_the_commands(tmp_path):
    text = make_table("table1", PUBLISHED, tmp_path)
    assert row(text, "MSCNN-SPU-ATT") == ["MSCNN-SPU-ATT", "gt", "80.3 / 81.4", "–"]
    assert "`./run.sh --model text_cnn --text gt --protocol random10`" in text
    assert row(text, "MDRE") == ["MDRE", "gt", "71.8 / not given"]


def test_a_column_for_each_protocol_and_cut(tmp_path):
    score(tmp_path / "exp" / "a")
    score(tmp_path / "exp" / "b", PERFECT, protocol=protocol("speaker10", "77aa", ["speaker", "session"]))
    score(tmp_path / "exp" / "c", PERFECT, protocol=protocol("random10", "ffff", []), xvector="x.scp")
    text = make_table("table1", PUBLISHED, tmp_path / "exp")
    head = next(line for line in text.splitlines() if line.startswith("| system"))
    names = [cell.split("`")[1] for cell in head.split("|") if "ours" in cell]
    assert names == ["random10@1f3a", "random10@ffff", "speaker10@77aa"]
    assert row(text, "MSCNN-SPU")[3:] == [
        "85.42 ± 2.95 / 84.38 ± 4.42 †",
        "100.00 ± 0.00 / 100.00 ± 0.00",
        "100.00 ± 0.00 / 100.00 ± 0.00 †",
    ]
    assert "`speaker10@77aa` (data): training and test share no speaker and no session; not to be compared" in text


def test_of_several_experiments_dev_chooses(tmp_path):
    """``good`` is perfect on test, but worse on dev than ``fair``."""
    bad_dev = make_experiment(tmp_path / "exp" / "good", PERFECT)
    for file in bad_dev.glob("fold*/run*/predictions_dev.tsv"):
        file.write_text(file.read_text().replace("cross\tcross\t0.100000\t0.900000", "cross\tcalm\t0.900000\t0.100000"))
    write_report(Experiment.load(bad_dev))
    score(tmp_path / "exp" / "fair")
    text = make_table("table2", PUBLISHED, tmp_path / "exp")
    assert row(text, "MSCNN-SPU (no attention)")[3] == "85.42 ± 2.95 / 84.38 ± 4.42 †"
    assert "exp/fair" in text and "exp/good" not in text


def test_each_recogniser_has_its_row(tmp_path):
    for engine in ("pocketsphinx", "google"):
        score(tmp_path / "exp" / engine, text=engine)
    text = make_table("table1", PUBLISHED, tmp_path / "exp")
    rows = [line for line in text.splitlines() if line.startswith("| MSCNN-SPU |")]
    assert [line.split("|")[2].strip() for line in rows] == ["gt", "google", "pocketsphinx"]
    assert all("77.4 / 78.2" in line for line in rows[1:])


def test_legacy_results_stand_apart(tmp_path):
    score(tmp_path / "exp" / "a", legacy=["legacy_no_mask"])
    score(tmp_path / "exp" / "b")
    assert "`random10@1f3a` (data, legacy: legacy_no_mask)" in make_table("table1", PUBLISHED, tmp_path / "exp")


def test_unscored_experiments_are_left_out_and_unknown_tables_named(tmp_path):
    make_experiment(tmp_path / "exp" / "a")
    assert row(make_table("table1", PUBLISHED, tmp_path / "exp"), "MSCNN-SPU")[3] == "–"
    with pytest.raises(UserError, match="no table table9; it has: table1, table2"):
        make_table("table9", PUBLISHED, tmp_path)
