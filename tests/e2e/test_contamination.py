"""What a recipe says of scores with an encoder that was trained on the corpus under test, and with another one."""

import csv
import io
import shutil

import pytest
import yaml

from mscnn.paths import conf
from mscnn.recipe.tables import overview_table
from mscnn.reporting.lines import read_score
from mscnn.reporting.marks import CONTAMINATED
from tests import tiny_encoders
from tests.e2e.test_every_system import few

pytestmark = pytest.mark.e2e

CORPORA = {"tuned": ["meld", "mini_iemocap"], "other": ["meld"]}
SCORES = ("UA", "WA", "weighted F1")


@pytest.fixture(scope="module")
def exp(mini, tmp_path_factory):
    """The folder of experiments: a head on each of two encoders, whose weights --pretrained names."""
    folder = tmp_path_factory.mktemp("encoders")
    tiny_encoders.write("hubert", folder / "weights")
    for name, corpora in CORPORA.items():
        feature = yaml.safe_load(conf("features", "hubert_base").read_text())
        feature |= {"model": "nobody/no-such-model", "trained_on": corpora}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(feature))
    rows = [{"model": "emobox_head", "set": {"inputs.audio": f"{folder}/{name}.yaml"}, "tag": name} for name in CORPORA]
    (folder / "encoders.yaml").write_text(yaml.safe_dump({"experiments": rows}))
    options = [*few(mini, folder), "--grid", folder / "encoders.yaml", "--asr-engine", "none", "--nj", "1"]
    options += ["--pretrained", " ".join(f"{name}={folder}/weights" for name in CORPORA)]
    mini.must_run(*options, "--train-args", "--set max_epochs=1 batch_size=4", "--stage", "features")
    yield mini.path / "exp"
    shutil.rmtree(mini.path / "data" / "few4")  # other tests expect one data directory


def test_score_lines_name_it(exp):
    for name, expected in (("tuned", "yes"), ("other", None)):
        for part in ("dev", "test"):
            assert read_score(exp / name / f"score_{part}.txt").fields.get("pretrained_on_test") == expected


def test_tables_mark_every_test_score_of_it(exp, tmp_path):
    overview, _ = overview_table([exp / name for name in CORPORA], tmp_path / "overview")
    for table in (overview, (exp / "encoders.md").read_text()):
        head, *rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if "|" in line]
        rows = {name: row for name in CORPORA for row in rows if f"inputs.audio={name}" in "".join(row)}
        for name, row in rows.items():
            assert [row[head.index(score)].endswith("†") for score in SCORES] == [name == "tuned"] * len(SCORES)
        assert len(rows) == 2 and CONTAMINATED in table and "`tuned`" in table and "`other`" not in table
    marks = {row["path"]: row["marks"] for row in csv.DictReader(io.StringIO((exp / "encoders.csv").read_text()))}
    assert ["`tuned`" in marks[f"exp/{name}"] for name in CORPORA] == [True, False]


@pytest.mark.parametrize("page", ["RESULTS.md", "report.html"])
def test_pages_list_it(exp, page):
    for name in CORPORA:
        text = (exp / name / page).read_text()
        assert (f"† `{name}`" in text, "†" in text) == (name == "tuned",) * 2
