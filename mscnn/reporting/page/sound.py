"""The attention figure: waveform, features and attention weights of the words, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mscnn.errors import UserError
from mscnn.reporting.figures import BLUE, CELL, INK, MUTED, make_axes
from mscnn.reporting.page.attention import Attention, attends, attention
from mscnn.reporting.page.audio import recording
from mscnn.reporting.page.plots import Plot
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.results import title
from mscnn.reporting.table import Cell, Column, Table, column_each

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WAVEFORM_POINTS = 700
COLOUR_LIMIT = 2.5  # limit of the colour scale of features, in standard deviations


def attention_section(data: ReportData, utt: str | None, audio: str) -> tuple[Plot, dict[str, object]] | None:
    """Plot and values for the template, for an utterance (None: one is chosen); None for models without attention.

    Raises:
        UserError: as :func:`attention`; or an utterance is given and the model has no attention.
    """
    if not attends(data.config):
        if utt is not None:
            raise UserError(
                f"--utterance {utt}: {data.config['model']} has no audio-to-text attention", code="no-attention"
            )
        return None
    result = attention(data, utt)
    lost = float(1 - result.weights.sum(axis=1).min())
    view: dict[str, object] = {
        "shown": result,
        "feature": data.config["features"]["audio"],
        "table": weights_table(result),
        "recording": recording(data, result.utt, audio),
        "lost": lost if lost > 0.001 else None,  # to padding: legacy_no_mask
        "widths": data.config["model_options"]["text_widths"],
    }
    return _plot(data, result), view


def _plot(data: ReportData, shown: Attention) -> Plot:
    strongest = "; ".join(
        f"{name}: {shown.tokens[row.argmax()]}" for name, row in zip(shown.rows, shown.weights, strict=True)
    )
    alt = f"Waveform and features of {shown.utt} over time. The word with the largest weight: {strongest}"
    columns: list[Column[tuple[int, int]]] = [
        Column("row", lambda at: shown.rows[at[0]]),
        Column("word", lambda at: shown.tokens[at[1]]),
        Column("weight", lambda at: f"{shown.weights[at]:.6f}"),
    ]
    table = Table.of(columns, np.ndindex(*shown.weights.shape))
    return Plot("attention", title(data.exp), alt, picture(shown, words=False), table, filed=picture(shown))


def weights_table(shown: Attention) -> Table:
    """Table of weights, one row per statistic, one column per word; words not in the vocabulary have a dagger."""
    heads = [f"{token}{' †' if unknown else ''}" for token, unknown in zip(shown.tokens, shown.unknown, strict=True)]
    columns: list[Column[int]] = [Column("statistic", lambda row: shown.rows[row], left=True)]
    columns += column_each(range(len(heads)), lambda i: heads[i], lambda row, i: _shaded(float(shown.weights[row, i])))
    return Table.of(columns, range(len(shown.rows)))


def _shaded(weight: float) -> Cell:
    return Cell(f"{100 * weight:.1f}", style=f"--w:{weight:.3f}", classes="w")


def picture(shown: Attention, words: bool = True) -> Figure:
    """Figure of waveform (if available), features, and weights of the words; words are not aligned with the audio."""
    seconds = len(shown.features) * shown.frame_shift
    panels: list[Callable[[Axes], None]] = [partial(_draw_features, shown)]
    if shown.samples is not None and shown.rate is not None:
        panels.insert(0, partial(_draw_wave, shown.samples, shown.rate))
        seconds = max(seconds, len(shown.samples) / shown.rate)
    heights = [*([1, 2] if len(panels) == 2 else [2]), *([0.45 * len(shown.rows)] if words else [])]
    figure, axes = make_axes(5.6, 1.1 * sum(heights), heights, sharex=False)
    for draw, panel in zip(panels, axes, strict=False):
        draw(panel)
        panel.set_xlim(0, seconds)
    axes[len(panels) - 1].set_xlabel("seconds", color=MUTED, fontsize=11)
    if words:
        _draw_weights(shown, axes[-1])
    return figure


def envelope(samples: np.ndarray) -> Iterator[tuple[float, float]]:
    """Lowest and highest sample in each of at most WAVEFORM_POINTS equal parts."""
    for part in np.array_split(samples, min(WAVEFORM_POINTS, len(samples))):
        yield float(part.min()), float(part.max())


def _draw_wave(samples: np.ndarray, rate: int, axes: Axes) -> None:
    low, high = np.array(list(envelope(samples))).T
    times = (np.arange(len(low)) + 0.5) * len(samples) / rate / len(low)
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.4)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("waveform", color=MUTED, fontsize=11)


def _draw_features(shown: Attention, axes: Axes) -> None:
    extent = (0, len(shown.features) * shown.frame_shift, 0, shown.features.shape[1])
    colours: dict[str, Any] = {"cmap": "viridis", "vmin": -COLOUR_LIMIT, "vmax": COLOUR_LIMIT}
    axes.imshow(shown.features.T, aspect="auto", origin="lower", extent=extent, interpolation="nearest", **colours)
    axes.set_ylabel("feature", color=MUTED, fontsize=11)


def _draw_weights(shown: Attention, axes: Axes) -> None:
    from matplotlib.patches import Rectangle

    for row, column in np.ndindex(*shown.weights.shape):
        weight = float(shown.weights[row, column])
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=CELL, alpha=0.9 * weight, linewidth=0))
        axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=8, color=INK)
    axes.set(xlim=(-0.5, len(shown.tokens) - 0.5), ylim=(len(shown.rows) - 0.5, -0.5))
    axes.set_xticks(range(len(shown.tokens)), shown.tokens, rotation=35, ha="right", parse_math=False)
    axes.set_yticks(range(len(shown.rows)), shown.rows, parse_math=False)
    axes.spines[:].set_visible(False)
