"""Figures of an experiment. Colours are those of PALETTE alone, so that a page can put its own in their place."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mscnn.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
# no two alike, in any case of letters: what replaces a colour finds it by its value
PALETTE = {"ink": "#1b1f27", "muted": "#5b6270", "grid": "#d8dce3", "cell": "#5b8def", "blue": "#2b62c4",
           "orange": "#b3541e", "green": "#2a7a4b"}  # fmt: skip
INK, MUTED, GRID, CELL, BLUE, ORANGE, GREEN = PALETTE.values()
NAMED = 40  # rows of a dot plot that are named


def confusion(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Counts (K, K), rows truth: each cell has its share of the row in percent and its count."""
    from matplotlib.patches import Rectangle

    share = matrix / matrix.sum(axis=1, keepdims=True)
    figure, (axes,) = make_axes(1.4 + 0.85 * len(names), 1 + 0.7 * len(names))
    for row, column in np.ndindex(*matrix.shape):
        part = share[row, column]
        place = (column - 0.48, row - 0.48)
        axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=CELL, alpha=0.06 + 0.84 * part, linewidth=0))
        text = f"{100 * part:.1f} %\n{matrix[row, column]}"
        axes.text(column, row, text, ha="center", va="center", fontsize=11, color=INK)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
    turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if len(names) > 5 else {}
    axes.set_xticks(range(len(names)), names, parse_math=False, **turned)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", color=MUTED, fontsize=11)
    axes.set_ylabel("truth", color=MUTED, fontsize=11)
    return figure


def curves(histories: Sequence[Sequence[dict]]) -> Figure:
    """Loss and dev UA over epochs, one thin line a training; ``histories`` are those of ``metrics.jsonl``."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = make_axes(5.6, 5.2, (1, 1))
    panels = (
        (axes[0], "cross-entropy", (("train_loss", BLUE), ("dev_loss", ORANGE))),
        (axes[1], "dev UA, %", (("dev_ua", GREEN),)),
    )
    for panel, title, drawn in panels:
        for key, color in drawn:
            for i, history in enumerate(histories):
                epochs, values = [entry["epoch"] for entry in history], [entry[key] for entry in history]
                label = key.replace("_", " ") if i == 0 else None
                panel.plot(epochs, values, color=color, linewidth=1, alpha=0.75, label=label)
        panel.set_ylabel(title, color=MUTED, fontsize=11)
        panel.grid(axis="y", color=GRID, linewidth=0.6)
        panel.xaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    axes[0].legend(frameon=False, labelcolor=INK, fontsize=11)
    axes[1].set_xlabel("epoch", color=MUTED, fontsize=11)
    return figure


def dots(
    names: Sequence[str],
    marks: Mapping[str, Sequence[float | None]],
    spans: Sequence[Sequence[float] | None] = (),
    reference: float | None = None,
) -> Figure:
    """Values in percent, a row a name, the first on top; None: no mark.

    Args:
        names: of the rows; more than NAMED are not written out.
        marks: up to two kinds of values, by what they are called.
        spans: intervals of the rows, or None.
        reference: where a line is drawn.
    """
    height = 0.27 * len(names) if len(names) <= NAMED else 0.06 * len(names)
    figure, (axes,) = make_axes(5.6, 0.9 + height)
    if reference is not None:
        axes.axvline(reference, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for row, span in enumerate(spans):
        if span is not None:
            axes.plot(span, (row, row), color=BLUE, linewidth=2, alpha=0.55, solid_capstyle="round")
    ring: dict[str, Any] = {
        "markerfacecolor": "none",
        "markeredgecolor": ORANGE,
        "markeredgewidth": 1.4,
        "markersize": 8,
    }
    looks: tuple[dict[str, Any], ...] = ({"color": BLUE, "markersize": 5.5}, ring)
    for (label, values), look in zip(marks.items(), looks, strict=False):
        shown = [(value, row) for row, value in enumerate(values) if value is not None]
        axes.plot(*np.reshape(shown, (-1, 2)).T, "o", label=label, **look)
    axes.set(xlim=(-2, 102), ylim=(len(names) - 0.4, -0.6))
    axes.set_yticks(*((range(len(names)), names) if len(names) <= NAMED else ((), ())), parse_math=False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_xlabel("%", color=MUTED, fontsize=11)
    if len(marks) > 1:
        figure.legend(loc="outside upper right", ncols=2, frameon=False, labelcolor=INK, fontsize=11)
    return figure


def reliability(bins: Sequence[Mapping]) -> Figure:
    """Accuracy over confidence, of ``reliability`` in ``statistics.json``; the size of a dot is that of its bin."""
    figure, (axes,) = make_axes(4.2, 4)
    axes.plot((0, 100), (0, 100), color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    full = [one for one in bins if one["count"]]
    confidence, accuracy, count = (np.array([one[key] for one in full]) for key in ("confidence", "accuracy", "count"))
    axes.scatter(100 * confidence, 100 * accuracy, 12 + 240 * count / max(count.sum(), 1), color=BLUE, linewidth=0)
    axes.set(xlim=(-2, 102), ylim=(-2, 102))
    axes.set_xlabel("probability of the predicted class, %", color=MUTED, fontsize=11)
    axes.set_ylabel("of these are right, %", color=MUTED, fontsize=11)
    axes.grid(color=GRID, linewidth=0.6)
    return figure


def read_history(path: Path) -> list[dict]:
    """Entries of a ``metrics.jsonl``, one an epoch."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def make_axes(
    width: float, height: float, heights: Sequence[float] = (1,), *, sharex: bool = True
) -> tuple[Figure, list[Axes]]:
    """An empty figure, size in inches, without a display, and its axes one above the other, of relative ``heights``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(len(heights), squeeze=False, sharex=sharex, height_ratios=heights)[:, 0])
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[:].set_color(GRID)
        one.tick_params(length=0, colors=MUTED, labelsize=11)
        one.set_axisbelow(True)
    return figure, axes


def svg(figure: Figure, title: str) -> str:
    """A figure as SVG, without a date, on no background, words as text; the same figure gives the same bytes."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.hashsalt": "mscnn", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    return out.getvalue()


def save(figure: Figure, path: Path, title: str) -> None:
    """Write a figure as PNG, its title in the metadata."""
    with atomic(path, "wb") as out:
        figure.savefig(out, format="png", dpi=DPI, metadata={"Title": title})
