"""Selection of the best epoch on dev."""

import difflib
from collections.abc import Mapping

from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS

CRITERIA = ("wa_ua", "loss", *METRICS)


def check_training(spec: ModelSpec) -> None:
    """Check the options of training that ``mscnn.config`` cannot check.

    Raises:
        UserError: ``training.select`` is not a metric.
    """
    select = spec.training.select
    if select not in CRITERIA:
        close = difflib.get_close_matches(select, CRITERIA, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(CRITERIA)}"
        raise UserError(f"{spec.name}: training.select {select}: unknown metric; {hint}", code="metric-unknown")


def selection_score(select: str, scores: Mapping[str, float]) -> float:
    """Selection criterion of an epoch, larger is better; ``scores`` is its line of metrics.jsonl."""
    if select == "wa_ua":
        return (scores["dev_wa"] + scores["dev_ua"]) / 2
    return -scores["dev_loss"] if select == "loss" else scores[f"dev_{select}"]
