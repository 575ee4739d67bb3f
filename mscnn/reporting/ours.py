"""Our scored experiments, for tables beside published results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import POOLED
from mscnn.files import read_yaml
from mscnn.log import get_logger
from mscnn.paths import current
from mscnn.reporting.lines import ScoreLine, read_score

BASELINES = {
    "majority": "baseline: most frequent class",
    "tfidf_lr": "baseline: bag of words",
    "logmel_lr": "baseline: log-mel statistics",
}
log = get_logger(__name__)


@dataclass(frozen=True)
class Group:
    """A group of comparable results of ours: one protocol, class set, number of folds, aggregate, and legacy flags.

    Attributes:
        label: name of the group, with all of these.
        split: name without the legacy flags.
        protocol: value of --protocol of run.sh, with ``--folds N`` where only the first N folds were trained; None: no
            label map has the class set.
        legacy: whether models have legacy flags.
    """

    label: str
    split: str = ""
    protocol: str | None = None
    legacy: bool = False

    def holds(self, r: Result) -> bool:
        """Whether a result belongs to the group; a baseline does, whatever legacy flags the models have."""
        return r.group == self or r.model in BASELINES and r.group.split == self.split


@dataclass(frozen=True)
class Result:
    """A scored experiment of ours.

    Attributes:
        model: name of the configuration.
        text: gt, an ASR engine, or none.
        xvector: whether it takes x-vectors.
        options: options of the model and of training.
        set: name of the data directory.
        group: the group that it belongs to.
        disjoint: pair of parts -> what the protocol keeps disjoint in them.
        line: score line of the whole test part.
        dev_ua: UA on dev, which chooses between results of the same kind.
        path: folder of the experiment.
    """

    model: str
    text: str
    xvector: bool
    options: Mapping[str, object]
    set: str
    group: Group
    disjoint: Mapping[str, Sequence[str]]
    line: ScoreLine
    dev_ua: float
    path: str


def read_results(exp_root: str | os.PathLike) -> list[Result]:
    """Every scored experiment directly under ``exp_root``, sorted by path; unscored experiments are logged.

    Experiments that test on other transcripts than those of training are excluded: the published results do not.

    Raises:
        UserError: the configuration or a score file of an experiment is malformed.
    """
    results = []
    for config in sorted(Path(exp_root).glob("*/config.yaml")):
        files = {part: config.parent / f"score_{part}.txt" for part in ("test", "dev")}
        if not all(file.is_file() for file in files.values()):
            log.info("%s: not scored yet, not in the table", config.parent)
            continue
        test, dev = (read_score(file) for file in files.values())
        if "trained_on" in test.fields:
            continue
        try:
            results.append(_result(config.parent, read_yaml(config), test, dev))
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{config}: not the configuration of an experiment: {error!r}; train again", code="experiment-config"
            ) from None
    return results


def _result(path: Path, facts: Mapping, test: ScoreLine, dev: ScoreLine) -> Result:
    name, fields = Path(facts["data"]).name, test.fields
    partial = f", partial: {fields['partial']}" if "partial" in fields else ""
    legacy = f", legacy: {fields['legacy']}" if "legacy" in fields else ""
    protocol = facts["protocol"]["name"] + (f" --folds {facts['folds']}" if partial else "")
    split = f"`{fields['protocol']}` ({name}{', pooled' if test.aggregate == POOLED else ''}{partial}"
    return Result(
        model=current("models", facts["model"]),
        text=facts["text"],
        xvector=facts["xvector"] != "none",
        options={**(facts.get("model_options") or {}), **(facts.get("training") or {})},
        set=name,
        group=Group(f"{split}{legacy})", split, protocol, bool(facts["legacy"])),
        disjoint=facts["protocol"]["disjoint"],
        line=test,
        dev_ua=dev.values["ua"],
        path=str(path),
    )
