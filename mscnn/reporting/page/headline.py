"""The first screen: what was scored, how sure it is, and what must be known before it is quoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mscnn.evaluation.aggregate import POOLED
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.lines import LEADING, ScoreLine
from mscnn.reporting.markdown import apart
from mscnn.reporting.page.html import Markup, element, items, join, paragraph, table
from mscnn.reporting.page.source import Source, score
from mscnn.reporting.tabular import with_sd

METHODS = {"t": "t, jackknife", "bootstrap": "bootstrap"}  # the definitions tell more
LEGACY = {"legacy_test_best": "models were selected on the very test part that they are scored on"}
TEXTS = {"gt": "the corpus' own words", "none": "no words"}


def words(source: Source) -> str:
    """What it reads, and what its models were trained to read where that is something else."""
    read, learnt = (
        TEXTS.get(text, f"words recognised by {text}") for text in (source.config["text"], source.exp.trained_on)
    )
    return read if read == learnt else f"{read}, its models were trained on {learnt}"


def models_of(source: Source) -> str | None:
    """Whose models predict, where they are not the experiment's own."""
    if not source.predicted:
        return None
    trained = source.config["trained_in"]
    if source.config.get("refitted"):
        return f"fitted again as in {trained}"
    return f"those of {trained}; nothing was trained here"


def headline(source: Source) -> Markup:
    """Name, warnings, scores with the interval, promises of the protocol."""
    config, line = source.config, source.lines["test"][0]
    return element(
        "header",
        paragraph("Report of an experiment in speech emotion recognition", class_="kicker"),
        element("h1", config["model"]),
        paragraph(
            f"{line.total} test utterances of {source.data.resolve().name}, {len(source.exp.classes)} classes: ",
            ", ".join(source.exp.classes),
            f". It reads {words(source)}.",
        ),
        _warnings(source),
        element("div", *_tiles(source), class_="tiles"),
        _interval(source),
        _facts(source),
        element("p", element("code", line), class_="line", id="score-line"),
    )


def shares_speakers(source: Source) -> bool | None:
    """Whether speakers of test are in training: as the protocol promises, or the audit found; None: nobody says."""
    if "speaker" in source.protocol["disjoint"].get("train-test", ()):
        return False
    found = source.audited("shared", "speaker", "worst")
    return None if found is None else found > 0


def promises(source: Source) -> Iterator[str]:
    """What the protocol keeps apart, and on what models are selected, in words."""
    pairs: dict[str, list[str]] = {}
    on_test = "legacy_test_best" in source.protocol.get("legacy", [])
    for pair, kept in source.protocol["disjoint"].items():
        if on_test and pair == "dev-test":
            continue
        pairs.setdefault(apart(kept), []).append(pair.replace("-", " and "))
    for said, which in pairs.items():
        yield f"{'any two of train, dev and test' if len(which) == 3 else ', '.join(which)} {said}"
    yield f"models are selected on {source.protocol['selection']}" + (", which is dev as well" if on_test else "")


def _warnings(source: Source) -> Markup | None:
    """What makes the figures something else than they look like."""
    config, found = source.config, []
    if source.synthetic:
        found.append("The recordings are synthetic: the figures say that the machinery works, nothing about people.")
    if config.get("partial"):
        found.append(f"Partial: {config['partial']} folds of the protocol were done; not to be compared.")
    shared = shares_speakers(source)
    if shared:
        found.append("Speakers of the test part are also in training: the figures do not hold for new speakers.")
    elif shared is None:
        found.append("Speakers of the test part may be in training, nothing promises otherwise: for new speakers the "
                     "figures need not hold.")  # fmt: skip
    for flag in [*config["legacy"], *source.protocol.get("legacy", [])]:
        found.append(f"Legacy, not to be compared: {LEGACY.get(flag, flag)}.")
    if config.get("changed"):
        found.append(f"Options that are not the usual ones: {', '.join(config['changed'])}.")
    return element("div", items(found), class_="warn", role="note", aria_label="Warnings") if found else None


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _tiles(source: Source) -> Iterator[Markup]:
    """The scores of the first line; weighted F1 where it is what models were selected by."""
    line, selected = source.lines["test"][0], source.config.get("training", {}).get("select")
    for key in (*LEADING, *(["wf1"] if selected == "wf1" else [])):
        yield element(
            "div",
            element("span", METRICS[key].label, class_="name"),
            element("strong", f"{score(line, key):.2f}", element("small", " %"), id=f"score-{key}"),
            element("span", aggregation(line, key).replace(" ± ", " ±\u00a0"), class_="note"),
            class_="tile",
        )


def aggregation(line: ScoreLine, metric: str | None = None) -> str:
    """How a line puts folds and runs together, with the deviations of a metric."""
    kinds = {"fold": int(line.fields["folds"]), "run": int(line.fields["runs"])}
    if line.fields["agg"] == POOLED:
        folds = f"{_count(kinds['fold'], 'fold')} pooled"
    elif kinds["fold"] == 1:
        folds = "one fold"
    else:
        folds = with_sd(f"mean of {kinds['fold']} folds", line.fields.get(f"{metric}_sd"))
    runs = [with_sd(f"mean of {kinds['run']} runs", line.fields.get(f"{metric}_run_sd"))] if kinds["run"] > 1 else []
    return ", ".join([folds, *runs])


def _interval(source: Source) -> Markup:
    """The pooled UA with its interval, as a strip from 0 to 100 % and in words."""
    found, scores = source.statistics["intervals"], source.statistics["scores"][POOLED]
    entry = source.interval
    value, chance = scores["ua"]["mean"], 100 / len(source.exp.classes)
    if entry is None:
        faults = "; ".join(one["fault"] for one in found["found"] if one["fault"]) or "its speakers are not known"
        return element("p", f"Pooled UA {value:.2f} %; no interval: {faults}.", id="interval")
    low, high = entry["ua"]
    told = f"Pooled UA {value:.2f} %, {found['level']:g} % interval {low:.2f} to {high:.2f} %, {over(entry)}"
    marks = [
        _line("track", 0, 100), _line("span", low, high),
        element("line", x1=4 * chance, x2=4 * chance, y1=9, y2=25, class_="chance"),
        element("circle", cx=f"{4 * value:.2f}", cy=17, r=6),
        *(element("text", f"{at} %", x=4 * at, y=44, text_anchor=anchor)
          for at, anchor in ((0, "start"), (50, "middle"), (100, "end"))),
    ]  # fmt: skip
    strip = element("svg", *marks, viewBox="-8 0 416 50", role="img", aria_label=told, class_="strip")
    note = f"{told}. The upright mark is {chance:.1f} %, what one class for all earns."
    return element("figure", strip, element("figcaption", note, id="interval"), class_="interval")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _line(look: str, low: float, high: float) -> Markup:
    return element("line", x1=f"{4 * low:.2f}", x2=f"{4 * high:.2f}", y1=17, y2=17, class_=look)


def _facts(source: Source) -> Markup:
    config, protocol = source.config, source.protocol
    runs = f"{_count(config['folds'], 'fold')}, {_count(config['runs'], 'run')} of each"
    kept = "text" in protocol["disjoint"].get("train-test", ())
    facts = {
        "Protocol": f"{protocol['name']}, version {protocol['version']}, cut {protocol['hash']}",
        "It promises": "; ".join(promises(source)),
        "Not promised": None if kept else "that no line of the test part is also spoken in training",
        "Models": models_of(source),
        "Folds": runs,
        "Text": words(source),
        "X-vectors": source.lines["test"][0].fields.get("xvector", "none"),
    }
    return element("dl", *(join([element("dt", key), element("dd", value)]) for key, value in facts.items() if value))


def over(entry: Mapping) -> str:
    """Method and clusters of an interval."""
    return f"{entry['method']} over {entry['clusters']} {entry['over']}s"


def scores(source: Source) -> Markup:
    """Every score line of test and dev, the intervals, and what the score file remarks."""
    rows = [_row(part, line) for part in ("test", "dev") for line in source.lines[part]]
    runs = source.config["runs"] > 1
    head = ["part", "utterances", "aggregation", *(f"{METRICS[key].label}, %" for key in METRICS)]
    head += [*(["UA, sd over runs"] if runs else []), "correct / total"]
    spread = any(f"{key}_sd" in line.fields for lines in source.lines.values() for line in lines for key in METRICS)
    caption = "Scores" + ("; ± is the sample deviation over folds" if spread else "")
    return join([table(caption, head, rows, left=3), _intervals(source), items(source.remarks)])


def _row(part: str, line: ScoreLine) -> list[object]:
    cells = [with_sd(f"{score(line, key):.2f}", line.fields.get(f"{key}_sd")) for key in METRICS]
    runs = [line.fields.get("ua_run_sd")] if int(line.fields["runs"]) > 1 else []
    how = line.fields["agg"].replace("-", " ")
    return [part, line.fields["subset"], how, *cells, *runs, f"{line.correct} / {line.total}"]


def _intervals(source: Source) -> Markup | None:
    """All intervals with their methods; None where nothing tells the utterances' clusters apart."""
    facts = source.statistics["intervals"]
    rows = [
        (
            METHODS.get(entry["method"], entry["method"]),
            {"content": f"{entry['clusters']} {entry['over']}s", "class_": "whole"},
            *(f"{entry[key][0]:.2f} to {entry[key][1]:.2f}" if key in entry else None for key in METRICS),
        )
        for entry in facts["found"]
    ]
    faults = [f"{over(entry)}: no interval: {entry['fault']}" for entry in facts["found"] if entry["fault"]]
    head = ["method", "over", *(f"{METRICS[key].label}, %" for key in METRICS)]
    caption = f"{facts['level']:g} % intervals of the pooled values"
    return join([table(caption, head, rows, left=2), items(faults)]) if rows else None


def groups_table(statistics: Mapping) -> Markup:
    """Scores by group; UA does not exist where a class is absent."""
    rows = [
        (kind, name, group["utterances"], *(_two(group[key]) for key in ("ua", "wa")),
         *(_two(group["recalls"].get(c)) for c in statistics["classes"]))
        for kind, groups in statistics["groups"].items() for name, group in groups.items()
    ]  # fmt: skip
    head = ["by", "group", "utterances", "UA, %", "WA, %", *statistics["classes"]]
    return table(
        "Scores by group, pooled; right of WA the recall of each class, %; – where a class has no utterance",
        head,
        rows,
        left=2,
    )
