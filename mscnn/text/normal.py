"""Text normalisation for word error rates and for comparisons of texts."""

import re

NORMALISATION = (
    "lower case; tags in brackets such as [LAUGHTER] removed; punctuation replaced by a space, except apostrophes "
    "inside words; repeated spaces merged; numbers as written"
)


def normalise(text: str) -> str:
    """Normalised text, see ``NORMALISATION``."""
    text = re.sub(r"\[[^\]]*\]", " ", text.lower().replace("’", "'"))
    text = re.sub(r"[^\w']|_", " ", text)
    return " ".join(re.sub(r"(?<!\w)'+|'+(?!\w)", " ", text).split())
