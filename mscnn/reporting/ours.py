"""Our scored experiments, as tables set them beside published results."""

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
    """Results of ours that are comparable: one protocol, class set, number of folds, aggregate, and legacy flags.

    Attributes:
        label: names them all.
        split: names all but the legacy flags.
        protocol: as run.sh takes it, with ``--folds N`` where only the first N folds were done; None: the class set
            cannot be made here.
        legacy: whether models carry legacy flags.
    """

    label: str
    split: str = ""
    protocol: str | None = None
    legacy: bool = False

    def holds(self, r: Result) -> bool:
        """Whether a result belongs here; a baseline does whatever flags models carry."""
        return r.group == self or r.model in BASELINES and r.group.split == self.split


@dataclass(frozen=True)
class Result:
    """A scored experiment of ours: its headline on the whole test part, and dev UA to choose between equals.

    ``set`` is the name of its data directory, ``options`` are those of model and training.
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
    """Every scored experiment directly under ``exp_root``, by path; those not scored yet are named in the log.

    Predictions from transcripts that the models were not trained on are excluded: no paper of those tables did so.

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
