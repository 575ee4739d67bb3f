"""Score lines: one result a line, greppable, with the protocol in it.

%UA 80.11 %WA 80.44 %F1 79.83 [ 251 / 313 ] protocol=loso5@aff4 text=gt folds=5 runs=1 … exp/<tag>
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN

LEADING = ("ua", "wa", "f1")  # metrics that a line begins with; others are fields
REQUIRED = ("protocol", "text", "folds", "runs")
PATTERN = re.compile(
    r"%UA (?P<ua>\d+\.\d\d) %WA (?P<wa>\d+\.\d\d) %F1 (?P<f1>\d+\.\d\d) \[ (?P<correct>\d+) / (?P<total>\d+) \]"
    r"(?P<fields>(?: [a-z0-9_]+=\S*)+) (?P<path>.+)"
)


@dataclass(frozen=True)
class ScoreLine:
    """``values`` are ua, wa and f1 in percent; ``fields`` are the ``key=value`` pairs in their order."""

    values: Mapping[str, float]
    correct: int
    total: int
    path: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        metrics = " ".join(f"%{key.upper()} {value:.2f}" for key, value in self.values.items())
        pairs = " ".join(f"{key}={value}" for key, value in self.fields.items())
        return f"{metrics} [ {self.correct} / {self.total} ] {pairs} {self.path}"

    @property
    def aggregate(self) -> str:
        """Name of its aggregate: fold-mean or pooled."""
        return self.fields.get("agg", FOLD_MEAN)

    @classmethod
    def parse(cls, text: str) -> ScoreLine:
        """Read a line that ``str`` made.

        Raises:
            UserError: it is not a score line, or lacks protocol, text, folds or runs.
        """
        found = PATTERN.fullmatch(text.rstrip("\n"))
        fields = dict(pair.split("=", 1) for pair in found["fields"].split()) if found else {}
        if not found or any(key not in fields for key in REQUIRED):
            raise UserError(
                f"not a score line (%UA … [ correct / total ] protocol=… text=… folds=… runs=… PATH): {text!r}"
            )
        values = {key: float(found[key]) for key in LEADING}
        return cls(values, int(found["correct"]), int(found["total"]), found["path"], fields)


def read_score(path: str | os.PathLike) -> ScoreLine:
    """First line of a score file: all utterances, folds averaged or pooled as the protocol says.

    Raises:
        UserError: the file cannot be read, or does not begin with a score line.
    """
    try:
        return ScoreLine.parse(Path(path).read_text(encoding="utf-8").split("\n")[0])
    except (OSError, UnicodeDecodeError, UserError) as error:
        raise UserError(f"{path}:1: {error}; run stage 6 (score) again") from None
