"""From posteriors of parts of recordings to their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mscnn.errors import DataErrors, Issue, UserError
from mscnn.inference.description import Description
from mscnn.inference.frontend import Item
from mscnn.inference.result import Result

SHORT = 0.5  # s


@dataclass(frozen=True)
class Prepared:
    """A part of recording number ``owner``: its input and text, and what was noticed about its samples."""

    owner: int
    seconds: float
    item: Item
    text: str | None
    source: str
    silent: bool
    clipped: bool


@dataclass
class Total:
    """Sums over the parts of one recording, weighted by their seconds."""

    seconds: float = 0.0
    plain: np.ndarray | float = 0.0
    calibrated: np.ndarray | float = 0.0
    silent: bool = True
    clipped: bool = False
    few: bool = False
    texts: list[str] = field(default_factory=list)
    source: str = "none"
    notices: dict[str, None] = field(default_factory=dict)

    def add(self, part: Prepared, plain: np.ndarray, calibrated: np.ndarray) -> None:
        """Add a part with its posteriors (K,), as they are and calibrated."""
        self.seconds += part.seconds
        self.plain = self.plain + part.seconds * plain
        self.calibrated = self.calibrated + part.seconds * calibrated
        self.silent &= part.silent
        self.clipped |= part.clipped
        self.few |= part.item.few
        self.notices.update(dict.fromkeys(part.item.notices))
        if part.text is not None:
            self.texts.append(part.text)
            self.source = part.source

    def result(self, description: Description) -> Result:
        """The result of the recording."""
        plain, calibrated = np.asarray(self.plain) / self.seconds, np.asarray(self.calibrated) / self.seconds
        best = int(plain.argmax())
        confidence, notices = float(calibrated[best]), list(self.notices)
        if description.text != "none" and self.source == "none":
            notices.append(without_text(description))
        return Result(
            label=description.classes[best],
            probabilities=dict(zip(description.classes, plain.tolist(), strict=True)),
            confidence=confidence,
            state=self._state(description, confidence),
            text=" ".join(dict.fromkeys(self.texts)) if self.texts else None,
            seconds=self.seconds,
            text_source=self.source,
            notices=tuple(notices),
        )

    def _state(self, description: Description, confidence: float) -> str:
        lengths = description.seconds
        checks = {
            "silent": self.silent,
            "clipped": self.clipped,
            "short": self.few or self.seconds < SHORT,
            "length": lengths is not None and not lengths.shortest <= self.seconds <= lengths.longest,
            "uncertain": confidence < description.reject.confidence,
        }
        return next((state for state, applies in checks.items() if applies), "ok")


def without_text(description: Description) -> str:
    """What a missing transcript costs, for people."""
    cost = description.without_text
    scores = f": UA on dev was {cost.ua:.2f} % with text, {cost.ua_without:.2f} % without" if cost else ""
    return f"no transcript, and this system takes text{scores}"


def groups(parts: Iterable[Prepared], seconds: float) -> Iterator[list[Prepared]]:
    """Consecutive parts, at least ``seconds`` long together, the last ones shorter."""
    group: list[Prepared] = []
    total = 0.0
    for part in parts:
        group.append(part)
        total += part.seconds
        if total >= seconds:
            yield group
            group, total = [], 0.0
    if group:
        yield group


def unusable(errors: Sequence[UserError], total: int) -> DataErrors:
    """One error for the recordings that cannot be used."""
    issues = [Issue(error.code, str(error)) for error in errors]
    return DataErrors(f"{len(issues)} of {total} recordings cannot be used:", issues, code="recordings-unusable")
