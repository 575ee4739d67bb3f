"""Sentencepiece with the interface of a vocabulary, also on very little text."""

import pytest

from mscnn.text.subwords import Subwords
from tests.raises import fails

TEXTS = ["We are going home", "they are coming home soon", "going, going, gone!", "", "I am home"] * 5


def test_pieces_and_numbers(capfd):
    subwords = Subwords.train(TEXTS, size=24)
    assert subwords.words[:2] == ["<pad>", "<unk>"]
    assert len(subwords) == len(subwords.words) == 24
    numbers = subwords.encode("Going HOME")
    assert [subwords.words[n] for n in numbers] == subwords.split("going home")
    assert "".join(subwords.split("going home")).replace("▁", " ").strip() == "going home"
    assert subwords.encode("") == subwords.encode("  ") == [1]
    assert 1 in subwords.encode("日")
    assert len(subwords.encode("home " * 50, max_tokens=7)) == 7
    assert capfd.readouterr().err == "", "the library's log stays silent"


def test_saved_and_loaded_and_the_same_each_time(tmp_path):
    subwords = Subwords.train(TEXTS, size=24)
    path = subwords.save(tmp_path)
    assert path.read_bytes() == Subwords.train(TEXTS, size=24).save(tmp_path / "again").read_bytes()
    assert Subwords.load(tmp_path).words == subwords.words
    assert Subwords.load(tmp_path).encode("we gone") == subwords.encode("we gone")


@pytest.mark.parametrize("texts", [["a"], ["hi there", ""], ["日本語 ½ ﬃ …"], ["word"] * 3])
@pytest.mark.parametrize("size", [1, 8000])
def test_size_follows_the_data(texts, size):
    subwords = Subwords.train(texts, size=size)
    assert 1 not in subwords.encode(texts[0])


def test_unusable_texts_and_files_are_refused(tmp_path):
    with fails("no-text"):
        Subwords.train(["", "  "])
    with fails("subwords-unreadable", tmp_path / "subwords.model"):
        Subwords.load(tmp_path)
    (tmp_path / "subwords.model").write_bytes(b"nonsense")
    with fails("subwords-unreadable", tmp_path / "subwords.model"):
        Subwords.load(tmp_path)
