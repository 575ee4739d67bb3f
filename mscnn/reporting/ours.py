"""Our scored experiments, for tables beside published results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.config.model import ModelSpec
from mscnn.config.training import Training
from mscnn.config.written import read_config
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import POOLED
from mscnn.files import read_mapping
from mscnn.log import get_logger
from mscnn.paths import current
from mscnn.reporting.lines import ScoreLine, read_score
from mscnn.reporting.marks import marks
from mscnn.reporting.notes import Note
from mscnn.reporting.published import Row

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
        partial: whether only the first folds were trained.
    """

    label: str
    split: str = ""
    protocol: str | None = None
    legacy: bool = False
    partial: bool = False

    def holds(self, r: Result) -> bool:
        """Whether a result belongs to the group; a baseline does, whatever legacy flags the models have."""
        return r.group == self or r.model in BASELINES and r.group.split == self.split


@dataclass(frozen=True)
class Result:
    """A scored experiment of ours.

    Attributes:
        model: name of the configuration.
        text: gt, an ASR engine, or none.
        options: options of the model and of training, and ``inputs.audio``, its audio feature.
        set: name of the data directory.
        group: the group that it belongs to.
        disjoint: pair of parts -> what the protocol keeps disjoint in them.
        line: score line of the whole test part.
        dev_ua: UA on dev, which chooses between results of the same kind.
        path: folder of the experiment.
        system: its configuration without name and training; None for one of another version.
        marks: what differs from the paper of the system.
        runs: number of runs of each fold.
        interval: 95 % interval of the pooled UA over speakers, in percent; None: there is none.
    """

    model: str
    text: str
    options: Mapping[str, object]
    set: str
    group: Group
    disjoint: Mapping[str, Sequence[str]]
    line: ScoreLine
    dev_ua: float
    path: str
    system: ModelSpec | None
    marks: tuple[Note, ...]
    runs: int
    interval: tuple[float, float] | None

    @property
    def protocol(self) -> str:
        """Name of its protocol."""
        return self.line.fields["protocol"].partition("@")[0]

    @property
    def partial(self) -> bool:
        """Whether the protocol has more folds than were trained."""
        return "partial" in self.line.fields


def fits(row: Row, result: Result) -> bool:
    """Whether a result is of the system of a published row, with its options."""
    return result.model == row.model and all(result.options.get(key) == value for key, value in row.options.items())


def is_twin(row: Row, result: Result) -> bool:
    """Whether a result is of the system of a published row without the x-vectors that the row has."""
    if not (row.xvector and row.model and result.system and result.model != row.model):
        return False
    return plain(ModelSpec.load(row.model).without_xvector()) == result.system


def plain(spec: ModelSpec) -> ModelSpec:
    """A configuration without name and training: equal for systems that are the same."""
    return replace(spec, name="", training=Training())


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
            results.append(_result(config.parent, read_config(config), test, dev))
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
        options={**(facts.get("model_options") or {}), **(facts.get("training") or {}), **_audio(facts)},
        set=name,
        group=Group(f"{split}{legacy})", split, protocol, bool(facts["legacy"]), bool(partial)),
        disjoint=facts["protocol"]["disjoint"],
        line=test,
        dev_ua=dev.values["ua"],
        path=str(path),
        system=_system(facts),
        marks=marks(facts, path),
        runs=facts["runs"],
        interval=_interval(path),
    )


def _audio(facts: Mapping) -> dict[str, str]:
    title = (facts.get("features") or {}).get("audio")
    return {"inputs.audio": str(title).split()[0]} if title else {}


def _system(facts: Mapping) -> ModelSpec | None:
    try:
        return plain(ModelSpec.of_config(facts))
    except (KeyError, UserError):
        return None


def _interval(path: Path) -> tuple[float, float] | None:
    found = read_mapping(path / "statistics.json").get("intervals", {}).get("found", [])
    bounds = [entry["ua"] for entry in found if entry["over"] == "speaker" and "ua" in entry]
    return (bounds[0][0], bounds[0][1]) if bounds else None
