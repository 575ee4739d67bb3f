"""Words as they are counted and compared."""

import re

NORMALISATION = (
    "lower case; tags in brackets such as [LAUGHTER] removed; punctuation becomes a blank, but for apostrophes inside "
    "words; runs of blanks are one; numbers stay as they are written"
)


def normalise(text: str) -> str:
    """Text as words are counted, see ``NORMALISATION``."""
    text = re.sub(r"\[[^\]]*\]", " ", text.lower().replace("’", "'"))
    text = re.sub(r"[^\w']|_", " ", text)
    return " ".join(re.sub(r"(?<!\w)'+|'+(?!\w)", " ", text).split())
