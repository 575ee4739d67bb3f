"""The label map that is written for a table."""

import pytest

from mscnn.config.labels import LabelMap
from mscnn.corpora.tables.labels import MOST, classes_of, similar
from mscnn.corpora.tables.source import Source, read_source
from tests.raises import fails
from tests.unit.corpora.tables.conftest import TEN, rows, table


def test_spellings_of_a_label_are_one_class():
    counts = {"Happy": 1, "happy": 5, "pleasant surprise": 2, "0": 3, "null": 1, "fear/anger": 1}
    assert classes_of(counts) == {
        "fear/anger": "fear_anger",
        **{"Happy": "happy", "happy": "happy"},
        **{"pleasant surprise": "pleasant_surprise", "0": "0", "null": "null"},
    }


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["anger", "angry"], 1),
        (["ang", "anger", "angry"], 3),
        (["happy", "hapy", "sad"], 1),
        (["angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"], 0),
        (["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"], 0),
        (["0", "1", "2"], 0),
    ],
)
def test_names_that_look_alike(names, pairs):
    assert len(similar(names)) == pairs


def test_the_map_has_counts_and_is_kept_once_edited(read_own):
    own = read_own(table(rows()))
    text = own.labels.read_text()
    assert "#   angry: 5\n" in text and LabelMap.load(str(own.labels)).classes == ("angry", "sad")
    assert read_own(table(rows())).labels.read_text() == text
    read_own(table([{**row, "label": str(row["label"]).upper()} for row in rows()]))
    assert LabelMap.load(str(own.labels)).classes == ("ANGRY", "SAD")
    edited = text.replace("name: my", "name: my  # mine")
    own.labels.write_text(edited)
    own = read_own(table(rows()))
    assert own.labels.read_text() == edited and any(str(own.labels) in line for line in own.lines)


def test_a_typing_error_that_no_protocol_fits_is_pointed_out(audio, tmp_path):
    entries = [{**row, "label": "angri" if n == 2 else row["label"]} for n, row in enumerate(rows())]
    (tmp_path / "my.csv").write_text(table(entries))
    lines: list[str] = []
    with fails("protocol-none-fits", "my.csv", "angri 1"):
        read_source(Source(table=tmp_path / "my.csv", audio_root=str(audio)), tmp_path / "my", lines)
    assert any(line.startswith("label ") for line in lines)
    assert any("angri" in line and "angry" in line and "my.yaml" in line for line in lines)


def test_a_map_of_the_user(stage1, tmp_path):
    given = tmp_path / "mine.yaml"
    given.write_text("name: mine\ncorpus: other\nclasses: [sad, cross]\nmap: {angry: cross, sad: sad}\ndrop: null\n")
    data = stage1(table(rows()), labels=str(given))
    assert data.classes == ["cross", "sad"]
    assert LabelMap.load(str(tmp_path / "own" / "my" / "my.yaml")).classes == ("sad", "cross")


def test_what_are_no_classes(read_own):
    with fails("labels-too-few", "angry"):
        read_own(table([{**row, "label": "angry"} for row in rows()]))
    entries = [{**row, "label": n + 0.5} for n, row in enumerate(rows() * (MOST // 10 + 1))]
    entries = [{**row, "start": n / 1000, "end": n / 1000 + 0.1} for n, row in enumerate(entries)]
    with fails("labels-too-many", len(entries)):
        read_own(table(entries))
    assert len(TEN) == 10
