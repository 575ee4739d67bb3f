"""Figures show their data."""

import re

import numpy as np
from matplotlib import image

from mscnn.reporting.figures import PALETTE, confusion, curves, dots, reliability, save, svg


def test_confusion_cells_are_shaded_by_recall(tmp_path):
    path = tmp_path / "figures" / "c.png"
    for matrix, shaded in (([[9, 1], [0, 10]], True), ([[0, 10], [10, 0]], False)):
        save(confusion(np.array(matrix), ["calm", "cross"]), path, "title")
        pixels = image.imread(path)[..., 0]
        height, width = pixels.shape
        corner = pixels[int(height * 0.06) : int(height * 0.14), int(width * 0.3) : int(width * 0.4)]
        assert (np.median(corner) < 0.6) == shaded


def test_curves_with_trainings_of_different_length(tmp_path):
    entry = {"train_loss": 1.0, "dev_loss": 1.1, "dev_ua": 40.0, "dev_wa": 40.0}
    histories = [[{"epoch": e, **entry} for e in range(1, n)] for n in (3, 9)]
    save(curves(histories), tmp_path / "curves.png", "title")
    assert image.imread(tmp_path / "curves.png").std() > 0.01


def test_dots_are_at_their_values_and_missing_for_none():
    figure = dots(["a", "b"], {"UA": [None, 25.0], "WA": [75.0, 50.0]}, [None, (10, 40)], reference=30)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines["UA"].get_xydata().tolist() == [[25, 1]]
    assert lines["WA"].get_xydata().tolist() == [[75, 0], [50, 1]]
    spans = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_linewidth() == 2]
    assert spans == [[[10, 1], [40, 1]]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert not dots([str(i) for i in range(99)], {"UA": [1.0] * 99}).axes[0].get_yticklabels()


def test_an_empty_bin_has_no_dot():
    bins = [{"count": 0, "confidence": None, "accuracy": None}, {"count": 3, "confidence": 0.6, "accuracy": 0.5}]
    assert reliability(bins).axes[0].collections[0].get_offsets().tolist() == [[60, 50]]


def test_svg_is_reproducible_and_does_not_interpret_names():
    names = ["<b>", "$x_", "a&b$"]

    def draw():
        return svg(confusion(np.eye(3, dtype=int), names), "<title>")

    assert draw() == draw() and "<b>" not in draw() and "&lt;b&gt;" in draw() and "$x_" in draw()
    assert "date" not in draw().lower()
    colours = {c.lower() for c in re.findall(r"#[0-9a-fA-F]{6}", draw())}
    assert colours <= {*PALETTE.values()}, "a page could not put its own in their place"


def test_letters_that_the_font_lacks_are_one_line(tmp_path, caplog, recwarn):
    figure = confusion(np.eye(2, dtype=int), ["สุข", "sad"])
    assert "สุข" in svg(figure, "title") and not caplog.messages
    save(figure, tmp_path / "c.png", "title")
    assert len(caplog.messages) == 1 and "c.png" in caplog.messages[0] and not recwarn.list
