"""Tokens as from nltk.word_tokenize (expected values: the Penn Treebank conventions, by hand)."""

import pytest

from mscnn.text.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I can't.  Yeah...  It's   okay?", "i ca n't . yeah ... it 's okay ?"),
        ("Don’t you DARE!", "do n't you dare !"),
        ("[LAUGHTER] Oh, gonna go", "[ laughter ] oh , gon na go"),
        ("Mr. Smith said no. Then he left.", "mr. smith said no . then he left ."),
        ('He said "no" -- twice', "he said `` no '' -- twice"),
        ("", ""),
        ("  \t\n ", ""),
    ],
)
def test_tokens(text, tokens):
    assert tokenize(text) == tokens.split()
