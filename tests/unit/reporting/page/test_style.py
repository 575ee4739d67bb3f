"""Colours are legible in the light and the dark theme (WCAG 2: contrast of 4.5 for text)."""

import re
from importlib import resources

import pytest

from mscnn.reporting.figures import PALETTE

STYLE = resources.files("mscnn.reporting").joinpath("templates", "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
)


def luminance(rgb):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def rgb(colour):
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_ratio():
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.01)  # WebAIM's example


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out(theme):
    grounds = {"ink": ("paper", "panel", "warn"), "muted": ("paper", "panel"), "blue": ("paper", "panel")}
    for text, ground in ((text, ground) for text, names in grounds.items() for ground in names):
        assert contrast(rgb(theme[text]), rgb(theme[ground])) >= 4.5, (text, ground)
    for share in (0, 0.25, 0.5, 0.75, 1):  # of the shade of a cell, confusion and attention
        alpha = 0.06 + 0.84 * share
        ground = [alpha * c + (1 - alpha) * p for c, p in zip(rgb(theme["cell"]), rgb(theme["paper"]), strict=True)]
        assert contrast(rgb(theme["ink"]), ground) >= 4.5, share
    for line in ("blue", "orange", "green"):
        assert contrast(rgb(theme[line]), rgb(theme["paper"])) >= 3, line


def test_the_page_has_every_colour_of_the_figures():
    assert {name: LIGHT[name] for name in PALETTE} == PALETTE and {*PALETTE} <= {*DARK}
