"""Ids of words: from the training texts only, the same in every process."""

import pytest

from mscnn.text.vocabulary import Vocabulary
from tests.raises import fails

TEXTS = ["b a b", "c, A", "", "café b"]


def test_order_and_ids():
    vocabulary = Vocabulary.build(TEXTS)
    assert vocabulary.words == ["<pad>", "<unk>", "b", "a", ",", "c", "café"]
    assert vocabulary.encode("A b, zebra") == [3, 2, 4, 1]
    assert vocabulary.encode("b b b b", max_tokens=3) == [2, 2, 2]
    assert vocabulary.encode("") == vocabulary.encode(" ") == [1]
    assert vocabulary.encode("<pad>") == [1, 1, 1]
    assert (len(vocabulary), vocabulary.split("B, b")) == (7, ["b", ",", "b"])


def test_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.build([*TEXTS, "next\x0bline \u2028 x\u00a0y"])
    assert vocabulary.save(tmp_path) == tmp_path / "vocabulary.txt"
    assert Vocabulary.load(tmp_path).words == vocabulary.words
    assert (tmp_path / "vocabulary.txt").read_bytes().startswith(b"<pad>\n<unk>\nb\n")


@pytest.mark.parametrize("content", [None, b"a\nb\n", b"<pad>\n<unk>\na\na\n", b"<pad>\n<unk>\ncut", b"\xff\n"])
def test_damaged_files_are_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "vocabulary.txt").write_bytes(content)
    with fails("vocabulary-unreadable", tmp_path / "vocabulary.txt"):
        Vocabulary.load(tmp_path)
