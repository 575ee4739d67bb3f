"""Values of cells: times in seconds, genders, parts of a split."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping

from mscnn.corpora.tables.rows import SPLITS

GENDERS: Mapping[str, str] = {
    **dict.fromkeys(("f", "female", "w", "woman", "feminine"), "f"),
    **dict.fromkeys(("m", "male", "man", "masculine"), "m"),
}
CLOCK = re.compile(r"(?:(\d+) days? ?)?\+?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")  # 0 days 00:00:01.5, 00:01.5

NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?) ?(?:s|sec)?")


def seconds(text: str) -> float | None:
    """Seconds of ``1.5``, ``1,5``, ``1.5 s``, ``00:00:01.5`` or ``0 days 00:00:01.5``; None for anything else."""
    if clock := CLOCK.fullmatch(text):
        days, hours, minutes, rest = (float(part or 0) for part in clock.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + rest
    if not (number := NUMBER.fullmatch(text)):
        return None
    value = float(number[1].replace(",", "."))
    return value if math.isfinite(value) else None


def parts_of(values: Collection[str]) -> Mapping[str, str]:
    """Value of a split column, in small letters -> train, dev or test; beside test, evaluation is dev."""
    names = {value.lower() for value in values}
    evaluation = names & {"eval", "evaluation"}
    others = {SPLITS[name] for name in (names - evaluation) & SPLITS.keys()}
    return {**SPLITS, **dict.fromkeys(evaluation, "dev" if "test" in others else "test")}
