"""The page: sections in their order, one file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import confusions, undefined
from mscnn.evaluation.metrics import METRICS
from mscnn.files import atomic
from mscnn.log import get_logger
from mscnn.reporting import measured
from mscnn.reporting.measured import PERCENT
from mscnn.reporting.page import card, context, headline
from mscnn.reporting.page.plots import Plot, make_plots
from mscnn.reporting.page.sound import attention_section
from mscnn.reporting.page.source import ReportData, read_data
from mscnn.reporting.page.worst import worst
from mscnn.reporting.results import definitions, title
from mscnn.reporting.summary import fold_scores
from mscnn.reporting.templates import Section, render

PAIRED = 5  # classes, whose confusion matrix leaves room beside it
log = get_logger(__name__)


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
    report = read_data(exp, data)
    plots = make_plots(report)
    sections = list(_sections(report, plots, utt, audio))
    for plot in plots.values():
        plot.write(report.exp.path / "figures")
    path = report.exp.path / "report.html"
    facts = {"title": title(report.exp), "report": report, "plots": plots, "sections": sections}
    with atomic(path) as out:
        out.write(render("report.html", **facts, headline=headline.headline(report)))
    return path


def _sections(report: ReportData, plots: dict[str, Plot], utt: str | None, audio: str) -> Iterator[Section]:
    """Every section that there is something to say in; the plot of the attention joins ``plots``."""
    statistics = report.statistics
    yield Section("scores", "Scores", _scores(report))
    yield Section("classes", "Classes", _classes(report))
    if statistics["groups"]:
        shown = [plots[name] for name in ("speakers", "groups") if name in plots]
        yield Section("groups", "Speakers and other groups", {
            "plots": shown, "table": measured.groups(statistics, PERCENT)
        })  # fmt: skip
    yield Section("training", "Folds and training", _training(report))
    yield Section("calibration", "Calibration", {
        "probabilities": measured.calibration(statistics), "abstention": measured.abstention(statistics, PERCENT)
    })  # fmt: skip
    try:
        shown_attention = attention_section(report, utt, audio)
    except UserError as error:
        if utt is not None:
            raise
        log.warning("no attention picture: %s", error)
        yield Section("attention", "Attention", {"error": report.shown(str(error))})
    else:
        if shown_attention:
            plots["attention"], view = shown_attention
            yield Section("attention", "Attention", {"error": None, **view})
    yield Section("worst", "Worst utterances", worst(report, audio))
    yield Section("published", "Published results", context.published(report))
    yield Section("audit", "Audit of the split", context.audit(report))
    yield Section("card", "Model card", card.card(report))
    yield Section("definitions", "Definitions", {"lines": definitions()})


def _scores(report: ReportData) -> dict[str, object]:
    lines = [line for some in report.lines.values() for line in some]
    entries = report.statistics["intervals"]["found"]
    return {
        "table": measured.scores(report.lines, PERCENT),
        "spread": any(line.sd(name) is not None for line in lines for name in METRICS),
        "intervals": measured.intervals(report.statistics, PERCENT) if entries else None,
        "lacking": [(headline.over(entry), entry["fault"]) for entry in entries if entry["fault"]],
    }


def _classes(report: ReportData) -> dict[str, object]:
    return {
        "paired": len(report.exp.classes) <= PAIRED,
        "bars": headline.over(report.interval) if report.interval else None,
        "table": measured.classes(report.statistics, PERCENT),
    }


def _training(report: ReportData) -> dict[str, object]:
    """Scores of single folds, unless one lacks a class; whose learning curves there are."""
    matrices = confusions(report.exp.parts["test"], len(report.exp.classes))
    whole = undefined(matrices, report.exp.classes) is None
    borrowed = report.predicted and not report.config.get("refitted")
    return {
        "table": measured.folds(fold_scores(report.exp, matrices), PERCENT) if whole else None,
        "models": headline.models_of(report) if borrowed else None,
    }
