"""Figures of an experiment. They use the colours of PALETTE only, so that a page can replace them by its own."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mscnn.errors import UserError
from mscnn.files import atomic, json_value
from mscnn.log import get_logger

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
PALETTE = {  # values are distinct: a page replaces a colour by its value
    "ink": "#1b1f27",
    "muted": "#5b6270",
    "grid": "#d8dce3",
    "cell": "#5b8def",
    "blue": "#2b62c4",
    "orange": "#b3541e",
    "green": "#2a7a4b",
}
INK, MUTED, GRID, CELL, BLUE, ORANGE, GREEN = PALETTE.values()
MAX_LABELLED_ROWS = 40  # a dot plot with more rows has no row labels
NEEDED = {"epoch", "train_loss", "dev_loss", "dev_ua"}  # of an entry of metrics.jsonl


def confusion(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Confusion matrix of counts (K, K), rows truth: each cell shows its percentage of the row and its count."""
    from matplotlib.patches import Rectangle

    share = matrix / matrix.sum(axis=1, keepdims=True)
    figure, (axes,) = make_axes(1.4 + 0.85 * len(names), 1 + 0.7 * len(names))
    for row, column in np.ndindex(*matrix.shape):
        cell = share[row, column]
        corner = (column - 0.48, row - 0.48)
        axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=CELL, alpha=0.06 + 0.84 * cell, linewidth=0))
        text = f"{100 * cell:.1f} %\n{matrix[row, column]}"
        axes.text(column, row, text, ha="center", va="center", fontsize=11, color=INK)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
    rotated: dict[str, Any] = {"rotation": 30, "ha": "right"} if len(names) > 5 else {}
    axes.set_xticks(range(len(names)), names, parse_math=False, **rotated)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", color=MUTED, fontsize=11)
    axes.set_ylabel("truth", color=MUTED, fontsize=11)
    return figure


def curves(histories: Sequence[Sequence[dict]]) -> Figure:
    """Loss and dev UA over epochs, one line per training; ``histories`` are entries of ``metrics.jsonl``."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = make_axes(5.6, 5.2, (1, 1))
    panels = (
        (axes[0], "cross-entropy", (("train_loss", BLUE), ("dev_loss", ORANGE))),
        (axes[1], "dev UA, %", (("dev_ua", GREEN),)),
    )
    for panel, title, series in panels:
        for key, color in series:
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
    """Dot plot of values in percent, one row per name, the first on top.

    Args:
        names: labels of the rows; more than MAX_LABELLED_ROWS are not shown.
        marks: label -> values of the rows, for up to two kinds of marks; None: no mark.
        spans: intervals of the rows, or None.
        reference: position of a vertical line.
    """
    height = 0.27 * len(names) if len(names) <= MAX_LABELLED_ROWS else 0.06 * len(names)
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
    styles: tuple[dict[str, Any], ...] = ({"color": BLUE, "markersize": 5.5}, ring)
    for (label, values), style in zip(marks.items(), styles, strict=False):
        points = [(value, row) for row, value in enumerate(values) if value is not None]
        axes.plot(*np.reshape(points, (-1, 2)).T, "o", label=label, **style)
    axes.set(xlim=(-2, 102), ylim=(len(names) - 0.4, -0.6))
    axes.set_yticks(*((range(len(names)), names) if len(names) <= MAX_LABELLED_ROWS else ((), ())), parse_math=False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_xlabel("%", color=MUTED, fontsize=11)
    if len(marks) > 1:
        figure.legend(loc="outside upper right", ncols=2, frameon=False, labelcolor=INK, fontsize=11)
    return figure


def reliability(bins: Sequence[Mapping]) -> Figure:
    """Reliability diagram: accuracy over confidence per bin; the size of a dot is the number of its predictions.

    Args:
        bins: ``reliability`` of ``statistics.json``.
    """
    figure, (axes,) = make_axes(4.2, 4)
    axes.plot((0, 100), (0, 100), color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    used = [entry for entry in bins if entry["count"]]
    confidence, accuracy, count = (
        np.array([entry[key] for entry in used]) for key in ("confidence", "accuracy", "count")
    )
    axes.scatter(100 * confidence, 100 * accuracy, 12 + 240 * count / max(count.sum(), 1), color=BLUE, linewidth=0)
    axes.set(xlim=(-2, 102), ylim=(-2, 102))
    axes.set_xlabel("probability of the predicted class, %", color=MUTED, fontsize=11)
    axes.set_ylabel("accuracy, %", color=MUTED, fontsize=11)
    axes.grid(color=GRID, linewidth=0.6)
    return figure


def read_history(path: Path) -> list[dict]:
    """Entries of a ``metrics.jsonl``, one per epoch.

    Raises:
        UserError: it is not one that training wrote (``history-damaged``).
    """
    try:
        entries = [json_value(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}; train this fold again", code="history-damaged") from None
    if not all(map(_is_entry, entries)):
        raise UserError(f"{path}: expected numbers by name in each line; train this fold again", code="history-damaged")
    return entries


def _is_entry(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() >= NEEDED:
        return False
    return all(isinstance(number, (int, float)) for number in value.values())


def make_axes(
    width: float, height: float, heights: Sequence[float] = (1,), *, sharex: bool = True
) -> tuple[Figure, list[Axes]]:
    """An empty figure of a size in inches, which needs no display, and its axes from top to bottom.

    Args:
        width: in inches.
        height: in inches.
        heights: relative heights of the axes.
        sharex: whether the axes share their x axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(len(heights), squeeze=False, sharex=sharex, height_ratios=heights)[:, 0])
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[:].set_color(GRID)
        panel.tick_params(length=0, colors=MUTED, labelsize=11)
        panel.set_axisbelow(True)
    return figure, axes


@contextmanager
def _any_letters(path: Path | None = None) -> Iterator[None]:
    """Draw letters that the font lacks without a warning for each; browsers draw those of SVG with fonts of theirs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Glyph ")
        yield
    lacking = [one for one in caught if str(one.message).startswith("Glyph ")]
    if lacking and path:
        get_logger("figures").warning("%s: the font lacks letters of its labels, which are boxes", path)
    for other in caught:
        if other not in lacking:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)


def svg(figure: Figure, title: str) -> str:
    """A figure as SVG without date and background, labels as text; the same figure gives the same bytes."""
    from matplotlib import rc_context

    out = io.StringIO()
    with _any_letters(), rc_context({"svg.hashsalt": "mscnn", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    return out.getvalue()


def save(figure: Figure, path: Path, title: str) -> None:
    """Write a figure as PNG with its title in the metadata; letters that its font lacks are boxes, which is logged."""
    with _any_letters(path), atomic(path, "wb") as out:
        figure.savefig(out, format="png", dpi=DPI, metadata={"Title": title})
