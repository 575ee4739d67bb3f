"""Transcripts from a file, with either kind of key."""

import numpy as np
import pytest

from mscnn.asr.table import TranscriptTable
from tests.raises import fails


@pytest.fixture
def data(make_data):
    utts = ("Ses01F-Ses01F_a-1", "Ses01M-Ses01F_b", "Ses01M-Ses01F_c")
    return make_data({utt: (np.zeros(1600), "x") for utt in utts})


def table(tmp_path, text):
    (tmp_path / "table").write_text(text)
    return TranscriptTable(str(tmp_path / "table"))


@pytest.mark.parametrize("prefix", [True, False])
def test_utterance_ids_and_corpus_ids(data, tmp_path, prefix):
    ids = [utt if prefix else utt.split("-", 1)[1] for utt in data.utts]
    engine = table(tmp_path, f"{ids[0]} one\n{ids[1]}\n{ids[2]} three  words\twide\n")
    assert engine.transcribe(data, tmp_path, 1) == dict(zip(data.utts, ["one", "", "three words wide"], strict=True))


def test_surplus_keys_are_allowed(data, tmp_path):
    engine = table(tmp_path, "Ses01F_a-1 one\nSes01F_b two\nSes01F_c three\nSes05F_z more\n")
    assert list(engine.transcribe(data, tmp_path, 1).values()) == ["one", "two", "three"]


def test_missing_and_surplus_are_listed_together(data, tmp_path):
    with fails("transcript-missing", "2 of 3") as error:
        table(tmp_path, "Ses01F_b two\nSes01F_x what\n").transcribe(data, tmp_path, 1)
    assert [(issue.code, issue.message.split()[-1]) for issue in error.value.issues] == [
        ("transcript-missing", "Ses01F-Ses01F_a-1"),
        ("transcript-missing", "Ses01M-Ses01F_c"),
        ("utterance-unknown", "Ses01F_x"),
    ]


def test_malformed_tables_are_reported_with_the_line(data, tmp_path):
    with fails("table-key-twice", "table:2"):
        table(tmp_path, "a x\na y\n").transcribe(data, tmp_path, 1)
