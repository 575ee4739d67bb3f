"""Plots of a report: each as inline SVG in the colours of the page, and as SVG, PNG and CSV beside it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.evaluation.aggregate import POOLED, confusions
from mscnn.files import atomic
from mscnn.reporting import figures
from mscnn.reporting.page.html import Markup, element
from mscnn.reporting.page.source import Source
from mscnn.reporting.results import title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


NARROW = 5.7  # inches: what is wider scrolls on a phone
LEGIBLE = 0.85  # pixels a point


@dataclass(frozen=True)
class Plot:
    """A figure, what it shows in words (for those who do not see it), and its data as a table; None: no value.

    ``filed`` is what the files show where that is more than the page's; ``title`` goes into their metadata.
    """

    name: str
    title: str
    alt: str
    figure: Figure
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    filed: Figure | None = None

    @cached_property
    def svg(self) -> str:
        """The figure as SVG."""
        return figures.svg(self.figure, self.title)

    @property
    def wide(self) -> bool:
        """Whether a phone would make it illegible."""
        return self.figure.get_figwidth() > NARROW

    def write(self, folder: Path) -> None:
        """Write ``<name>.svg``, ``.png`` and ``.csv``."""
        with atomic(folder / f"{self.name}.svg") as out:
            out.write(figures.svg(self.filed, self.title) if self.filed else self.svg)
        figures.save(self.filed or self.figure, folder / f"{self.name}.png", self.title)
        with atomic(folder / f"{self.name}.csv") as out:
            csv.writer(out, lineterminator="\n").writerows([self.head, *self.rows])

    def show(self, caption: str) -> Markup:
        """The figure on the page, with links to its files."""
        links = [element("a", end.upper(), href=f"figures/{self.name}.{end}") for end in ("svg", "png", "csv")]
        note = element("figcaption", f"{caption} ", element("span", *links, class_="files"))
        plot = element("div", self._inline(), class_="plot", tabindex="0" if self.wide else None)
        return element("figure", plot, note, id=f"plot-{self.name}")

    def _inline(self) -> Markup:
        """SVG without prolog, its ids its own, its colours those of the page."""
        text = re.sub(
            r"<title>.*?</title>|<metadata>.*?</metadata>", "", self.svg[self.svg.index("<svg") :], flags=re.S
        )
        text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}-", text)
        for colour, value in figures.PALETTE.items():
            text = text.replace(value, f"var(--{colour})")
        size = self.figure.get_figwidth() * 72
        limits = f"max-width:{1.4 * size:.0f}px" + (f";min-width:{LEGIBLE * size:.0f}px" if self.wide else "")
        head = element("svg", role="img", aria_label=self.alt, style=limits)
        opening = head.removesuffix("</svg>").removesuffix(">")
        return Markup(re.sub(r'<svg([^>]*?) width="[^"]*"([^>]*?) height="[^"]*"', rf"{opening}\1\2", text, count=1))


def make_plots(source: Source) -> dict[str, Plot]:
    """Every plot there is data for, by name."""
    return {plot.name: plot for make in PLOTS for plot in make(source)}


def _confusion(source: Source) -> Iterator[Plot]:
    names = source.exp.classes
    by_run = confusions(source.exp.parts["test"], len(names)).sum(axis=0)
    rows = [
        (n, truth, *row)
        for n, matrix in enumerate(by_run.tolist(), 1)
        for truth, row in zip(names, matrix, strict=True)
    ]
    total = by_run.sum(axis=0)
    share = 100 * total.diagonal() / total.sum(axis=1)
    alt = "Confusion matrix. " + "; ".join(f"{n} {v:.1f} % right" for n, v in zip(names, share, strict=True))
    yield Plot(
        "confusion_test", title(source.exp), alt, figures.confusion(total, names), ["run", "truth", *names], rows
    )


def _classes(source: Source) -> Iterator[Plot]:
    names, facts = source.exp.classes, source.statistics["classes"]
    bounds = source.interval["recalls"] if source.interval else {}
    recalls = [facts[name]["recall"] for name in names]
    spans = [bounds.get(name) for name in names]
    figure = figures.dots(names, {"recall": recalls}, spans)
    rows = [(n, facts[n]["utterances"], r, *(s or (None, None))) for n, r, s in zip(names, recalls, spans, strict=True)]
    alt = "Recall of each class. " + "; ".join(f"{n} {r:.1f} %" for n, r in zip(names, recalls, strict=True))
    yield Plot("classes", title(source.exp), alt, figure, ["class", "utterances", "recall", "low", "high"], rows)


def _groups(source: Source) -> Iterator[Plot]:
    """Speakers, and the groups of all other kinds in one plot."""
    found = source.statistics["groups"]
    others = {(kind, name): group for kind in found if kind != "speaker" for name, group in found[kind].items()}
    for name, groups in (
        ("speakers", {("speaker", name): group for name, group in found.get("speaker", {}).items()}),
        ("groups", others),
    ):
        if groups:
            yield _dots(source, name, groups)


def _dots(source: Source, name: str, groups: Mapping[tuple[str, str], Mapping]) -> Plot:
    """UA and WA of groups (kind, name), beside UA of all."""
    pooled = source.statistics["scores"][POOLED]["ua"]["mean"]
    marks = {key.upper(): [group[key] for group in groups.values()] for key in ("ua", "wa")}
    rows = [(*of, group["utterances"], group["ua"], group["wa"]) for of, group in groups.items()]
    labels = [name if kind == "speaker" else f"{kind} {name}" for kind, name in groups]
    (low, worst), *_, (high, best) = sorted(zip(marks["WA"], labels, strict=True))
    alt = (
        f"UA and WA of {len(groups)} {name}: WA from {low:.1f} % ({worst}) to {high:.1f} % ({best}); the line is UA of "
        f"all, {pooled:.1f} %"
    )
    figure = figures.dots(labels, marks, reference=pooled)
    return Plot(name, title(source.exp), alt, figure, ["by", "group", "utterances", "ua", "wa"], rows)


def _curves(source: Source) -> Iterator[Plot]:
    files = [folder / "metrics.jsonl" for folder in source.exp.run_dirs]
    histories = {file.parent: figures.read_history(file) for file in files if file.is_file()}
    if not histories:
        return
    keys = ["epoch", "train_loss", "dev_loss", "dev_ua", "dev_wa"]
    rows = [
        (folder.parent.name, folder.name, *(entry.get(key) for key in keys))
        for folder, history in histories.items()
        for entry in history
    ]
    best = [max(entry["dev_ua"] for entry in history) for history in histories.values()]
    alt = (
        f"Loss and dev UA over epochs of {len(histories)} trainings; the highest dev UA of a training is "
        f"{min(best):.1f} to {max(best):.1f} %"
    )
    yield Plot(
        "learning_curves", title(source.exp), alt, figures.curves([*histories.values()]), ["fold", "run", *keys], rows
    )


def _calibration(source: Source) -> Iterator[Plot]:
    facts = source.statistics["calibration"]["as_predicted"]
    head = ["upto", "count", "confidence", "accuracy"]
    rows = [[one[key] for key in head] for one in facts["reliability"]]
    alt = f"Reliability diagram; expected calibration error {facts['ece']:.2f} %"
    yield Plot("calibration", title(source.exp), alt, figures.reliability(facts["reliability"]), head, rows)


PLOTS: tuple[Callable[[Source], Iterator[Plot]], ...] = (_confusion, _classes, _groups, _curves, _calibration)
