"""What a predictor answers: a result for a recording, and segments of a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

STATES = {
    "ok": "nothing to remark",
    "short": "too short for its features, or below half a second",
    "silent": "no speech: the peak is below 0.0001 of full scale, or voice activity detection found none",
    "clipped": "at least 0.1 % of the samples are at full scale",
    "length": "shorter or longer than all recordings in training",
    "uncertain": "the confidence is below the threshold of the model",
}


@dataclass(frozen=True)
class Result:
    """Emotion of a recording.

    Attributes:
        label: the most probable class; None where nothing was predicted (parts of a timeline without speech).
        probabilities: posterior of every class, in the order of the model; empty where nothing was predicted.
        confidence: calibrated probability of ``label``: posteriors at the temperature that was fitted on dev.
        state: ``ok``, or the first of ``STATES`` that applies.
        text: transcript that the model took; None: the model takes none, or none was given.
        seconds: duration.
        text_source: ``given``, the name of an ASR engine, or ``none``.
        notices: conversions of the audio, and what a missing text costs.
    """

    label: str | None
    probabilities: Mapping[str, float]
    confidence: float
    state: str
    text: str | None
    seconds: float
    text_source: str = "none"
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain values, which JSON can hold."""
        return {**asdict(self), "probabilities": dict(self.probabilities), "notices": list(self.notices)}


@dataclass(frozen=True)
class Segment:
    """A part of a timeline, from ``start`` to ``end`` in seconds."""

    start: float
    end: float
    result: Result = field(compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Start, end and the values of the result, which JSON can hold."""
        return {"start": self.start, "end": self.end, **self.result.to_dict()}


def merged(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours of the same label and state in one; probabilities and confidence are means, weighted by duration."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last and (last.result.label, last.result.state) == (segment.result.label, segment.result.state):
            joined[-1] = _join(last, segment)
        else:
            joined.append(segment)
    return joined


def _join(a: Segment, b: Segment) -> Segment:
    share = (b.end - b.start) / (b.end - a.start)

    def mean(x: float, y: float) -> float:
        return (1 - share) * x + share * y

    first, second = a.result, b.result
    texts = [text for text in (first.text, second.text) if text]
    result = Result(
        first.label,
        {name: mean(p, second.probabilities[name]) for name, p in first.probabilities.items()},
        mean(first.confidence, second.confidence),
        first.state,
        " ".join(dict.fromkeys(texts)) or None,
        b.end - a.start,
        first.text_source,
        tuple(dict.fromkeys([*first.notices, *second.notices])),
    )
    return Segment(a.start, b.end, result)
