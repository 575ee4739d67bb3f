"""Columns: what is understood under which name, and what is said of the others."""

import pytest

from tests.raises import fails
from tests.unit.corpora.tables.conftest import TEN, rows, table

MORE = {
    "transcript": "Kids are talking",
    "Session ID": "one",
    "dialogue": "d1",
    "Sex": "female",
    "lang": "en",
}


def test_aliases(stage1, read_own):
    entries = [{**row, **MORE} for row in rows(path="File Name", label="Emo", speaker="Actor-ID")]
    data = stage1(table(entries))
    found = [facts[data.utts[0]] for facts in (data.session, data.scene, data.gender, data.text)]
    assert found == ["one", "d1", "f", MORE["transcript"]]
    lines = "\n".join(read_own(table(entries)).lines)
    for words in ("label ← Emo (2 values: angry 5, sad 5)", "speaker ← Actor-ID (5 values", "language ← lang"):
        assert words in lines


def test_columns_that_are_not_used_are_named(read_own):
    entries = [{**row, "gendre": "f", "colour": "red", "class": "x"} for row in rows(label="emotion")]
    lines = read_own(table(entries)).lines
    (gender,) = (line for line in lines if line.startswith("gendre:"))
    (other,) = (line for line in lines if line.startswith("class:"))
    assert "gender" in gender and "label=class" in other and any(line.startswith("colour:") for line in lines)


def test_columns_that_the_user_names(stage1):
    entries = [{"x": one.path, "y": one.label, "z": one.speaker, "label": "wrong"} for one in TEN]
    assert stage1(table(entries), columns="path=x, label=y,speaker=z").classes == ["angry", "sad"]


@pytest.mark.parametrize(
    ("option", "code", "names"),
    [
        ("label=emoton", "table-column", ["emotion"]),
        ("lable=emotion", "columns-option", ["label"]),
        ("emotion", "columns-option", ["emotion"]),
        ("label=", "columns-option", ["label="]),
    ],
)
def test_wrong_options(read_own, option, code, names):
    with fails(code, *names):
        read_own(table(rows(label="emotion")), columns=option)


@pytest.mark.parametrize(
    ("content", "code", "names"),
    [
        (table(rows(label="emotoin")), "table-column", ["label", "'emotoin'"]),
        ("angry/s1_angry_1.wav,angry\n", "table-column", ["path", "label"]),
        ("path,label,path\nx,y,z\n", "table-header", ["path"]),
        ("path,label\n", "table-empty", []),
        ("", "table-empty", []),
        ("[]", "json-records", []),
        ("[1, 2]", "json-records", ["record 1"]),
        ('{"a": {"path": "x"}, "b": 3}', "json-records", ["b"]),
        ('{"path": "x", "label": "y"}\n{"path": \n', "json-invalid", [":2"]),
        ('{"path": ["a"], "label": ["x", "y"]}', "json-records", []),
        ("[" * 100000, "json-", []),
        ("PK\x03\x04 and so on", "table-not-text", []),
        (b"path,label\n\x01\x02,\n", "table-not-text", [":2"]),
        (b"PAR1 but no parquet", "table-unreadable", []),
        ('path,label\n"a.wav,happy\n', "table-quotes", [":2"]),
    ],
)
def test_what_is_no_table(read_own, content, code, names):
    with fails(code, "my.csv", *names) if not code.endswith("-") else pytest.raises(Exception) as caught:
        read_own(content)
    assert str(getattr(caught.value, "code", "")).startswith(code)


def test_what_is_not_there(read_own, tmp_path):
    with fails("table-missing", "absent.csv"):
        read_own(tmp_path / "absent.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README").write_text("x")
    with fails("folder-without-audio", "README"):
        read_own(tmp_path / "empty", audio_root="")
    with fails("folder-missing", "nowhere"):
        read_own(table(rows()), audio_root="nowhere")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_encodings(stage1, encoding):
    entries = [{**row, "label": {"angry": "Ärger", "sad": "traurig"}[str(row["label"])]} for row in rows()]
    assert stage1(table(entries).encode(encoding)).classes == ["traurig", "Ärger"]


def test_patterns(stage1, read_own):
    plain = table([{"path": one.path, "label": one.label} for one in TEN])
    assert {*stage1(plain, speaker_from=r"(s\d)_").spk.values()} == {"s1", "s2", "s3", "s4", "s5"}
    assert {*stage1(plain, speaker_from=r"s\d").spk.values()} == {"s1", "s2", "s3", "s4", "s5"}
    by_name = stage1(plain, name_pattern=r"(?P<speaker>s\d)_(?P<label>ang|sa)")
    assert by_name.classes == ["ang", "sa"]
    for option in ("(", "(?P<lable>x)", "s1"):
        with fails("name-pattern", option):
            read_own(plain, name_pattern=option)
    with fails("table-wrong", "name-unmatched", 8):
        read_own(plain, speaker_from="s1")
