"""A handmade experiment: two folds, two runs, two classes."""

import pytest
import yaml

from mscnn.evaluation.experiment import Experiment
from mscnn.files import write_table
from tests.unit.asr.conftest import make_data  # noqa: F401  (a fixture)

CLASSES = ["calm", "cross"]
# Confusion matrices of the test parts [fold][run], rows truth; dev parts hold the same counts under other ids.
COUNTS = [[[[3, 1], [1, 1]], [[4, 0], [0, 2]]], [[[2, 0], [1, 1]], [[2, 0], [0, 2]]]]


def write_predictions(path, prefix, matrix, classes=CLASSES):
    """Write a file with these counts; the ids depend on the truth only, so runs of a fold agree."""
    lines = ["\t".join(["utt", "truth", "pred", *(f"p_{c}" for c in classes)])]
    for i, row in enumerate(matrix):
        predicted = [j for j, count in enumerate(row) for _ in range(count)]
        for n, j in enumerate(predicted):
            p = [0.9 if k == j else 0.1 / (len(classes) - 1) for k in range(len(classes))]
            lines.append("\t".join([f"{prefix}-{i}{n}", classes[i], classes[j], *(f"{x:.6f}" for x in p)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def make_experiment(path, counts=COUNTS, classes=CLASSES, **changes):
    """Write an experiment folder with ``counts[fold][run]``."""
    config = {
        "model": "mscnn_spu",
        "data": str(path.parent / "data"),
        "classes": classes,
        "protocol": {
            "name": "random10",
            "version": 1,
            "hash": "1f3a",
            "disjoint": {"train-test": ["speaker"], "train-dev": [], "dev-test": []},
            "selection": "dev",
        },
        "text": "gt",
        "xvector": "none",
        "folds": len(counts),
        "runs": len(counts[0]),
        "parameters": 1468036,
        "legacy": [],
        "environment": {"python": "3.11.7", "torch": "2.13.0"},
        "command": "python -m mscnn.bin.train --model mscnn_spu",
    }
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump({**config, **changes}))
    for f, runs in enumerate(counts, 1):
        for r, matrix in enumerate(runs, 1):
            for part in ("dev", "test"):
                file = path / f"fold{f:02d}" / f"run{r}" / f"predictions_{part}.tsv"
                write_predictions(file, f"{part[0]}{f}", matrix, classes)
    return path


def write_data(path, exp, **tables):
    """Write a data directory's tables of the experiment's utterances: ``tables`` of functions of the id."""
    utts = {u for folds in exp.parts.values() for runs in folds for u in runs[0].utts}
    for name, of in tables.items():
        write_table(path / name, {u: of(u) for u in utts})
    return path


@pytest.fixture
def folder(tmp_path):
    return make_experiment(tmp_path / "exp" / "try")


@pytest.fixture
def experiment(folder):
    return Experiment.load(folder)
