"""Selection of the best epoch on dev."""

import difflib
from collections.abc import Mapping, Sequence

from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, confusion_matrix
from mscnn.files import digest
from mscnn.stamp import functions_digest

CRITERIA = ("wa_ua", "loss", *METRICS)


def check_training(spec: ModelSpec) -> None:
    """Check the options of training that ``mscnn.config`` cannot check.

    Raises:
        UserError: ``training.select`` is not a metric, or a cyclic learning rate has no maximum.
    """
    select = spec.training.select
    if select not in CRITERIA:
        close = difflib.get_close_matches(select, CRITERIA, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(CRITERIA)}"
        raise UserError(f"{spec.name}: training.select {select}: unknown metric; {hint}", code="metric-unknown")
    if spec.training.schedule == "cyclic" and spec.training.max_lr <= spec.training.lr:
        raise UserError(
            f"{spec.name}: training.schedule=cyclic needs training.max_lr above training.lr ({spec.training.lr:g})",
            code="option-conflict",
        )


def check_class_weights(spec: ModelSpec, classes: Sequence[str]) -> None:
    """Check that ``training.class_weights`` name classes only.

    Raises:
        UserError: a weight is for no class (``class-weights``).
    """
    given = spec.training.class_weights
    unknown = set() if isinstance(given, str) else given.keys() - {*classes}
    if unknown:
        raise UserError(
            f"training.class_weights: no class {', '.join(sorted(unknown))}; the classes are {', '.join(classes)}",
            code="class-weights",
        )


def code_digest(select: str) -> str:
    """Digest of the code of the metrics that ``select`` epochs; other metrics may be added and changed."""
    metrics = {"wa_ua": ("wa", "ua"), "loss": ()}.get(select, (select,))
    functions = [METRICS[name].function for name in metrics if name in METRICS]
    by_name = [functions_digest(function.__module__, [function.__name__]) for function in functions]
    return digest([functions_digest(confusion_matrix.__module__, [confusion_matrix.__name__]), *by_name])


def selection_score(select: str, scores: Mapping[str, float]) -> float:
    """Selection criterion of an epoch, larger is better; ``scores`` is its line of metrics.jsonl."""
    if select == "wa_ua":
        return (scores["dev_wa"] + scores["dev_ua"]) / 2
    return -scores["dev_loss"] if select == "loss" else scores[f"dev_{select}"]
