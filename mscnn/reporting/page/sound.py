"""The attention picture: waveform, features and the weights of the words, one above the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mscnn.errors import UserError
from mscnn.reporting.figures import BLUE, CELL, INK, MUTED, make_axes
from mscnn.reporting.page.attention import Attention, attends, attention
from mscnn.reporting.page.audio import player
from mscnn.reporting.page.html import Markup, element, join, paragraph, table
from mscnn.reporting.page.plots import Plot
from mscnn.reporting.page.source import Source
from mscnn.reporting.results import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 700  # points of a waveform
LIMIT = 2.5  # standard deviations that the colours of features reach to


def attention_section(source: Source, utt: str | None, audio: str) -> tuple[Plot, Markup] | None:
    """Plot and text for an utterance (None: chosen); None where the model has no attention.

    Raises:
        UserError: as :func:`attention`; or an utterance is asked for, and the model has no attention.
    """
    if not attends(source.config):
        if utt is not None:
            raise UserError(f"--utterance {utt}: {source.config['model']} has no attention that could be shown")
        return None
    found = attention(source, utt)
    lost = 1 - found.weights.sum(axis=1).min()
    padding = f" Padding takes up to {100 * lost:.1f} %." if lost > 0.001 else ""  # legacy_no_mask
    rows = [(*map(str, (name, word)), weight) for name, row in zip(found.rows, found.weights.tolist(), strict=True)
            for word, weight in zip(found.tokens, (f"{w:.6f}" for w in row), strict=True)]  # fmt: skip
    strongest = "; ".join(
        f"{name}: {found.tokens[row.argmax()]}" for name, row in zip(found.rows, found.weights, strict=True)
    )
    alt = f"Waveform and features of {found.utt} over time. The word with the most weight: {strongest}"
    plot = Plot(
        "attention",
        title(source.exp),
        alt,
        picture(found, words=False),
        ["row", "word", "weight"],
        rows,
        picture(found),
    )
    right = "rightly" if found.pred == found.truth else "wrongly"
    shift = " Silent edges were cut before the features were made." if found.trimmed else ""
    heard = "Waveform above, features below" if found.samples is not None else "Features (the recording is not at hand)"
    body = [
        paragraph(
            "Each statistic of the audio (max, avg, std over time) asks the words of ",
            element("code", found.utt), f" and gives each a weight; it is classified {right} as {found.pred}"
            f"{'' if right == 'rightly' else f', is {found.truth}'}. Fold {found.fold}, run 1.",
        ),
        player(source, found.utt, audio),
        plot.show(f"{heard}: {source.config['features']['audio']}, as the model hears it, {len(found.features)} frames "
                  f"of {1000 * found.frame_shift:g} ms.{shift}"),
        weights_table(found),
        paragraph("A word stands for its neighbourhood: the maps that are asked are those of convolutions over "
                  f"{_widths(source)} words.{padding}", class_="note"),
        paragraph("† not in the vocabulary of the training part", class_="note") if any(found.unknown) else None,
    ]  # fmt: skip
    return plot, join(body)


def weights_table(found: Attention) -> Markup:
    """A row a statistic, a column a word; the shade of a cell is its weight."""
    head = [
        "statistic",
        *(f"{t}{' †' if unknown else ''}" for t, unknown in zip(found.tokens, found.unknown, strict=True)),
    ]
    rows = [[name, *(_shaded(w) for w in row)] for name, row in zip(found.rows, found.weights.tolist(), strict=True)]
    return element("div", table("Weight of each word, %", head, rows), class_="weights")


def _shaded(weight: float) -> dict[str, object]:
    return {"content": f"{100 * weight:.1f}", "style": f"--w:{weight:.3f}", "class_": "w"}


def _widths(source: Source) -> str:
    *most, last = source.config["model_options"]["text_widths"]
    return f"{', '.join(map(str, most))} and {last}" if most else str(last)


def picture(found: Attention, words: bool = True) -> Figure:
    """The panels there is data for, over the same seconds; words stand evenly, they are not aligned."""
    panels = [_draw_wave] if found.samples is not None else []
    panels += [_draw_features]
    seconds = len(found.features) * found.frame_shift
    if found.samples is not None:
        seconds = max(seconds, len(found.samples) / found.rate)
    count = len(panels) + words
    heights = [*([1, 2] if len(panels) == 2 else [2]), *([0.45 * len(found.rows)] if words else [])]
    figure, axes = make_axes(5.6, 1.1 * sum(heights), rows=count, height_ratios=heights, sharex=False)
    for draw, one in zip(panels, np.atleast_1d(axes), strict=False):
        draw(found, one)
        one.set_xlim(0, seconds)
    np.atleast_1d(axes)[len(panels) - 1].set_xlabel("seconds", color=MUTED, fontsize=11)
    if words:
        _draw_weights(found, axes[-1])
    return figure


def envelope(samples: np.ndarray) -> Iterator[tuple[float, float]]:
    """Lowest and highest sample of at most COLUMNS equal parts."""
    for part in np.array_split(samples, min(COLUMNS, len(samples))):
        yield float(part.min()), float(part.max())


def _draw_wave(found: Attention, axes: Axes) -> None:
    low, high = np.array(list(envelope(found.samples))).T
    times = (np.arange(len(low)) + 0.5) * len(found.samples) / found.rate / len(low)
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.4)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("waveform", color=MUTED, fontsize=11)


def _draw_features(found: Attention, axes: Axes) -> None:
    extent = (0, len(found.features) * found.frame_shift, 0, found.features.shape[1])
    axes.imshow(found.features.T, aspect="auto", origin="lower", extent=extent, cmap="viridis", vmin=-LIMIT,
                vmax=LIMIT, interpolation="nearest")  # fmt: skip
    axes.set_ylabel("feature", color=MUTED, fontsize=11)


def _draw_weights(found: Attention, axes: Axes) -> None:
    from matplotlib.patches import Rectangle

    for row, column in np.ndindex(*found.weights.shape):
        weight = float(found.weights[row, column])
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=CELL, alpha=0.9 * weight, linewidth=0))
        axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=8, color=INK)
    axes.set(xlim=(-0.5, len(found.tokens) - 0.5), ylim=(len(found.rows) - 0.5, -0.5))
    axes.set_xticks(range(len(found.tokens)), found.tokens, rotation=35, ha="right", parse_math=False)
    axes.set_yticks(range(len(found.rows)), found.rows, parse_math=False)
    axes.spines[:].set_visible(False)
