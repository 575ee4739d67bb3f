"""Trivial systems that every table must show beside its own: what a bag of words, or the mean of a spectrum, can do.

They are scikit-learn's and have no network; ``mscnn/training/yardstick.py`` trains them.
"""

import re
from dataclasses import dataclass

from mscnn.errors import UserError

KINDS = ("majority", "words", "audio")


@dataclass(frozen=True)
class Options:
    """Which yardstick; ``c`` is the inverse of logistic regression's penalty, ``ngrams`` the longest run of words.

    ``pattern`` is the regular expression of what counts as a word; by default words of one letter count, contractions
    stay whole, and punctuation tells nothing. In training, an utterance of a class of n counts (N / n)^``class_weight``
    times, N those of the largest class: at 0 all utterances count the same, at 1 all classes.
    """

    kind: str = "majority"
    c: float = 3.0
    ngrams: int = 2
    pattern: str = r"[\w']+"
    class_weight: float = 0.0

    def check(self) -> None:
        """Raise UserError where options make no sense."""
        if self.kind not in KINDS:
            raise UserError(f"kind {self.kind}: expected one of {', '.join(KINDS)}")
        if self.class_weight < 0:
            raise UserError(f"class_weight {self.class_weight}: must not be below 0")
        if self.c <= 0 or self.ngrams < 1:
            raise UserError(f"c {self.c}, ngrams {self.ngrams}: must be above 0")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise UserError(f"pattern {self.pattern}: no regular expression: {error}") from None
