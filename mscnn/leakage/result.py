"""The result of an audit; the keys of ``<protocol>.json`` are the fields of these classes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TypeAlias

from mscnn.files import atomic, read_mapping

Number: TypeAlias = int | float


@dataclass(frozen=True)
class Spread:
    """A value over folds, rounded to two decimals; None where it is undefined.

    Attributes:
        mean: mean over folds, where it is defined in every fold.
        worst: maximum over folds.
        pooled: value of the utterances of all folds together.
    """

    mean: Number | None
    worst: Number | None
    pooled: Number | None


@dataclass(frozen=True)
class Overlap:
    """Percent of test utterances whose text is in train, ``verbatim`` or as a ``near`` duplicate."""

    verbatim: Spread
    near: Spread


@dataclass(frozen=True)
class Scores:
    """WA and UA of a baseline, in percent."""

    wa: Spread
    ua: Spread


@dataclass(frozen=True)
class FoldOverlap:
    """Number of ``test`` utterances of a fold, and of those with the text, or a near duplicate, in train."""

    test: int
    verbatim: int
    near: int


@dataclass(frozen=True)
class FoldScores:
    """WA and UA of a baseline in one fold, in percent; UA is None where a class has no utterances."""

    wa: float | None
    ua: float | None


@dataclass(frozen=True)
class FoldAudit:
    """Audit of one fold: its number, utterances per part, and the measures of :class:`AuditResult`."""

    fold: int
    utterances: dict[str, int]
    shared: dict[str, int]
    texts: dict[str, FoldOverlap]
    scores: dict[str, dict[str, FoldScores] | None]


@dataclass(frozen=True)
class ProtocolFacts:
    """Statements of the protocol, and the SHA-256 of its folds; ``hash`` is its start, as in score lines."""

    name: str
    version: int
    hash: str
    sha256: str
    disjoint: dict[str, list[str]]
    selection: str
    legacy: list[str]
    aggregate: str


@dataclass(frozen=True, repr=False)
class AuditResult:
    """What train and test of a protocol share, and scores of baselines on text or on audio statistics.

    Attributes:
        protocol: the protocol.
        data: name of the data directory; ``utterances`` is their number in it.
        inputs: digest of everything that determines the result, except the features.
        features_digest: digest of the features of the audio baseline; None without.
        leaks: one message per pair of utterances in two parts of a fold that are the same recording.
        near: cosine of TF-IDF vectors from which two texts are near duplicates.
        features: name of the features of the audio baseline.
        shared: speaker, session, scene, recording -> number of them that train and test of a fold share.
        texts: all, improvised, scripted -> text overlap of these utterances.
        scores: baseline -> all, improvised, scripted -> its scores; None for an unavailable baseline.
        folds: the same measures per fold.
    """

    protocol: ProtocolFacts
    data: str
    utterances: int
    inputs: str
    features_digest: str | None
    leaks: list[str]
    near: float
    features: str | None
    shared: dict[str, Spread]
    texts: dict[str, Overlap]
    scores: dict[str, dict[str, Scores] | None]
    folds: list[FoldAudit]

    @classmethod
    def read(cls, path: str | os.PathLike) -> AuditResult | None:
        """The result in a file; None where there is no file, or one of another version."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_python(read_mapping(path))
        except ValidationError:
            return None

    def write(self, path: str | os.PathLike) -> None:
        """Write the result as JSON."""
        with atomic(path) as file:
            json.dump(asdict(self), file, indent=1, ensure_ascii=False)
            file.write("\n")

    @property
    def title(self) -> str:
        """Name and hash of the protocol, ``loso5@ab20``."""
        return f"{self.protocol.name}@{self.protocol.hash}"

    @property
    def has_text(self) -> bool:
        """Whether the corpus has text."""
        return self.texts["all"].verbatim.worst is not None

    @property
    def common(self) -> list[str]:
        """What train and test share in some fold: speaker, session, scene, recording, text."""
        return [what for what, count in self._maximum().items() if count]

    @property
    def disjoint(self) -> list[str]:
        """What train and test share in no fold."""
        return [what for what, count in self._maximum().items() if not count]

    def headline(self, spread: Spread) -> Number | None:
        """The value that the protocol reports: the mean over folds, or the pooled one."""
        return spread.pooled if self.protocol.aggregate == "pooled" else spread.mean

    def _maximum(self) -> dict[str, Number | None]:
        """What can be shared -> the largest number of shared values in any fold."""
        counts = {what: spread.worst for what, spread in self.shared.items()}
        if self.has_text:
            counts["text"] = max(fold.texts["all"].verbatim for fold in self.folds)  # percentages are rounded
        return counts

    def __repr__(self) -> str:
        return f"<AuditResult {self}>"

    def __str__(self) -> str:
        """One line: what train and test share, and the scores of the baselines."""
        overlap = [_percent(self.headline(spread)) for spread in (self.texts["all"].verbatim, self.texts["all"].near)]
        baselines = [
            f"{_percent(self.headline(scores['all'].wa))} / {_percent(self.headline(scores['all'].ua))} ({what})"
            for what, name in (("text", "tfidf_lr"), ("audio", "logmel_lr"))
            if (scores := self.scores[name])
        ]
        return "; ".join(
            [
                f"{self.title}: train and test share {', '.join(self.common) or 'nothing'}",
                f"disjoint: {', '.join(self.disjoint) or 'nothing'}",
                f"test texts in train: {overlap[0]} % verbatim, {overlap[1]} % near" if self.has_text else "no text",
                f"WA / UA of baselines: {', '.join(baselines)}" if baselines else "no baseline",
            ]
        )


def _percent(value: Number | None) -> str:
    return "–" if value is None else f"{value:.1f}"
