"""CARD.md of a bundle: the model card, with front matter as the Hugging Face hub reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import confusion_matrix
from mscnn.inference.description import Description
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.templates import render

LIMITS = (
    "Emotions are those that the corpus names and its labels state; what a person feels is not known from a voice.",
    "Other languages, microphones, rooms, ages and speaking styles than those in training may be recognised worse. "
    "Measure it on recordings of your own before you rely on answers.",
    "Do not decide about people by these answers.",
)
LICENCES = {  # pattern in the licence of a corpus -> identifier of the hub
    r"CC BY-NC-SA 4": "cc-by-nc-sa-4.0",
    r"CC BY-NC 4": "cc-by-nc-4.0",
    r"CC BY 4": "cc-by-4.0",
    r"Apache-2": "apache-2.0",
}


def bundle_card(
    d: Description, exp: Experiment | None = None, *, licence: str = "", half: bool = False, code: str = ""
) -> str:
    """The model card of a system.

    Args:
        exp: its experiment, for the recall of each class.
        licence: terms of the weights; default: those of the corpus, as far as they are known.
        half: whether weights are stored in 16 bits.
        code: script for an ONNX file of a network, of :func:`mscnn.inference.onnx_example.example_code`.
    """
    terms = licence or _licence(d)
    return render(
        "bundle_card.md",
        d=d,
        front=yaml.safe_dump(_front(d, terms), sort_keys=False, allow_unicode=True).rstrip("\n"),
        inputs=_inputs(d),
        lines=[line for line in d.scores if " subset=all " in line],
        matrix=_matrix(d, exp) if exp else None,
        licence=terms,
        limits=[*d.corpus.limits, *LIMITS],
        half=half,
        code=code.rstrip("\n"),
    )


def _licence(d: Description) -> str:
    if not d.corpus.licence:
        return "Not stated. Weights may be bound by the terms of the corpus that they were trained on."
    return f"Terms of the corpus: {d.corpus.licence}. The bundle has weights only, no recordings of the corpus."


def _front(d: Description, terms: str) -> dict[str, Any]:
    """Front matter: see the hub's documentation of model cards."""
    known = next((name for pattern, name in LICENCES.items() if re.search(pattern, terms)), None)
    front: dict[str, Any] = {"license": known or "other"}
    if known is None:
        front["license_name"] = "see-card"
    tags = [*dict.fromkeys(["speech-emotion-recognition", "emotion", "mscnn", d.system.family])]
    front |= {"library_name": "mscnn", "pipeline_tag": "audio-classification", "tags": tags}
    if d.scores:
        values = ScoreLine.parse(d.scores[0]).values
        metrics = [{"type": name, "value": values[name]} for name in ("ua", "wa", "f1") if name in values]
        dataset = {"name": d.corpus.name or d.corpus.labels, "type": d.corpus.labels}
        result = {"task": {"type": "audio-classification"}, "dataset": dataset, "metrics": metrics}
        front["model-index"] = [{"name": d.name, "results": [result]}]
    return front


def _inputs(d: Description) -> list[str]:
    recorded = [one for one in d.features.values() if "rate" in one.options]
    rates = {one.options["rate"] for one in recorded}
    audio = [f"audio ({', '.join(one.name for one in recorded)}; {'/'.join(map(str, rates))} Hz)"]
    text = [f"text ({d.text})"] if d.text != "none" else []
    return [*(audio if recorded else []), *text, *(["x-vectors"] if d.xvector else [])]


@dataclass(frozen=True)
class _OwnScores:
    """Scores on test of the networks of a bundle together: class, recall in percent, recordings; UA and WA."""

    recalls: list[tuple[str, str, int]]
    ua: str
    wa: str
    total: int


def _matrix(d: Description, exp: Experiment) -> _OwnScores:
    total: Any = 0
    for one in d.networks:
        part = exp.parts["test"][one.fold - 1][one.run - 1]
        total = total + confusion_matrix(part.truth, part.pred, len(d.classes))
    right, count = total.diagonal(), total.sum(axis=1)
    recalls = [
        (name, f"{100 * r / n:.1f}" if n else "–", int(n)) for name, r, n in zip(d.classes, right, count, strict=True)
    ]
    ua = 100 * (right[count > 0] / count[count > 0]).mean()
    return _OwnScores(recalls, f"{ua:.2f}", f"{100 * right.sum() / count.sum():.2f}", int(count.sum()))
