"""Figures of an experiment, as PNG files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn.files import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150


def draw_confusion(matrix: np.ndarray, names: Sequence[str], title: str, path: Path) -> None:
    """Draw counts (K, K), rows truth: each cell has its share of the row in percent and its count."""
    share = 100 * matrix / matrix.sum(axis=1, keepdims=True)
    figure = _figure(1.6 + 0.9 * len(names), 1.2 + 0.9 * len(names))
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="truth")
    axes.set_title(title, fontsize=9)
    for row, column in np.ndindex(*matrix.shape):
        text = f"{share[row, column]:.1f} %\n{matrix[row, column]}"
        color = "white" if share[row, column] > 55 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    _save(figure, path)


def draw_curves(histories: Sequence[Sequence[dict]], title: str, path: Path) -> None:
    """Draw loss and dev UA over epochs, one thin line a training; ``histories`` are those of ``metrics.jsonl``."""
    figure = _figure(8, 3.2)
    loss, score = figure.subplots(1, 2)
    drawn = ((loss, "train_loss", "tab:blue"), (loss, "dev_loss", "tab:orange"), (score, "dev_ua", "tab:green"))
    for axes, key, color in drawn:
        for i, history in enumerate(histories):
            epochs = [entry["epoch"] for entry in history]
            label = key.replace("_", " ") if i == 0 else None
            axes.plot(epochs, [entry[key] for entry in history], color=color, linewidth=0.7, alpha=0.7, label=label)
    loss.set(xlabel="epoch", ylabel="cross-entropy")
    score.set(xlabel="epoch", ylabel="dev UA, %")
    loss.legend()
    figure.suptitle(f"{title}: {len(histories)} trainings", fontsize=9)
    _save(figure, path)


def read_history(path: Path) -> list[dict]:
    """Entries of a ``metrics.jsonl``, one an epoch."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _figure(width: float, height: float) -> Figure:
    """An empty figure, size in inches, without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with atomic(path, "wb") as out:
        figure.savefig(out, format="png", dpi=DPI)
