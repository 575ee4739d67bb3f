"""What a plan costs, before anything starts: time, memory and disk, from the measurements in conf/costs.yaml."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mscnn.config import schema
from mscnn.config.model import ModelSpec
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.data.protocols import Protocol
from mscnn.errors import UserError
from mscnn.files import read_table
from mscnn.jobs import Need
from mscnn.paths import CONF, stem
from mscnn.recipe.memory import stored
from mscnn.recipe.plan import DataSet, Plan, Row
from mscnn.reporting.formats import DASH, counted
from mscnn.reporting.table import Column, Table

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig

TRAINING = 0.8  # share of the speech of a data set in the training part of a fold

Cost = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class SystemCost:
    """Seconds of an epoch per hour of speech, and of a step; gigabytes of memory, and of the weights on disk."""

    epoch: Cost
    step: Cost
    gigabytes: Cost
    weights: Cost = 0.0


@dataclass(frozen=True)
class Rate:
    """Costs of a feature, of x-vectors or of an ASR engine per hour of speech: seconds, and gigabytes on disk."""

    seconds: Cost
    gigabytes: Cost = 0.0


@dataclass(frozen=True)
class Costs:
    """The content of conf/costs.yaml; ``measured`` says where."""

    measured: str
    systems: Mapping[str, SystemCost] = field(default_factory=dict)
    features: Mapping[str, Rate] = field(default_factory=dict)
    engines: Mapping[str, Rate] = field(default_factory=dict)
    xvectors: Rate = Rate(0)

    @classmethod
    def load(cls) -> Costs:
        """The measurements in conf/costs.yaml."""
        return schema.load(CONF / "costs.yaml", cls)


def estimate(plan: Plan, nj: int) -> str:
    """The costs of a plan as text: experiments and data sets as tables, then the totals and what they exclude."""
    costs, corpus = Costs.load(), CorpusFacts.find(Path())
    hours = {data.path: _hours(data, corpus) for data in plan.data_sets}
    training = {row.tag: _training(row, hours[row.data], costs) for row in plan.rows}
    stages = {data.path: list(_stages(data, hours[data.path], costs)) for data in plan.data_sets}
    lines = [
        _experiments(plan, training).markdown(),
        "",
        _data_sets(plan, hours, stages).markdown(),
        "",
        *_totals(plan, training, hours, [rate for rates in stages.values() for rate in rates], costs, nj),
        *plan.left_out,
        "Corpus, downloads and packages were not examined: --stop-stage preflight does, and starts nothing",
    ]
    return "\n".join(lines)


def gigabytes(plan: Plan) -> float:
    """What stages 2 to 5 write for a plan, in gigabytes, as far as it is known."""
    costs, corpus = Costs.load(), CorpusFacts.find(Path())
    rates = (rate for data in plan.data_sets for rate in _stages(data, _hours(data, corpus), costs))
    return sum(rate.gigabytes for rate in rates if rate) + _weights(plan, costs)


def _weights(plan: Plan, costs: Costs) -> float:
    """Gigabytes of the weights of all trainings; systems that were not measured are excluded."""
    known = ((trainings(row), costs.systems.get(stem(row.model))) for row in plan.rows)
    return sum(number * cost.weights for number, cost in known if cost)


def needs(setups: Sequence[ExperimentConfig]) -> dict[Path, Need]:
    """What a run of each experiment (its folder) is expected to take, on one core; parts that are not known are None.

    Memory is what preflight or training measured on this machine, else that of conf/costs.yaml.
    """
    costs, found = Costs.load(), {}
    for setup in setups:
        spec, hours = setup.spec(), _spoken(setup.data)
        seconds = _run(spec, hours, costs)
        cost = costs.systems.get(spec.name)
        rates = [costs.features.get(stem(name)) for name in spec.features.values()]
        expected = None if cost is None else cost.gigabytes + sum(r.gigabytes for r in rates if r) * (hours or 0)
        taken = stored(setup.exp)
        memory = taken.host if taken else int(1e9 * expected) if expected else None
        found[setup.exp] = Need(seconds, memory)
    return found


def _hours(data: DataSet, corpus: CorpusFacts | None) -> float | None:
    """Hours of speech: of the data directory where stage 1 has made it, else of corpus.yaml; None: not known."""
    spoken = _spoken(Path(data.path))
    return spoken if spoken is not None or not corpus else corpus.hours.get(data.name)


def _spoken(data: Path) -> float | None:
    """Hours of speech of a data directory; None where it is not made yet, or is damaged: stage 1 makes it again."""
    try:
        seconds = sum(map(float, read_table(data / "utt2dur").values()))
    except (UserError, ValueError):
        return None
    return seconds / 3600 if 0 < seconds < math.inf else None


def trainings(row: Row) -> int:
    """Number of trainings of an experiment; 0 where it tests the models of another."""
    folds = Protocol.load(row.protocol).test.get("folds") or row.folds or 1  # some follow from the data
    return 0 if row.trained_in else min(row.folds or folds, folds) * row.runs


def _training(row: Row, hours: float | None, costs: Costs) -> float | None:
    """Hours of one core for all trainings, with every epoch that the configuration allows; None: not measured."""
    spec = ModelSpec.load(row.model, row.set)
    if spec.family == "baseline" or row.trained_in:
        return 0.0
    run = _run(spec, hours, costs)
    return None if run is None else trainings(row) * run / 3600


def _run(spec: ModelSpec, hours: float | None, costs: Costs) -> float | None:
    """Seconds of one core for one training, with every epoch that the configuration allows; None: not measured."""
    cost, options = costs.systems.get(spec.name), spec.training
    if cost is None or hours is None:
        return None
    epochs = options.max_epochs * options.eval_every * cost.epoch * hours * TRAINING
    return min(epochs, options.max_steps * cost.step) if options.max_steps else epochs


def _stops_early(row: Row) -> bool:
    spec = ModelSpec.load(row.model, row.set)
    options = spec.training
    return spec.family != "baseline" and not options.max_steps and options.patience < options.max_epochs


def _memory(row: Row, costs: Costs) -> float | None:
    """Gigabytes of one training, without features, of which all trainings share one copy; None: not measured."""
    cost = costs.systems.get(stem(row.model))
    return None if cost is None else cost.gigabytes


def _stages(data: DataSet, hours: float | None, costs: Costs) -> Iterator[Rate | None]:
    """Hours of one core and gigabytes of each output of stages 2 to 4; None: not measured."""
    features = [costs.features.get(stem(name)) for stage in (3, 4) for name, *_ in data.extracted(stage)]
    rates = [*features, *(costs.xvectors for _ in data.xvectors), *(costs.engines.get(e) for e in data.engines)]
    for rate in rates:
        yield None if rate is None or hours is None else Rate(rate.seconds * hours / 3600, rate.gigabytes * hours)


def _features(data: DataSet) -> list[str]:
    """Features of a data set, each once."""
    return list(dict.fromkeys([*data.features, *(name for name, _ in data.encoded.values())]))


def _experiments(plan: Plan, training: Mapping[str, float | None]) -> Table:
    columns: list[Column[Row]] = [
        Column("experiment", lambda row: row.tag, left=True),
        Column("data set", lambda row: Path(row.data).name, left=True),
        Column("protocol", lambda row: Path(row.protocol).stem, left=True),
        Column("trainings", trainings),
        Column("core hours at most", lambda row: _number(training[row.tag])),
    ]
    return Table.of(columns, plan.rows)


def _data_sets(plan: Plan, hours: Mapping[str, float | None], stages: Mapping[str, list[Rate | None]]) -> Table:
    def total(data: DataSet, value: Callable[[Rate], float]) -> str | None:
        known = [value(rate) for rate in stages[data.path] if rate]
        return _number(sum(known)) if known else None

    columns: list[Column[DataSet]] = [
        Column("data set", lambda data: data.name, left=True),
        Column("hours of speech", lambda data: _number(hours[data.path])),
        Column("features", lambda data: ", ".join(map(stem, _features(data))), left=True),
        Column("core hours of stages 2 to 4", lambda data: total(data, lambda rate: rate.seconds)),
        Column("GB on disk", lambda data: total(data, lambda rate: rate.gigabytes)),
    ]
    return Table.of(columns, plan.data_sets)


def _totals(
    plan: Plan,
    training: Mapping[str, float | None],
    speech: Mapping[str, float | None],
    stages: list[Rate | None],
    costs: Costs,
    nj: int,
) -> Iterator[str]:
    number = f"{counted(len(plan.rows), 'experiment')}, {counted(sum(map(trainings, plan.rows)), 'training')}"
    if not any(speech.values()):
        yield f"{number}; the hours of speech are not known before stage 1"
        return
    known = [rate for rate in stages if rate]
    hours, before = sum(filter(None, training.values())), sum(rate.seconds for rate in known)
    sizes = [size for row in plan.trained if (size := _memory(row, costs)) is not None]
    yield (
        f"{number}: at most {hours + before:,.1f} hours of one core "
        f"({before:,.1f} of them before training), {sum(rate.gigabytes for rate in known):.1f} GB on disk and "
        f"{_weights(plan, costs):.1f} GB for trained models, and up to {max(sizes, default=0):.1f} GB of memory per "
        f"training; {counted(nj, 'training')} at a time (--nj)"
    )
    early = sum(trainings(row) for row in plan.trained if _stops_early(row))
    yield f"Measured: {costs.measured}. All epochs count; {early} of the trainings may stop before the last."
    missing = [tag for tag, cost in training.items() if cost is None]
    if missing or len(known) < len(stages):
        outputs = counted(len(stages) - len(known), "output")
        yield (
            f"Not in the totals ({DASH}), because it was not measured or the hours of speech are not known before "
            f"stage 1: {counted(len(missing), 'experiment')}, {outputs} of stages 2 to 4"
        )


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:,.1f}"
