"""Selection of the best epoch on dev."""

import difflib
from collections.abc import Callable, Mapping, Sequence

from mscnn.config.model import ModelSpec
from mscnn.config.training import Training
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, confusion_matrix
from mscnn.files import digest
from mscnn.stamp import functions_digest

CRITERIA = ("wa_ua", "loss", *METRICS)
# options of training that have an effect only with others -> whether they have, and which those are
NEEDS: Mapping[str, tuple[Callable[[Training], bool], str]] = {
    "momentum": (lambda t: t.optimizer in ("sgd", "rmsprop"), "optimizer=sgd or rmsprop"),
    "nesterov": (lambda t: t.optimizer == "sgd" and t.momentum > 0, "optimizer=sgd and a momentum above 0"),
    "betas": (lambda t: t.optimizer in ("adam", "nadam", "adamw"), "optimizer=adam, nadam or adamw"),
    "clip_mode": (lambda t: t.clip > 0, "a clip above 0"),
    "balance_power": (lambda t: t.balance == "oversample", "balance=oversample"),
    "gamma": (lambda t: t.schedule in ("exponential", "step"), "schedule=exponential or step"),
    "min_lr": (lambda t: t.schedule in ("exponential", "step"), "schedule=exponential or step"),
    "step_epochs": (lambda t: t.schedule in ("step", "cyclic"), "schedule=step or cyclic"),
    "warmup_epochs": (lambda t: t.schedule == "linear", "schedule=linear"),
    "max_lr": (lambda t: t.schedule == "cyclic", "schedule=cyclic"),
}


def check_training(spec: ModelSpec) -> None:
    """Check the options of training that ``mscnn.config`` cannot check.

    Raises:
        UserError: ``training.select`` is not a metric (``metric-unknown``), or options contradict each other
            (``option-conflict``): a setting has no effect, or rates of learning have no range. Values that files of
            conf/models state may be without effect: a setting may have replaced what they need.
    """
    select = spec.training.select
    if select not in CRITERIA:
        close = difflib.get_close_matches(select, CRITERIA, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(CRITERIA)}"
        raise UserError(f"{spec.name}: training.select {select}: unknown metric; {hint}", code="metric-unknown")
    for name, (holds, needed) in NEEDS.items():
        value = getattr(spec.training, name)
        if value == getattr(Training(), name) or holds(spec.training):
            continue
        by_setting = isinstance(spec.origins.get(f"training.{name}"), str)
        if by_setting or (name == "nesterov" and spec.training.optimizer == "sgd"):  # which PyTorch refuses
            raise UserError(f"{spec.name}: training.{name}={value} needs {needed}", code="option-conflict")
    if NEEDS["min_lr"][0](spec.training) and spec.training.min_lr > spec.training.lr:
        raise UserError(
            f"{spec.name}: training.min_lr={spec.training.min_lr:g} is above training.lr ({spec.training.lr:g})",
            code="option-conflict",
        )
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
