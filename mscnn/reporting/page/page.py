"""The page: its sections in order, in a single file."""

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
from mscnn.reporting.page import beside, card, context, headline
from mscnn.reporting.page.plots import Plot, make_plots
from mscnn.reporting.page.sound import attention_section
from mscnn.reporting.page.source import ReportData, read_data
from mscnn.reporting.page.worst import worst
from mscnn.reporting.results import definitions, title
from mscnn.reporting.summary import fold_scores
from mscnn.reporting.templates import Section, render

MAX_PAIRED_CLASSES = 5  # with more classes, the plots of the section "Classes" are not side by side
log = get_logger(__name__)


def write_page(
    exp: str | os.PathLike, data: str | os.PathLike | None = None, *, utt: str | None = None, audio: str = "near"
) -> Path:
    """Write ``report.html`` and ``figures/*.{svg,png,csv}`` of a scored experiment; the same files give the same bytes.

    Args:
        exp: folder of a scored experiment.
        data: its data directory; None: the one in ``config.yaml``, if it exists.
        utt: utterance to show the attention of; None: one is chosen.
        audio: audio players: ``near`` (link to the files), ``embed`` (audio in the page) or ``none``.

    Returns:
        path of the page.

    Raises:
        UserError: the experiment is not scored, or ``utt`` is in no test part.
    """
    report = read_data(exp, data)
    plots = make_plots(report)
    sections = list(_sections(report, plots, utt, audio))
    for plot in plots.values():
        plot.write(report.exp.path / "figures")
    path = report.exp.path / "report.html"
    facts = {"title": f"{report.title}, {title(report.exp)}", "report": report, "plots": plots, "sections": sections}
    with atomic(path) as out:
        out.write(render("report.html", **facts, headline=headline.headline(report)))
    return path


def _sections(report: ReportData, plots: dict[str, Plot], utt: str | None, audio: str) -> Iterator[Section]:
    """All sections that are not empty; the plot of the attention is added to ``plots``."""
    statistics = report.statistics
    yield Section("scores", "Scores", _scores(report))
    yield Section("classes", "Classes", _classes(report))
    if statistics["groups"]:
        group_plots = [plots[name] for name in ("speakers", "groups") if name in plots]
        view = {"plots": group_plots, "table": measured.groups(statistics, PERCENT)}
        yield Section("groups", "Speakers and other groups", view)
    yield Section("training", "Folds and training", _training(report))
    tables = {
        "probabilities": measured.calibration(statistics),
        "abstention": measured.abstention(statistics, PERCENT),
    }
    yield Section("calibration", "Calibration", tables)
    yield from _attention(report, plots, utt, audio)
    yield Section("worst", "Worst utterances", worst(report, audio))
    others = beside.table(report)
    if others:
        yield Section("systems", "Other systems", {"table": others})
    yield Section("published", "Published results", context.published(report))
    yield Section("audit", "Audit of the split", context.audit(report))
    yield Section("card", "Model card", card.card(report))
    yield Section("use", "Use of the model", beside.use(report))
    yield Section("definitions", "Definitions", {"lines": definitions()})


def _attention(report: ReportData, plots: dict[str, Plot], utt: str | None, audio: str) -> Iterator[Section]:
    """The section of a model with attention; it holds the reason where the attention cannot be computed."""
    try:
        section = attention_section(report, utt, audio)
    except UserError as error:
        if utt is not None:
            raise
        log.warning("no attention figure: %s", error)
        yield Section("attention", "Attention", {"error": report.redact_paths(str(error))})
    else:
        if section:
            plots["attention"], view = section
            yield Section("attention", "Attention", {"error": None, **view})


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
        "paired": len(report.exp.classes) <= MAX_PAIRED_CLASSES,
        "bars": headline.over(report.interval) if report.interval else None,
        "table": measured.classes(report.statistics, PERCENT),
    }


def _training(report: ReportData) -> dict[str, object]:
    """Scores per fold, if every fold has all classes, and the origin of models that were trained elsewhere."""
    matrices = confusions(report.exp.parts["test"], len(report.exp.classes))
    defined = undefined(matrices, report.exp.classes) is None
    trained_elsewhere = report.predicted and not report.config.get("refitted")
    return {
        "table": measured.folds(fold_scores(report.exp, matrices), PERCENT) if defined else None,
        "models": headline.models_of(report) if trained_elsewhere else None,
    }
