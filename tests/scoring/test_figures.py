"""Figures show what they are given."""

import numpy as np
from matplotlib import image

from mscnn.scoring.figures import draw_confusion, draw_curves


def test_confusion_cells_are_shaded_by_recall(tmp_path):
    path = tmp_path / "figures" / "c.png"
    for matrix, dark in (([[9, 1], [0, 10]], True), ([[0, 10], [10, 0]], False)):
        draw_confusion(np.array(matrix), ["calm", "cross"], "title", path)
        pixels = image.imread(path)[..., :3].mean(axis=2)
        height, width = pixels.shape
        corner = pixels[int(height * 0.12) : int(height * 0.2), int(width * 0.28) : int(width * 0.36)]
        assert (np.median(corner) < 0.6) == dark


def test_curves_with_trainings_of_different_length(tmp_path):
    entry = {"train_loss": 1.0, "dev_loss": 1.1, "dev_ua": 40.0, "dev_wa": 40.0}
    histories = [[{"epoch": e, **entry} for e in range(1, n)] for n in (3, 9)]
    draw_curves(histories, "title", tmp_path / "curves.png")
    assert image.imread(tmp_path / "curves.png").std() > 0.01
