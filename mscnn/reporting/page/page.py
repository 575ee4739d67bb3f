"""The page: sections in their order, one file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import confusions, undefined
from mscnn.evaluation.metrics import METRICS
from mscnn.files import atomic
from mscnn.log import get_logger
from mscnn.reporting.page import card, context, headline
from mscnn.reporting.page.html import Markup, element, join, paragraph, table
from mscnn.reporting.page.plots import Plot, make_plots
from mscnn.reporting.page.sound import attention_section
from mscnn.reporting.page.source import Source, read_source
from mscnn.reporting.page.worst import worst_section
from mscnn.reporting.results import DEFINITIONS, title

# nothing is fetched, nothing is run: what a corpus smuggles in does no harm
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self' file: data:"
PAIRED = 5  # classes, whose confusion matrix leaves room beside it
STYLE = Path(__file__).with_name("style.css")
log = get_logger(__name__)


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; ``name`` is its anchor."""

    name: str
    heading: str
    body: Markup


def write_page(
    exp: str | os.PathLike, data: str | os.PathLike | None = None, *, utt: str | None = None, audio: str = "near"
) -> Path:
    """Write ``report.html`` and ``figures/*.{svg,png,csv}`` of a scored experiment; the same files give the same bytes.

    Args:
        exp: folder of the experiment, scored.
        data: its data directory; None: the one in ``config.yaml``, if it is there.
        utt: utterance whose attention is shown; None: one is chosen.
        audio: ``near``: players of the recordings where they lie; ``embed``: in the page; ``none``.

    Returns:
        the page.

    Raises:
        UserError: not scored, or ``utt`` is in no test part.
    """
    source = read_source(exp, data)
    plots = make_plots(source)
    sections = list(_sections(source, plots, utt, audio))
    for plot in plots.values():
        plot.write(source.exp.path / "figures")
    path = source.exp.path / "report.html"
    with atomic(path) as out:
        out.write(render(title(source.exp), headline.headline(source), sections))
    return path


def render(name: str, top: Markup, sections: Sequence[Section]) -> str:
    """The whole document."""
    links = (element("li", element("a", one.heading, href=f"#{one.name}")) for one in sections)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", f"Report: {name}"),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    main = element(
        "main",
        top,
        element("nav", element("ul", *links), aria_label="Sections"),
        *(
            element("section", element("h2", one.heading, id=f"{one.name}-heading"), one.body, id=one.name,
                    aria_labelledby=f"{one.name}-heading")
            for one in sections
        ),
        id="main",
    )  # fmt: skip
    skip = element("a", "To the content", href="#main", class_="skip")
    return f"<!DOCTYPE html>\n{element('html', head, element('body', skip, main), lang='en')}\n"


def _sections(source: Source, plots: dict[str, Plot], utt: str | None, audio: str) -> Iterator[Section]:
    """Every section that there is something to say in; the plot of the attention joins ``plots``."""
    yield Section("scores", "Scores", headline.scores(source))
    yield Section("classes", "Classes", _classes(source, plots))
    if source.statistics["groups"]:
        yield Section("groups", "Speakers and other groups", _groups(source, plots))
    yield Section("training", "Folds and training", _training(source, plots))
    yield Section("calibration", "Calibration", _calibration(source, plots))
    try:
        found = attention_section(source, utt, audio)
    except UserError as error:
        if utt is not None:
            raise
        log.warning("no attention picture: %s", error)
        found = None
        yield Section("attention", "Attention", paragraph(f"Not made: {source.shown(str(error))}."))
    if found:
        plots["attention"], body = found
        yield Section("attention", "Attention", body)
    yield Section("worst", "Worst utterances", worst_section(source, audio))
    yield Section("published", "Published results", context.published(source))
    yield Section("audit", "Audit of the cut", context.audit(source))
    yield Section("card", "Model card", card.card(source))
    yield Section("definitions", "Definitions", element("pre", DEFINITIONS))


def _classes(source: Source, plots: dict[str, Plot]) -> Markup:
    facts = source.statistics["classes"]
    keys, head = ("recall", "precision", "f1"), ["class", "utterances", "recall, %", "precision, %", "F1, %"]
    rows = [(name, one["utterances"], *(f"{one[key]:.2f}" for key in keys)) for name, one in facts.items()]
    entry = source.interval
    bars = (
        f"; bars are {source.statistics['intervals']['level']:g} % intervals, {headline.over(entry)}" if entry else ""
    )
    total = f"Test, all folds, sum over {source.config['runs']} run(s); rows truth, columns prediction, % of the row."
    return join([
        element("div", plots["confusion_test"].show(total),
                plots["classes"].show(f"Recall of each class, pooled{bars}."),
                class_="pair" if len(facts) <= PAIRED else None),
        table("Classes, predictions of all runs together", head, rows),
    ])  # fmt: skip


def _groups(source: Source, plots: dict[str, Plot]) -> Markup:
    what = "UA (full) and WA (ring); the line is UA of all, pooled."
    shown = [plots[name].show(f"{name.capitalize()}: {what}") for name in ("speakers", "groups") if name in plots]
    return join([element("div", *shown, class_="pair"), headline.groups_table(source.statistics)])


def _training(source: Source, plots: dict[str, Plot]) -> Markup:
    matrices = confusions(source.exp.parts["test"], len(source.exp.classes))
    whole = undefined(matrices, source.exp.classes) is None  # pooled protocols have folds that lack classes
    rows = [
        (f"fold {fold}", runs[0].sum(), *(f"{100 * np.mean([of(m) for m in runs]):.2f}" for of in METRICS.values()))
        for fold, runs in enumerate(matrices if whole else [], 1)
    ]
    caption = "Test scores of the folds" + (", means over runs" if source.config["runs"] > 1 else "")
    head = ["fold", "utterances", *(f"{metric.label}, %" for metric in METRICS.values())]
    if source.predicted and not source.config.get("refitted"):
        drawn = paragraph(
            f"The models are {headline.models_of(source)}. Their learning curves are in the report there."
        )
    elif "learning_curves" not in plots:
        drawn = paragraph("No learning curves: nothing was trained by epochs.")
    else:
        selected = source.protocol["selection"]
        drawn = plots["learning_curves"].show(f"A line a training; models are selected on {selected}.")
    return join([drawn, table(caption, head, rows)] if whole else [drawn])


def _calibration(source: Source, plots: dict[str, Plot]) -> Markup:
    facts = source.statistics["calibration"]
    parts = {"as predicted": facts["as_predicted"], "with temperature": facts["with_temperature"]}
    rows = [(name, *(f"{one[key]:.{digits}f}" for key, digits in (("ece", 2), ("log_loss", 4), ("brier", 4))))
            for name, one in parts.items() if one]  # fmt: skip
    kept = [point for point in source.statistics["abstention"] if point["coverage"] % 25 == 0]
    answered = [(f"{p['coverage']} %", *(None if p[k] is None else f"{p[k]:.2f}" for k in ("ua", "wa"))) for p in kept]
    return join([
        plots["calibration"].show("How often predictions of a probability are right; on the line, as often as that."),
        table("Probabilities", ["probabilities", "ECE, %", "log loss, nats", "Brier score"], rows),
        table("Where only the most confident are answered", ["answered", "UA, %", "WA, %"], answered),
    ])  # fmt: skip
