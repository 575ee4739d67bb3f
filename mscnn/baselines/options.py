"""Options of the baselines: the family ``baseline`` of conf/models."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from mscnn.config.schema import NotNegative, Positive
from mscnn.errors import UserError

KINDS = ("majority", "text", "text_encoder", "audio")


@dataclass(frozen=True)
class Options:
    """Kind of the baseline, and options of its logistic regression.

    Attributes:
        kind: majority (the class distribution of the training part), text (TF-IDF), text_encoder (vectors of the text
            by a pretrained encoder) or audio (mean and standard deviation of a feature over the utterance).
        c: inverse strength of the L2 penalty.
        ngrams: longest n-gram of words.
        pattern: regular expression of a word; in conf/models single letters count, contractions stay whole, and
            punctuation does not count.
        class_weight: in training, an utterance of a class with n utterances has the weight (N / n)^class_weight, N
            being the size of the largest class: at 0 all utterances weigh the same, at 1 all classes.

    Raises:
        UserError: a value is invalid (``option-value``).
    """

    kind: str
    c: Positive
    ngrams: Annotated[int, Field(ge=1, le=10)]
    pattern: str
    class_weight: NotNegative

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the baseline takes."""
        return () if self.kind == "majority" else (self.kind,)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"kind {self.kind}: expected one of {', '.join(KINDS)}", code="option-value")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise UserError(f"pattern {self.pattern}: not a regular expression: {error}", code="option-value") from None
