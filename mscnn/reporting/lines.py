"""Score lines: one line per result, with the protocol and all conditions, in a format for grep.

%UA 81.42 %WA 81.74 %F1 80.96 [ 255 / 313 ] protocol=loso5@aff4 text=gt folds=5 runs=1 … exp/<tag>
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN, Aggregate
from mscnn.evaluation.experiment import AGAIN, Experiment
from mscnn.stamp import SEAL, require_intact

SCORED = "scored.json"  # record of what stage 6 wrote
LEADING = ("ua", "wa", "f1")  # metrics at the beginning of a line; the other metrics are fields
REQUIRED = ("protocol", "text", "folds", "runs")
FIELDS = {  # key -> meaning; fields of metrics (wf1, ua_sd, ua_run_sd and so on) are in METRICS
    "protocol": "name of the protocol and hash of its folds; lines with different hashes are not comparable",
    "text": "transcripts of the dev and test parts: gt (reference transcripts), the name of an ASR engine, or none",
    "trained_on": "transcripts of the training part, if they differ from those of the dev and test parts",
    "folds": "number of folds that were trained",
    "runs": "number of runs of each fold, with different seeds",
    "model": "name of the configuration, in conf/models",
    "xvector": "x-vector network, given (an xvector.scp of the user), or none",
    "embeddings": "word vectors: the pretrained file, or word2vec (trained on the training part); only with text",
    "data": "data directory: label map, and the subset of recordings where there is one",
    "set": "part that was scored: test or dev",
    "subset": "utterances of that part: all, improvised or scripted",
    "agg": "fold-mean: mean over folds of the score of each; pooled: score of one confusion matrix of all folds",
    "changed": "non-default options: --set, unit of text",
    "short_excluded": "number of utterances shorter than a segment, which segments.short=drop excludes from the data",
    "partial": "number of trained folds / number of folds of the protocol; not comparable with lines of all folds",
    "speakers": "unknown: the corpus names no speakers, so that those of test are in training too",
    "pretrained_on_test": "yes: a pretrained network that makes the features was trained on recordings of this corpus",
    "legacy": "flawed procedures of a paper that are reproduced, such as selecting models on test",
}
PATTERN = re.compile(
    " ".join(rf"%{name.upper()} (?P<{name}>\d{{1,3}}\.\d\d)" for name in LEADING)
    + r" \[ (?P<correct>\d{1,15}) / (?P<total>\d{1,15}) \](?P<fields>(?: [a-z0-9_]+=\S*)+) (?P<path>.+)"
)


@dataclass(frozen=True)
class ScoreLine:
    """A score line.

    Attributes:
        values: metrics of LEADING, in percent.
        correct: number of correct predictions, mean over runs.
        total: number of utterances.
        path: folder of the experiment.
        fields: the ``key=value`` pairs in their order.
    """

    values: Mapping[str, float]
    correct: int
    total: int
    path: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        metrics = " ".join(f"%{key.upper()} {value:.2f}" for key, value in self.values.items())
        pairs = " ".join(f"{key}={value}" for key, value in self.fields.items())
        return f"{metrics} [ {self.correct} / {self.total} ] {pairs} {self.path}"

    def score(self, metric: str) -> float | None:
        """A metric in percent, with two decimals; None where the line lacks it."""
        return self.values[metric] if metric in self.values else self._number(metric)

    def sd(self, metric: str) -> float | None:
        """Sample standard deviation of a metric over folds; None where the line has none."""
        return self._number(f"{metric}_sd")

    def run_sd(self, metric: str) -> float | None:
        """Sample standard deviation of a metric over runs; None where the line has none."""
        return self._number(f"{metric}_run_sd")

    def _number(self, key: str) -> float | None:
        return float(self.fields[key]) if key in self.fields else None

    @property
    def aggregate(self) -> str:
        """Name of the aggregate: fold-mean or pooled."""
        return self.fields.get("agg", FOLD_MEAN)

    @classmethod
    def of(cls, exp: Experiment, part: str, subset: str, scores: Aggregate) -> ScoreLine:
        """The line of a ``part`` (dev or test) and ``subset`` of an experiment: all metrics and their conditions."""
        config, legacy = exp.config, [*exp.config["legacy"], *exp.config["protocol"].get("legacy", [])]
        values = scores.values
        fields: dict[str, object] = {
            "protocol": exp.protocol,
            "text": config["text"],
            **({} if exp.trained_on == config["text"] else {"trained_on": exp.trained_on}),
            "folds": config["folds"],
            "runs": config["runs"],
            "model": config["model"],
            "xvector": "none" if config["xvector"] == "none" else config.get("xvector_model", "given"),
            **({"embeddings": vectors} if (vectors := config.get("embeddings", "none")) != "none" else {}),
            "data": os.path.basename(config["data"]),
            "set": part,
            "subset": subset,
            "agg": scores.name,
            **{key: f"{value.mean:.2f}" for key, value in values.items() if key not in LEADING},
            **{f"{key}_sd": f"{value.sd:.2f}" for key, value in values.items() if value.sd is not None},
            **{f"{key}_run_sd": f"{value.run_sd:.2f}" for key, value in values.items() if value.run_sd is not None},
        }
        marks = {
            "changed": ",".join(setting.replace(" ", "") for setting in config.get("changed") or ()),
            "short_excluded": config.get("short_excluded"),
            "partial": config.get("partial"),
            "speakers": config.get("speakers"),
            "pretrained_on_test": "yes" if config.get("pretrained_on_test") else "",
            "legacy": ",".join(legacy),
        }
        texts = {key: str(value) for key, value in (fields | {k: v for k, v in marks.items() if v}).items()}
        return cls({key: values[key].mean for key in LEADING}, scores.correct, scores.total, str(exp.path), texts)

    @classmethod
    def parse(cls, text: str) -> ScoreLine:
        """The score line in a text.

        Raises:
            UserError: the text is not a score line, or lacks protocol, text, folds or runs.
        """
        match = PATTERN.fullmatch(text.rstrip("\n"))
        fields = dict(pair.split("=", 1) for pair in match["fields"].split()) if match else {}
        if match is None or any(key not in fields for key in REQUIRED):
            raise UserError(
                f"not a score line (%UA … [ correct / total ] protocol=… text=… folds=… runs=… PATH): {text!r}",
                code="score-line",
            )
        values = {key: float(match[key]) for key in LEADING}
        return cls(values, int(match["correct"]), int(match["total"]), match["path"], fields)


def require_scores(exp: Path) -> None:
    """Raise UserError where the configuration of an experiment or a file of its scores is damaged."""
    require_intact(exp / SEAL, AGAIN, "experiment-damaged")
    require_intact(exp / SCORED, f"run stage 6 (score) again: python -m mscnn.bin.score --exp {exp}", "scores-outdated")


def read_score(path: str | os.PathLike) -> ScoreLine:
    """First line of a score file: all utterances, fold mean or pooled, as the protocol reports.

    Raises:
        UserError: the file cannot be read, does not begin with a score line, or a file of the experiment or of its
            scores is damaged.
    """
    require_scores(Path(path).parent)
    try:
        return ScoreLine.parse(Path(path).read_text(encoding="utf-8").split("\n")[0])
    except (OSError, UnicodeDecodeError, UserError) as error:
        raise UserError(f"{path}:1: {error}; run stage 6 (score) again", code="score-line") from None
