"""What makes an epoch the best on dev."""

import difflib
from collections.abc import Mapping

from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS

NAMES = ("wa_ua", "loss", *METRICS)


def check_training(spec: ModelSpec) -> None:
    """Check what a configuration says about training and ``mscnn.config`` cannot know.

    Raises:
        UserError: ``training.select`` is no metric.
    """
    select = spec.training.select
    if select not in NAMES:
        near = difflib.get_close_matches(select, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(NAMES)}"
        raise UserError(f"{spec.name}: training.select {select}: no metric; {hint}", code="metric-unknown")


def selection_score(select: str, scores: Mapping[str, float]) -> float:
    """The number by which epochs are compared, larger is better; ``scores`` are an epoch's line of metrics.jsonl."""
    if select == "wa_ua":
        return (scores["dev_wa"] + scores["dev_ua"]) / 2
    return -scores["dev_loss"] if select == "loss" else scores[f"dev_{select}"]
