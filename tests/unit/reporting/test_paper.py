"""A published table in the shape of the paper, with footnotes from the configurations of our experiments."""

import pytest

from mscnn.config.model import ModelSpec
from mscnn.evaluation.experiment import Experiment
from mscnn.paths import CONF
from mscnn.reporting.ours import read_results
from mscnn.reporting.paper import paper_table
from mscnn.reporting.published import read_published
from mscnn.reporting.results import write_report
from mscnn.reporting.tables import make_table
from tests.unit.evaluation.conftest import COUNTS, make_experiment
from tests.unit.reporting.reading import read_items, read_rows

FAIR = "70.83 / 68.75"  # WA / UA of COUNTS


@pytest.fixture(scope="module")
def published():
    return read_published(CONF / "published.yaml")


def protocol(name):
    pairs = {"train-test": [], "train-dev": [], "dev-test": []}
    return {"name": name, "version": 1, "hash": "77aa", "disjoint": pairs, "selection": "dev"}


def score(root, model, name, data="iemocap4", **changes):
    """A scored experiment of a model of conf/models, three runs."""
    spec, tag = ModelSpec.load(model), f"{model}_{name}_{data}_{changes.get('text', '')}"
    known = {**spec.describe(), "text": "gt" if spec.text else "none"}
    counts = [[fold[0]] * 3 for fold in changes.pop("counts", COUNTS)]
    path = make_experiment(root / tag, counts, data=f"data/{data}", protocol=protocol(name), **{**known, **changes})
    write_report(Experiment.load(path))


def cells(published, root, system, text=None):
    """Our cells of a row of Table 1, and the notes of the table."""
    paper = paper_table(published.tables["peng2021_table1"], published, read_results(root))
    rows = [row for block in paper.blocks for row in read_rows(block.table.markdown())]
    found = next(row for row in rows if row[0] == system and text in (None, row[2]))
    return found[4:], {note.code: note.text for note in paper.notes}


def test_table_1_has_the_blocks_and_rows_of_the_paper(published):
    paper = paper_table(published.tables["peng2021_table1"], published, [])
    rows = [
        [row for row in read_rows(block.table.markdown())[1:] if "baseline" not in row[0]] for block in paper.blocks
    ]
    assert [len(block) for block in rows] == [5, 7, 6]
    assert rows[0][1] == ["CNN+LSTM", "A", "none", "68.8 / 59.4 [C]", "–", "–", "–"]
    assert rows[2][-1][:4] == ["MSCNN-SPU-ATT", "A+T", "asr", "78.0 / 79.1 [P]"]
    assert paper.notes == []


def test_a_row_has_the_protocol_of_the_paper_its_own_and_one_of_unseen_speakers(published, tmp_path):
    for name in ("random10", "loso5"):
        score(tmp_path, "satt2017", name)
    score(tmp_path, "satt2017", "loso5", "iemocap4_improvised")
    (random10, own, loso5), notes = cells(published, tmp_path, "CNN+LSTM")
    assert own == f"`loso5`: {FAIR}" and random10.startswith(f"{FAIR} (") and loso5.startswith(f"{FAIR} (")
    assert notes.keys() == {"recordings", "protocol"} and "improvised" in notes["recordings"]
    score(tmp_path, "mha2", "random10")
    assert cells(published, tmp_path, "MHA", "gt")[0][1] == "as `random10`"


def test_complete_results_are_preferred_to_partial_ones(published, tmp_path):
    score(tmp_path / "part", "audio_cnn", "random10", counts=COUNTS, partial="2/10")
    found, notes = cells(published, tmp_path / "part", "Audio-CNN")
    assert found == [f"{FAIR} (a)", "as `random10`", "–"] and "2 of 10" in notes["partial"]
    score(tmp_path / "part", "audio_cnn", "random10", text="none", data="iemocap4")
    assert cells(published, tmp_path / "part", "Audio-CNN")[0][0] == FAIR


def test_transcripts_stand_beside_those_of_the_paper(published, tmp_path):
    score(tmp_path, "text_cnn", "random10", text="pocketsphinx")
    (random10, *_), notes = cells(published, tmp_path, "Text-CNN", "pocketsphinx")
    assert random10 == f"{FAIR} (a)" and "pocketsphinx" in notes["asr"] and "5.80 %" in notes["asr"]


def test_without_x_vectors_a_row_has_the_same_system_without_them(published, tmp_path):
    score(tmp_path, "audio_cnn", "random10")
    assert cells(published, tmp_path, "Audio-CNN")[0][0] == FAIR
    (twin, *_), notes = cells(published, tmp_path, "Audio-CNN + x-vector")
    assert twin == f"{FAIR} † (a, b)" and notes.keys() == {"dagger", "no-xvectors", "twin"}
    score(tmp_path, "audio_cnn_xvector", "random10", xvector="x.scp", xvector_model="voxceleb")
    assert cells(published, tmp_path, "Audio-CNN + x-vector")[0][0] == FAIR


def test_runs_and_short_utterances_are_marked(published, tmp_path):
    score(tmp_path, "glam", "glam80_20", "iemocap4_exc_improvised")
    text = make_table("glam", published, tmp_path)
    assert any("shorter than a segment are padded" in item for item in read_items(text))
    make = {"segments": {**ModelSpec.load("glam").describe()["segments"]}}
    assert make["segments"]["frames"] == 57


def test_commands_can_be_pasted(published, tmp_path):
    (tmp_path / "log").mkdir()
    values = {"corpus": "/data/my corpus", "xvector_model": "espeak", "embeddings": "none", "grid": "x"}
    lines = "".join(f'{key}="{value}"\n' for key, value in values.items())
    (tmp_path / "log" / "options.conf").write_text(lines)
    text = make_table("peng2021_table2", published, tmp_path)
    run = "./run.sh --corpus '/data/my corpus' --xvector-model espeak"
    assert f"`{run} --grid peng2021_table2`" in text
    commands = [item for item in read_items(text) if item.startswith("`./")]
    assert commands and all(command.startswith(f"`{run} --labels iemocap4 --model ") for command in commands)
