"""Answers of a predictor as text: tables, JSON, and the annotation formats of other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from mscnn.errors import UserError
from mscnn.inference.result import Segment
from mscnn.reporting.table import no_formula

Answer: TypeAlias = tuple[str, list[Segment]]  # name of a recording, and its segments: one for the whole of it
NO_SPEECH = "-"  # label of segments without speech, where a format has no empty labels


def write(name: str, answers: Iterable[Answer], classes: Sequence[str], *, timeline: bool) -> Iterator[str]:
    """Pieces of the text of answers in a format; see ``FORMATS``. With ``timeline`` tables have start and end.

    Raises:
        UserError: the format holds one recording only (``SINGLE``), and there are several.
    """
    yield from FORMATS[name](answers, classes, timeline)


def require_single(name: str, recordings: int) -> None:
    """Raise UserError where a format holds one recording only, and there are several."""
    if name in SINGLE and recordings != 1:
        raise UserError(
            f"--out {name} holds one recording, not {recordings}; call it once for each, or use another format",
            code="format-single",
        )


def _table(delimiter: str) -> Callable[[Iterable[Answer], Sequence[str], bool], Iterator[str]]:
    def lines(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        times = ["start", "end"] if timeline else ["seconds"]
        writer.writerow(["recording", *times, "label", "confidence", "state", "text", *(f"p_{c}" for c in classes)])
        for name, segments in answers:
            for s in segments:
                r, span = s.result, [f"{s.start:.3f}", f"{s.end:.3f}"] if timeline else [f"{s.result.seconds:.3f}"]
                confidence = "" if r.label is None else f"{r.confidence:.4f}"
                p = [f"{r.probabilities[c]:.6f}" if r.probabilities else "" for c in classes]
                text = " ".join((r.text or "").split())
                row = [name, *span, r.label or "", confidence, r.state, text, *p]
                writer.writerow(map(no_formula, row) if delimiter == "," else row)
            yield buffer.getvalue()
            buffer.seek(buffer.truncate(0))
        yield buffer.getvalue()

    return lines


def _objects(answers: Iterable[Answer], timeline: bool) -> Iterator[dict]:
    for name, segments in answers:
        for segment in segments:
            yield {"recording": name, **(segment if timeline else segment.result).to_dict()}


def _jsonl(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    for value in _objects(answers, timeline):
        yield json.dumps(value, ensure_ascii=False) + "\n"


def _json(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    yield json.dumps(list(_objects(answers, timeline)), ensure_ascii=False, indent=1) + "\n"


def _rttm(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    """NIST's RTTM: the emotion in place of the speaker, confidences are set; no lines without speech."""
    for name, segments in answers:
        for s in segments:
            if s.result.label is not None:
                file, label = ("_".join(word.split()) for word in (name, s.result.label))
                duration, confidence = s.end - s.start, s.result.confidence
                yield f"SPEAKER {file} 1 {s.start:.3f} {duration:.3f} <NA> <NA> {label} {confidence:.4f} <NA>\n"


def _textgrid(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    """Praat's TextGrid with one interval tier; segments without speech have an empty label."""
    for _, segments in answers:
        end = segments[-1].end
        yield 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        yield f"xmin = 0\nxmax = {end:.6f}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        yield f'        class = "IntervalTier"\n        name = "emotion"\n        xmin = 0\n        xmax = {end:.6f}\n'
        yield f"        intervals: size = {len(segments)}\n"
        for i, s in enumerate(segments, 1):
            label = (s.result.label or "").replace('"', '""')
            yield f"        intervals [{i}]:\n            xmin = {s.start:.6f}\n            xmax = {s.end:.6f}\n"
            yield f'            text = "{label}"\n'


def _audacity(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    """A label track of Audacity: start, end, label with confidence."""
    for _, segments in answers:
        for s in segments:
            label = f"{s.result.label} {s.result.confidence:.2f}" if s.result.label else NO_SPEECH
            yield f"{s.start:.6f}\t{s.end:.6f}\t{label}\n"


def _srt(answers: Iterable[Answer], classes: Sequence[str], timeline: bool) -> Iterator[str]:
    """Subtitles: label, confidence in percent, and the transcript; parts without speech have none."""
    for _, segments in answers:
        spoken = [s for s in segments if s.result.label is not None]
        for i, s in enumerate(spoken, 1):
            text = f"\n{s.result.text}" if s.result.text else ""
            line = f"[{s.result.label} {s.result.confidence:.0%}]{text}"
            yield f"{i}\n{_clock(s.start)} --> {_clock(s.end)}\n{line}\n\n"


def _clock(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


FORMATS: dict[str, Callable[[Iterable[Answer], Sequence[str], bool], Iterator[str]]] = {
    "tsv": _table("\t"),
    "csv": _table(","),
    "json": _json,
    "jsonl": _jsonl,
    "rttm": _rttm,
    "textgrid": _textgrid,
    "audacity": _audacity,
    "srt": _srt,
}
SINGLE = ("textgrid", "audacity", "srt")
