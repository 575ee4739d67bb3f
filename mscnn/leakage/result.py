"""The result of an audit, as it stands in ``<protocol>.json``: the keys of the file are the fields of these classes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TypeAlias

from mscnn.files import atomic, read_mapping

Number: TypeAlias = int | float


@dataclass(frozen=True)
class Spread:
    """A number over folds, rounded to two decimals; what does not exist is None.

    Attributes:
        mean: mean over folds, where every fold has the number.
        worst: the highest of any fold.
        pooled: of the utterances of all folds together.
    """

    mean: Number | None
    worst: Number | None
    pooled: Number | None


@dataclass(frozen=True)
class Overlap:
    """Percent of test utterances whose text is in train: ``verbatim``, or ``near`` it."""

    verbatim: Spread
    near: Spread


@dataclass(frozen=True)
class Scores:
    """WA and UA of a baseline, in percent."""

    wa: Spread
    ua: Spread


@dataclass(frozen=True)
class FoldOverlap:
    """Number of ``test`` utterances of a fold, and of those whose text is in train, ``verbatim`` or ``near`` it."""

    test: int
    verbatim: int
    near: int


@dataclass(frozen=True)
class FoldScores:
    """WA and UA of a baseline in one fold, in percent; UA is None where a class has no utterance."""

    wa: float | None
    ua: float | None


@dataclass(frozen=True)
class FoldAudit:
    """One fold: its number, utterances per part, and what :class:`AuditResult` has over folds."""

    fold: int
    utterances: dict[str, int]
    shared: dict[str, int]
    texts: dict[str, FoldOverlap]
    scores: dict[str, dict[str, FoldScores] | None]


@dataclass(frozen=True)
class ProtocolFacts:
    """What the protocol states, and the SHA-256 of its folds; ``hash`` is its beginning, as score lines have it."""

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
    """What train and test of a protocol share, and what baselines score that know no more than train's text or audio.

    Attributes:
        protocol: what was audited.
        data: name of the data directory, and the number of its ``utterances``.
        inputs: digest of all that the numbers are made from, features apart.
        heard: digest of the features that the audio baseline takes; None without.
        leaks: pairs of utterances in two parts of a fold that are the same recording, in words.
        near: cosine of TF-IDF vectors from which two texts are near each other.
        features: name of the features that the audio baseline takes.
        shared: speaker, session, scene, recording -> how many of them are in train and in test of a fold.
        texts: all, improvised, scripted -> text overlap of these utterances.
        scores: baseline -> all, improvised, scripted -> its scores; None for a baseline that cannot be had.
        folds: the same of each fold.
    """

    protocol: ProtocolFacts
    data: str
    utterances: int
    inputs: str
    heard: str | None
    leaks: list[str]
    near: float
    features: str | None
    shared: dict[str, Spread]
    texts: dict[str, Overlap]
    scores: dict[str, dict[str, Scores] | None]
    folds: list[FoldAudit]

    @classmethod
    def read(cls, path: str | os.PathLike) -> AuditResult | None:
        """Read what :meth:`write` left; None where there is nothing, or what another version wrote."""
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
        """Whether any utterance has text."""
        return self.texts["all"].verbatim.worst is not None

    @property
    def common(self) -> list[str]:
        """What train and test of some fold share: speaker, session, scene, recording, text."""
        return [what for what, most in self._most().items() if most]

    @property
    def disjoint(self) -> list[str]:
        """What train and test share in no fold."""
        return [what for what, most in self._most().items() if not most]

    def headline(self, spread: Spread) -> Number | None:
        """The number that the protocol reports: the mean over folds, or that of all folds pooled."""
        return spread.pooled if self.protocol.aggregate == "pooled" else spread.mean

    def _most(self) -> dict[str, Number | None]:
        most = {what: spread.worst for what, spread in self.shared.items()}
        if self.has_text:
            most["text"] = max(fold.texts["all"].verbatim for fold in self.folds)  # percents are rounded
        return most

    def __repr__(self) -> str:
        return f"<AuditResult {self}>"

    def __str__(self) -> str:
        """One line: what train and test share, and what the baselines score."""
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
                f"test texts in train: {overlap[0]} % verbatim, {overlap[1]} % nearly" if self.has_text else "no text",
                f"WA / UA of baselines: {', '.join(baselines)}" if baselines else "no baseline",
            ]
        )


def _percent(value: Number | None) -> str:
    return "–" if value is None else f"{value:.1f}"
