"""Plots of a report: inline SVG in the colours of the page, and SVG, PNG and CSV files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.evaluation.aggregate import POOLED, confusions
from mscnn.files import atomic
from mscnn.reporting import figures
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.results import confusion_table, title
from mscnn.reporting.table import Column, Table, column_each
from mscnn.reporting.templates import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MAX_NARROW_WIDTH = 5.7  # inches; wider plots scroll on a phone
MIN_SCALE = 0.85  # pixels per point at which a plot is legible


@dataclass(frozen=True)
class Plot:
    """A plot of a report.

    Attributes:
        name: stem of the files.
        title: title in the metadata of the files.
        alt: description of the figure for screen readers.
        figure: the figure.
        table: the data of the figure.
        filed: another figure for the files; None: the same.
    """

    name: str
    title: str
    alt: str
    figure: Figure
    table: Table
    filed: Figure | None = None

    @cached_property
    def svg(self) -> str:
        """The figure as SVG."""
        return figures.svg(self.figure, self.title)

    @property
    def wide(self) -> bool:
        """Whether the plot is too wide for a phone."""
        return self.figure.get_figwidth() > MAX_NARROW_WIDTH

    def write(self, folder: Path) -> None:
        """Write ``<name>.svg``, ``.png`` and ``.csv``."""
        with atomic(folder / f"{self.name}.svg") as out:
            out.write(figures.svg(self.filed, self.title) if self.filed else self.svg)
        figures.save(self.filed or self.figure, folder / f"{self.name}.png", self.title)
        with atomic(folder / f"{self.name}.csv") as out:
            out.write(self.table.csv())

    def inline(self) -> Markup:
        """The SVG for a page: without prolog, ids prefixed by the name, colours replaced by those of the page."""
        text = re.sub(
            r"<title>.*?</title>|<metadata>.*?</metadata>", "", self.svg[self.svg.index("<svg") :], flags=re.S
        )
        text = re.sub(r'(\bid="|href="#|url\(#)', lambda match: f"{match[1]}{self.name}-", text)
        for colour, value in figures.PALETTE.items():
            text = text.replace(value, f"var(--{colour})")
        size = self.figure.get_figwidth() * 72
        limits = f"max-width:{1.4 * size:.0f}px" + (f";min-width:{MIN_SCALE * size:.0f}px" if self.wide else "")
        opening = Markup('<svg role="img" aria-label="{}" style="{}"').format(self.alt, limits)
        size_free = re.sub(r' width="[^"]*"| height="[^"]*"', "", text[: text.index(">")])
        return Markup(opening + Markup(size_free.removeprefix("<svg") + text[text.index(">") :]))


def make_plots(data: ReportData) -> dict[str, Plot]:
    """Name -> plot, for every plot that has data."""
    return {plot.name: plot for make in PLOTS for plot in make(data)}


def _columns(*heads: str) -> list[Column[Sequence[object]]]:
    """Columns for rows that are sequences of cells."""
    return column_each(range(len(heads)), lambda i: heads[i], lambda row, i: row[i])


def _confusion(data: ReportData) -> Iterator[Plot]:
    names, matrices = data.exp.classes, confusions(data.exp.parts["test"], len(data.exp.classes))
    total = matrices.sum(axis=(0, 1))
    recalls = {name: facts["recall"] for name, facts in data.statistics["classes"].items()}
    alt = "Confusion matrix. Recall: " + "; ".join(f"{name} {value:.1f} %" for name, value in recalls.items())
    figure, table = figures.confusion(total, names), confusion_table(data.exp, matrices)
    yield Plot("confusion_test", title(data.exp), alt, figure, table)


def _classes(data: ReportData) -> Iterator[Plot]:
    names, facts = data.exp.classes, data.statistics["classes"]
    bounds = data.interval["recalls"] if data.interval else {}
    recalls = [facts[name]["recall"] for name in names]
    spans = [bounds.get(name) for name in names]
    figure = figures.dots(names, {"recall": recalls}, spans)
    rows = [(n, facts[n]["utterances"], r, *(s or (None, None))) for n, r, s in zip(names, recalls, spans, strict=True)]
    table = Table.of(_columns("class", "utterances", "recall", "low", "high"), rows)
    alt = "Recall of each class. " + "; ".join(f"{n} {r:.1f} %" for n, r in zip(names, recalls, strict=True))
    yield Plot("classes", title(data.exp), alt, figure, table)


def _groups(data: ReportData) -> Iterator[Plot]:
    """A plot of the speakers, and one of all other groups."""
    kinds = data.statistics["groups"]
    speakers = {("speaker", name): group for name, group in kinds.get("speaker", {}).items()}
    others = {(kind, name): group for kind in kinds if kind != "speaker" for name, group in kinds[kind].items()}
    for name, groups in (("speakers", speakers), ("groups", others)):
        if groups:
            yield _dots(data, name, groups)


def _dots(data: ReportData, name: str, groups: Mapping[tuple[str, str], Mapping]) -> Plot:
    """Dot plot of UA and WA per group (kind, name), with the pooled UA of all utterances."""
    pooled = data.statistics["scores"][POOLED]["ua"]["mean"]
    marks = {key.upper(): [group[key] for group in groups.values()] for key in ("ua", "wa")}
    rows = [(*of, group["utterances"], group["ua"], group["wa"]) for of, group in groups.items()]
    labels = [name if kind == "speaker" else f"{kind} {name}" for kind, name in groups]
    (low, worst), *_, (high, best) = sorted(zip(marks["WA"], labels, strict=True))
    alt = (
        f"UA and WA of {len(groups)} {name}: WA from {low:.1f} % ({worst}) to {high:.1f} % ({best}); the line is the "
        f"pooled UA of all utterances, {pooled:.1f} %"
    )
    table = Table.of(_columns("by", "group", "utterances", "ua", "wa"), rows)
    return Plot(name, title(data.exp), alt, figures.dots(labels, marks, reference=pooled), table)


def _curves(data: ReportData) -> Iterator[Plot]:
    files = [folder / "metrics.jsonl" for folder in data.exp.run_dirs]
    histories = {file.parent: figures.read_history(file) for file in files if file.is_file()}
    if not histories:
        return
    keys = ("epoch", "train_loss", "dev_loss", "dev_ua", "dev_wa")
    rows = [
        (folder.parent.name, folder.name, *(entry.get(key) for key in keys))
        for folder, history in histories.items()
        for entry in history
    ]
    best = [max(entry["dev_ua"] for entry in history) for history in histories.values()]
    alt = (
        f"Loss and dev UA over epochs of {len(histories)} trainings; the highest dev UA of each training is between "
        f"{min(best):.1f} and {max(best):.1f} %"
    )
    table = Table.of(_columns("fold", "run", *keys), rows)
    yield Plot("learning_curves", title(data.exp), alt, figures.curves([*histories.values()]), table)


def _calibration(data: ReportData) -> Iterator[Plot]:
    facts = data.statistics["calibration"]["as_predicted"]
    keys = ("upto", "count", "confidence", "accuracy")
    table = Table.of(_columns(*keys), [[entry[key] for key in keys] for entry in facts["reliability"]])
    alt = f"Reliability diagram; expected calibration error {facts['ece']:.2f} %"
    yield Plot("calibration", title(data.exp), alt, figures.reliability(facts["reliability"]), table)


PLOTS: tuple[Callable[[ReportData], Iterator[Plot]], ...] = (_confusion, _classes, _groups, _curves, _calibration)
