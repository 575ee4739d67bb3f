"""Texts as words of any script."""

import unicodedata

import jiwer
import pytest

from mscnn.evaluation.wer import count_errors
from mscnn.text.normal import normalise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't [LAUGHTER] SHOUT -- 'please'!", "don't shout please"),
        ("rock 'n' roll, the dogs' 42_b", "rock n roll the dogs 42 b"),
        ("It’s [a [b] c", "it's a c"),
        ("मैं बहुत खुश हूँ।", "मैं बहुत खुश हूँ"),  # Hindi: vowel signs, danda
        ("நான் மகிழ்ச்சி", "நான் மகிழ்ச்சி"),  # Tamil
        ("আমি খুশি", "আমি খুশি"),  # Bengali
        ("ฉันมีความสุข", "ฉันมีความสุข"),  # Thai
        ("שָׁלוֹם עולם", "שָׁלוֹם עולם"),  # Hebrew with points
        ("scho\u0308n E\u0301TE\u0301", "schön été"),
        ("İstanbul", "istanbul"),
        ("п’ять пʼять O‘zbek ‘said’", "п'ять п'ять o'zbek said"),
        ("می\u200cروم", "میروم"),
        ("soft\u00adhy\u2060phen \ufeffx", "softhyphen x"),
        ("one\u200btwo", "one two"),
        ("", ""),
        ("?!  '' [X]", ""),
    ],
)
def test_words(text, words):
    assert normalise(text) == normalise(normalise(text)) == unicodedata.normalize("NFC", words)


def test_error_rates_are_those_of_jiwer_on_the_same_text():
    reference, hypothesis = "मैं बहुत खुश हूँ", "मैं बहुत दुखी हूँ"
    errors = count_errors({"u": normalise(reference)}, {"u": normalise(hypothesis)})["u"]
    assert (errors.edits, errors.words) == (1, 4) and errors.rate == 100 * jiwer.wer(reference, hypothesis) == 25


def test_time_is_linear_in_brackets():
    assert normalise("[" * 100_000) == ""
