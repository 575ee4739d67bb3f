"""Outputs of training: predictions, TensorBoard events, logs, and a record of the environment."""

import contextlib
import logging
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mscnn import __version__
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.packages import require
from mscnn.paths import CONF, ROOT


def softmax(scores: np.ndarray) -> np.ndarray:
    """Posteriors (n, K) of scores (n, K)."""
    exp = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def write_predictions(
    path: Path, utts: Sequence[str], logits: np.ndarray, truth: Mapping[str, str], classes: Sequence[str]
) -> None:
    """Write utterance, truth, prediction and a probability per class, sorted by utterance; logits are (n, classes).

    Raises:
        UserError: logits of an utterance are not finite (``prediction-not-finite``); nothing is written.
    """
    invalid = [utt for utt, row in zip(utts, logits, strict=True) if not np.isfinite(row).all()]
    if invalid:
        raise UserError(
            f"{path}: the scores of {invalid[0]}, one of {len(invalid)} of {len(utts)} utterances, are not finite: "
            "its features are damaged (extract them again with stage 3), or the weights are (train this fold again)",
            code="prediction-not-finite",
        )
    rows = dict(zip(utts, softmax(logits), strict=True))
    with atomic(path) as out:
        out.write("\t".join(["utt", "truth", "pred", *(f"p_{c}" for c in classes)]) + "\n")
        for utt in sorted(rows, key=str.encode):
            p = rows[utt]
            out.write("\t".join([utt, truth[utt], classes[int(p.argmax())], *(f"{x:.6f}" for x in p)]) + "\n")


def require_tensorboard() -> None:
    """Raise UserError unless the package tensorboard is installed."""
    require("tensorboard", "--tensorboard true")


def write_tensorboard(directory: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write ``metrics.jsonl`` as TensorBoard events; raises as :func:`require_tensorboard`."""
    require_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(directory / "tensorboard")) as writer:
        for entry in history:
            for key in entry.keys() - {"epoch"}:
                writer.add_scalar(key, entry[key], entry["epoch"])


@contextlib.contextmanager
def logged_to(path: Path, logger: logging.Logger) -> Iterator[None]:
    """Context in which the messages of a logger are also appended to a file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _git_commit() -> str:
    if CONF.parent != ROOT:  # installed: a repository around it is another one
        return "unknown"
    command = ["git", "-C", os.fspath(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def environment() -> dict[str, str]:
    """Versions and machine, for ``config.yaml``."""
    import torch

    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "mscnn": __version__,
        "git": _git_commit(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
