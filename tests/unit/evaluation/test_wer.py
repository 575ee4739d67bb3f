"""Word error rate by hand, and against a plain edit distance."""

import random

import numpy as np
import pytest

from mscnn.evaluation.groups import wer_bucket
from mscnn.evaluation.wer import Errors, count_errors, normalise, write_wer


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  I CAN'T   stop. ", "i can't stop"),
        ("[LAUGHTER] oh, yeah [breathing]", "oh yeah"),
        ("'cause it's the dogs' door", "cause it's the dogs door"),
        ("rock-n-roll... (no)", "rock n roll no"),
        ("don’t _do_ that 3.5", "don't do that 3 5"),
        ("[GARBAGE]", ""),
        ("''quoted''", "quoted"),
    ],
)
def test_normalisation(raw, expected):
    assert normalise(raw) == expected


def test_counts_by_hand():
    references = {"a": "the cat sat on the mat", "b": "", "c": "yes no", "d": "same same"}
    hypotheses = {"a": "the cat sit the mat now", "b": "oh well", "c": "", "d": "same same"}
    errors = count_errors(references, hypotheses)
    assert errors["a"] == Errors(words=6, insertions=1, deletions=1, substitutions=1)
    assert errors["b"] == Errors(words=0, insertions=2)
    assert errors["c"] == Errors(words=2, deletions=2)
    assert errors["d"] == Errors(words=2)
    total = sum(errors.values(), Errors())
    assert str(total) == "%WER 70.00 [ 7 / 10, 3 ins, 3 del, 1 sub ]"
    assert errors["d"].rate == 0


@pytest.mark.parametrize("insertions", [0, 3])
def test_without_reference_words_the_rate_is_undefined(insertions):
    errors = Errors(insertions=insertions)
    assert errors.rate is None
    assert str(errors) == f"%WER n/a [ {insertions} / 0, {insertions} ins, 0 del, 0 sub ]"
    assert wer_bucket(errors) == ("over 100 %" if insertions else "0 %")


def distance(reference, hypothesis):
    """Levenshtein's, row by row."""
    row = list(range(len(hypothesis) + 1))
    for i, r in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, h in enumerate(hypothesis, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (r != h))
    return row[-1]


def test_the_number_of_edits_is_minimal():
    draw = random.Random(0)
    texts = [" ".join(draw.choices("abcd", k=draw.randrange(9))) for _ in range(400)]
    references, hypotheses = dict(enumerate(texts[:200])), dict(enumerate(texts[200:]))
    for key, errors in count_errors(references, hypotheses).items():
        assert errors.edits == distance(references[key].split(), hypotheses[key].split())
        assert errors.words - errors.deletions + errors.insertions == len(hypotheses[key].split())


def test_files_have_total_and_groups(make_data, tmp_path):
    silence = np.zeros(1600)
    words = {"s1-a": "Yes.", "s1-b": "a b c d", "s2-c": "[LAUGHTER]", "s2-d": "no no"}
    scenes = {"s1-a": "impro01", "s1-b": "script01_1", "s2-c": "script02_2", "s2-d": "impro02"}
    emotions = {"s1-a": "happy", "s1-b": "sad", "s2-c": "happy", "s2-d": "sad"}
    data = make_data({u: (silence, w) for u, w in words.items()}, utt2scene=scenes, utt2emo=emotions)
    transcripts = {"s1-a": "yes", "s1-b": "a x d", "s2-c": "", "s2-d": "no no no"}
    total = write_wer(tmp_path / "out", data, transcripts, "me")
    assert total == Errors(words=7, insertions=1, deletions=1, substitutions=1)
    lines = (tmp_path / "out" / "wer").read_text().splitlines()
    assert lines[0].startswith("# normalisation: Unicode NFC; lower case; ")
    assert lines[1] == "# 4 utterances, 1 hypotheses without words"
    pair = f"text.me vs text, {data.path}"
    assert lines[2:] == [
        f"%WER 42.86 [ 3 / 7, 1 ins, 1 del, 1 sub ] {pair}",
        f"%WER 0.00 [ 0 / 1, 0 ins, 0 del, 0 sub ] {pair} emotion=happy utterances=2",
        f"%WER 50.00 [ 3 / 6, 1 ins, 1 del, 1 sub ] {pair} emotion=sad utterances=2",
        f"%WER 40.00 [ 2 / 5, 0 ins, 1 del, 1 sub ] {pair} speaker=s1 utterances=2",
        f"%WER 50.00 [ 1 / 2, 1 ins, 0 del, 0 sub ] {pair} speaker=s2 utterances=2",
        f"%WER 33.33 [ 1 / 3, 1 ins, 0 del, 0 sub ] {pair} scenes=improvised utterances=2",
        f"%WER 50.00 [ 2 / 4, 0 ins, 1 del, 1 sub ] {pair} scenes=scripted utterances=2",
    ]
    assert (tmp_path / "out" / "wer_detail.tsv").read_text().splitlines() == [
        "utt\tref\thyp\tedits\twords",
        "s1-a\tyes\tyes\t0\t1",
        "s1-b\ta b c d\ta x d\t2\t4",
        "s2-c\t\t\t0\t0",
        "s2-d\tno no\tno no no\t1\t2",
    ]
