"""The first screen: what was scored, how sure it is, and what must be known before it is quoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mscnn.evaluation.aggregate import POOLED
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.formats import counted, with_sd
from mscnn.reporting.lines import LEADING, ScoreLine
from mscnn.reporting.notes import Note
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.summary import disjointness

LEGACY = {"legacy_test_best": "models were selected on the very test part that they are scored on"}
TEXTS = {"gt": "reference transcripts", "none": "no text"}


@dataclass(frozen=True)
class Tile:
    """A score of the headline: its metric, percent, and how folds and runs are put together."""

    key: str
    label: str
    value: float | None
    note: str


@dataclass(frozen=True)
class Interval:
    """The pooled UA beside chance, in percent; ``bounds``, and what they were made over, or why there are none."""

    value: float
    chance: float
    level: float
    bounds: tuple[float, float] | None
    over: str


def headline(data: ReportData) -> dict[str, object]:
    """What the template shows: warnings, tiles, interval, facts."""
    return {
        "text": text_of(data),
        "warnings": list(_warnings(data)),
        "tiles": list(_tiles(data)),
        "interval": _interval(data),
        "facts": [fact for fact in _facts(data) if fact[2]],
    }


def text_of(data: ReportData) -> str:
    """The text that it reads, and that its models were trained on where that is another."""
    read, learnt = (
        TEXTS.get(text, f"transcripts of the ASR engine {text}") for text in (data.config["text"], data.exp.trained_on)
    )
    return read if read == learnt else f"{read}; its models were trained on {learnt}"


def models_of(data: ReportData) -> str | None:
    """Whose models predict, where they are not the experiment's own."""
    if not data.predicted:
        return None
    trained = data.config["trained_in"]
    refitted = data.config.get("refitted")
    return f"fitted again as in {trained}" if refitted else f"those of {trained}; nothing was trained here"


def shares_speakers(data: ReportData) -> bool | None:
    """Whether speakers of test are in training: as the protocol promises, or the audit found; None: nobody says."""
    if "speaker" in data.protocol["disjoint"].get("train-test", ()):
        return False
    shared = data.audit.shared.get("speaker") if data.audit else None
    return None if shared is None or shared.worst is None else shared.worst > 0


def promises(data: ReportData) -> Iterator[str]:
    """What the protocol keeps apart, and on what models are selected, in words."""
    pairs: dict[str, list[str]] = {}
    for pair, said in disjointness(data.protocol):
        pairs.setdefault(said, []).append(pair)
    for said, which in pairs.items():
        yield f"{'any two of train, dev and test' if len(which) == 3 else ', '.join(which)} {said}"
    on_test = "legacy_test_best" in data.protocol.get("legacy", [])
    yield f"models are selected on {data.protocol['selection']}" + (", which is dev as well" if on_test else "")


def _warnings(data: ReportData) -> Iterator[Note]:
    """What makes the figures something else than they look like."""
    config, shared = data.config, shares_speakers(data)
    if data.synthetic:
        yield Note(
            "synthetic",
            "The recordings are synthetic: the figures say that the machinery works, nothing about people.",
        )
    if config.get("partial"):
        yield Note("partial", f"Partial: {config['partial']} folds of the protocol were done; not to be compared.")
    if shared:
        yield Note(
            "speakers-shared",
            "Speakers of the test part are also in training: the figures do not hold for new speakers.",
        )
    elif shared is None:
        yield Note(
            "speakers-unknown",
            "Speakers of the test part may be in training, nothing promises otherwise: for new speakers the figures "
            "need not hold.",
        )
    for flag in [*config["legacy"], *data.protocol.get("legacy", [])]:
        yield Note(f"legacy {flag}", f"Legacy, not to be compared: {LEGACY.get(flag, flag)}.")
    if config.get("changed"):
        yield Note("changed", f"Options that are not the defaults: {', '.join(config['changed'])}.")


def _tiles(data: ReportData) -> Iterator[Tile]:
    """The scores that a line begins with, and the one that models were selected by."""
    selected = data.config.get("training", {}).get("select")
    for key in (*LEADING, *([selected] if selected in METRICS and selected not in LEADING else [])):
        note = aggregation(data.line, key).replace(" ± ", " ±\u00a0")
        yield Tile(key, METRICS[key].label, data.line.score(key), note)


def aggregation(line: ScoreLine, metric: str = "") -> str:
    """How a line puts folds and runs together, with the deviations of a metric."""
    folds, runs = int(line.fields["folds"]), int(line.fields["runs"])
    if line.aggregate == POOLED:
        told = f"{counted(folds, 'fold')} pooled"
    elif folds == 1:
        told = "one fold"
    else:
        told = str(with_sd(f"mean of {folds} folds", line.sd(metric)))
    return f"{told}, {with_sd(f'mean of {runs} runs', line.run_sd(metric))}" if runs > 1 else told


def _interval(data: ReportData) -> Interval:
    """The pooled UA with the first interval there is."""
    facts, value = data.statistics["intervals"], data.statistics["scores"][POOLED]["ua"]["mean"]
    chance = 100 / len(data.exp.classes)
    if data.interval is None:
        why = "; ".join(one["fault"] for one in facts["found"] if one["fault"]) or "its speakers are not known"
        return Interval(value, chance, facts["level"], None, why)
    low, high = data.interval["ua"]
    return Interval(value, chance, facts["level"], (low, high), over(data.interval))


def over(entry: Mapping) -> str:
    """Method and clusters of an interval."""
    return f"{entry['method']} over {entry['clusters']} {entry['over']}s"


def _facts(data: ReportData) -> Iterator[tuple[str, str, str | None]]:
    """Id, name and value; None: nothing to say."""
    config, protocol = data.config, data.protocol
    text_disjoint = "text" in protocol["disjoint"].get("train-test", ())
    yield "protocol", "Protocol", f"{protocol['name']}, version {protocol['version']}, split {protocol['hash']}"
    yield "promises", "It promises", "; ".join(promises(data))
    yield (
        "not-promised",
        "Not promised",
        None if text_disjoint else ("that no line of the test part is also spoken in training"),
    )
    yield "models", "Models", models_of(data)
    yield "folds", "Folds", f"{counted(config['folds'], 'fold')}, {counted(config['runs'], 'run')} of each"
    yield "text", "Text", text_of(data)
    yield "xvector", "X-vectors", data.line.fields.get("xvector", "none")
