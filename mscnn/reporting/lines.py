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
FIELDS = {  # key -> what it says; METRICS has those of metrics (wf1, ua_sd, ua_run_sd and so on)
    "protocol": "name of the protocol and hash of its folds; lines with different hashes are not comparable",
    "text": "transcripts of the dev and test parts: gt (of the corpus), the name of an ASR engine, or none",
    "trained_on": "transcripts of the training part, where these are others",
    "folds": "number of folds that were trained",
    "runs": "number of runs of each fold, each with a seed of its own",
    "model": "name of the configuration, in conf/models",
    "xvector": "x-vector network, given (an xvector.scp of the user), or none",
    "data": "data directory: label map, and the subset of recordings where there is one",
    "set": "part that was scored: test or dev",
    "subset": "utterances of that part: all, or the improvised or scripted ones alone",
    "agg": "fold-mean: mean over folds of the score of each; pooled: score of one confusion matrix of all folds",
    "changed": "options with other values than in conf/models: --set, word embeddings, unit of text",
    "partial": "folds that were trained, of those that the protocol has; not comparable with whole lines",
    "legacy": "what the authors of a paper did and should not have done, such as selecting models on test",
}
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
