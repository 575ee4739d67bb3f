"""Text normalisation for word error rates and for comparisons of texts."""

import re
from unicodedata import category, normalize

NORMALISATION = (
    "Unicode NFC; lower case; i for the Turkish İ; tags in brackets such as [LAUGHTER] removed; invisible "
    "characters such as U+200C removed; punctuation and symbols replaced by a space, except apostrophes inside words; "
    "combining marks and vowel signs belong to words; repeated spaces merged; numbers as written"
)
APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ＇", "'"))
DOTTED = "i\u0307"  # what Python makes of İ
ZERO_WIDTH_SPACE = "\u200b"  # between words, in scripts that are written without spaces


def normalise(text: str) -> str:
    """Normalised text, see ``NORMALISATION``; the same for every language."""
    text = normalize("NFC", normalize("NFC", text).lower()).translate(APOSTROPHES).replace(DOTTED, "i")
    text = re.sub(r"\[[^\[\]]*\]", " ", text)
    text = re.sub(r"[^\w\s']|_", _replacement, text)
    return " ".join(filter(None, [word.strip("'") for word in re.sub("''+", " ", text).split()]))


def _replacement(character: re.Match[str]) -> str:
    """What replaces a character that is no letter, digit, blank or apostrophe."""
    kind = category(character[0])
    if kind.startswith("M"):
        return character[0]
    return "" if kind == "Cf" and character[0] != ZERO_WIDTH_SPACE else " "
