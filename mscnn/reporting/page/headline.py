"""The head of the page: scores with confidence interval, warnings, and facts about protocol and inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mscnn.evaluation.aggregate import POOLED
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.formats import counted, with_sd
from mscnn.reporting.lines import LEADING, ScoreLine
from mscnn.reporting.notes import Note
from mscnn.reporting.page import beside
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.summary import disjointness, text_input

LEGACY = {"legacy_test_best": "models were selected on the test part that they are scored on"}


@dataclass(frozen=True)
class Tile:
    """A score of the headline: metric, label, value in percent, and aggregation over folds and runs."""

    key: str
    label: str
    value: float | None
    note: str


@dataclass(frozen=True)
class Interval:
    """The pooled UA with its confidence interval, and chance level, in percent.

    Attributes:
        value: pooled UA.
        chance: chance level.
        level: confidence level.
        bounds: lower and upper bound; None: there is no interval.
        over: method and clusters, or the reason why there is no interval.
    """

    value: float
    chance: float
    level: float
    bounds: tuple[float, float] | None
    over: str


def headline(data: ReportData) -> dict[str, object]:
    """Values for the template: text, warnings, tiles, interval, facts."""
    return {
        "text": text_input(data.exp),
        "warnings": list(_warnings(data)),
        "tiles": list(_tiles(data)),
        "interval": _interval(data),
        "facts": [fact for fact in _facts(data) if fact[2]],
    }


def models_of(data: ReportData) -> str | None:
    """Origin of the models if the experiment did not train them itself, else None."""
    if not data.predicted:
        return None
    trained = data.config["trained_in"]
    refitted = data.config.get("refitted")
    return f"fitted again as in {trained}" if refitted else f"those of {trained}; this experiment trained none"


def shares_speakers(data: ReportData) -> bool | None:
    """Whether test speakers are in training, according to the protocol or the audit; None: unknown."""
    if "speaker" in data.protocol["disjoint"].get("train-test", ()):
        return False
    shared = data.audit.shared.get("speaker") if data.audit else None
    return None if shared is None or shared.worst is None else shared.worst > 0


def guarantees(data: ReportData) -> Iterator[str]:
    """What the parts of the protocol do not share, and the part on which models are selected."""
    pairs_by_text: dict[str, list[str]] = {}
    for pair, text in disjointness(data.protocol):
        pairs_by_text.setdefault(text, []).append(pair)
    for text, pairs in pairs_by_text.items():
        yield f"{'any two of train, dev and test' if len(pairs) == 3 else ', '.join(pairs)} {text}"
    on_test = "legacy_test_best" in data.protocol.get("legacy", [])
    yield f"models are selected on {data.protocol['selection']}" + (", which is also the dev part" if on_test else "")


def _warnings(data: ReportData) -> Iterator[Note]:
    """Facts that limit the meaning of the scores."""
    config, shared = data.config, shares_speakers(data)
    if data.synthetic:
        text = "The recordings are synthetic: the scores show that the software works; they say nothing about people."
        yield Note("synthetic", text)
    if config.get("partial"):
        text = f"Partial: {config['partial']} folds of the protocol were trained; not comparable with complete results."
        yield Note("partial", text)
    if shared:
        text = "Speakers of the test part are also in training: the scores do not hold for new speakers."
        yield Note("speakers-shared", text)
    elif shared is None:
        text = "Speakers of the test part may also be in training: the scores may not hold for new speakers."
        yield Note("speakers-unknown", text)
    for flag in [*config["legacy"], *data.protocol.get("legacy", [])]:
        yield Note(f"legacy {flag}", f"Legacy behaviour, not comparable: {LEGACY.get(flag, flag)}.")
    yield from beside.notes(data)
    if config.get("changed"):
        yield Note("changed", f"Non-default options: {', '.join(config['changed'])}.")


def _tiles(data: ReportData) -> Iterator[Tile]:
    """Scores of the metrics in LEADING, and of the metric that selects models."""
    selected = data.config.get("training", {}).get("select")
    for key in (*LEADING, *([selected] if selected in METRICS and selected not in LEADING else [])):
        note = aggregation(data.line, key).replace(" ± ", " ±\u00a0")
        yield Tile(key, METRICS[key].label, data.line.score(key), note)


def aggregation(line: ScoreLine, metric: str = "") -> str:
    """Aggregation of a line over folds and runs, with the standard deviations of a metric."""
    folds, runs = int(line.fields["folds"]), int(line.fields["runs"])
    if line.aggregate == POOLED:
        text = f"{counted(folds, 'fold')} pooled"
    elif folds == 1:
        text = "one fold"
    else:
        text = str(with_sd(f"mean of {folds} folds", line.sd(metric)))
    return f"{text}, {with_sd(f'mean of {runs} runs', line.run_sd(metric))}" if runs > 1 else text


def _interval(data: ReportData) -> Interval:
    """The pooled UA with the first confidence interval that is defined."""
    facts, value = data.statistics["intervals"], data.statistics["scores"][POOLED]["ua"]["mean"]
    chance = 100 / len(data.exp.classes)
    if data.interval is None:
        reasons = "; ".join(entry["fault"] for entry in facts["found"] if entry["fault"])
        return Interval(value, chance, facts["level"], None, reasons or "the speakers are not known")
    low, high = data.interval["ua"]
    return Interval(value, chance, facts["level"], (low, high), over(data.interval))


def over(entry: Mapping) -> str:
    """Method and clusters of an interval."""
    return f"{entry['method']} over {entry['clusters']} {entry['over']}s"


def _facts(data: ReportData) -> Iterator[tuple[str, str, str | None]]:
    """Id, name and value of each fact; value None: the fact is not shown."""
    config, protocol = data.config, data.protocol
    text_disjoint = "text" in protocol["disjoint"].get("train-test", ())
    not_guaranteed = None if text_disjoint else "disjoint texts: sentences of the test part may also be in training"
    yield "protocol", "Protocol", f"{protocol['name']}, version {protocol['version']}, hash {protocol['hash']}"
    yield "promises", "Guarantees", "; ".join(guarantees(data))
    yield "not-promised", "No guarantee of", not_guaranteed
    yield "models", "Models", models_of(data)
    yield "folds", "Folds", f"{counted(config['folds'], 'fold')}, {counted(config['runs'], 'run')} of each"
    yield "text", "Text", text_input(data.exp)
    yield "xvector", "X-vectors", data.line.fields.get("xvector", "none")
