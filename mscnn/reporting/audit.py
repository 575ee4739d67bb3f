"""The audit of a protocol as a Markdown page with one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mscnn.files import atomic
from mscnn.leakage.result import AuditResult, Number, Overlap, Scores, Spread

TEXTS: dict[str, Callable[[Overlap], Spread]] = {
    "test texts that are in train, verbatim, %": lambda overlap: overlap.verbatim,
    "test texts that are in train, nearly, %": lambda overlap: overlap.near,
}
BASELINES = {
    "tfidf_lr": "WA / UA (text): TF-IDF, logistic regression",
    "text_1nn": "WA / UA (text): class of the nearest training text",
    "logmel_lr": "WA / UA (audio): mean and deviation, logistic regression",
}
NOTES = """\
The worst fold is the highest value of any. Recordings are compared sample for sample, texts without case, tags and
punctuation; nearly: the cosine of TF-IDF vectors of words is at least {near}. WA and UA, in percent: what a baseline
scores that knows nothing but the text, or statistics of the audio, of the training part.

IDF weights of near and nearest texts come from the whole corpus, test parts included: they count in how many
utterances a word occurs and know no class, so that two texts are equally near in every fold and under every protocol.
They measure the split, not a system. TF-IDF with logistic regression is a system, and has its weights from the training
part.
"""
NO_TEXT = "No utterance has text: whether train and test share texts is not defined, and there are no text baselines."
NO_AUDIO = "No audio baseline: it needs --feature-dir, once stage 3 has made features."


def write_page(result: AuditResult, path: Path) -> None:
    """Write :func:`page` to a file."""
    with atomic(path) as file:
        file.write(page(result))


def page(result: AuditResult) -> str:
    """Markdown: what the protocol states, one table of what train and test share and of baselines, and the leaks."""
    stated = [f"{pair}: {', '.join(names)}" for pair, names in result.protocol.disjoint.items() if names]
    pooled = result.protocol.aggregate == "pooled"
    kinds = [kind for kind in result.texts if kind != "all"]
    head = ["", "all folds pooled" if pooled else "fold mean", "worst fold", *kinds]
    table = [head, ["---", *["--:"] * (len(head) - 1)], *_rows(result, kinds)]
    lines = [
        f"# Audit of {result.title}",
        "",
        f"In short, over all folds: {result}.",
        "",
        f"{len(result.folds)} folds of {result.data}, {result.utterances} utterances.",
        f"Stated to be disjoint: {'; '.join(stated) or 'nothing'}.",
        "",
        *("| " + " | ".join(row) + " |" for row in table),
        "",
        NOTES.format(near=result.near),
        *([] if result.has_text else [NO_TEXT, ""]),
        *(["Improvised and scripted: all folds pooled."] if kinds else []),
        f"Audio: {result.features}." if result.features else NO_AUDIO,
        *(f"\nLEAK: {leak}" for leak in result.leaks),
    ]
    return "\n".join(lines) + "\n"


def _rows(result: AuditResult, kinds: list[str]) -> list[list[str]]:
    per_fold = " per fold" if result.protocol.aggregate == "pooled" else ""
    rows = [
        [f"{what}s that are in train and in test", f"{_count(n.mean)}{per_fold}", _count(n.worst), *[""] * len(kinds)]
        for what, n in result.shared.items()
    ]
    for title, of in TEXTS.items():
        overlap = of(result.texts["all"])
        cells = [result.headline(overlap), overlap.worst, *(of(result.texts[kind]).pooled for kind in kinds)]
        rows.append([title, *map(_percent, cells)])
    for name, title in BASELINES.items():
        scores = result.scores[name]
        cells_of = [("all", result.headline), ("all", lambda spread: spread.worst)]
        cells_of += [(kind, lambda spread: spread.pooled) for kind in kinds]
        rows.append([title, *(_pair(scores[kind], which) if scores else "–" for kind, which in cells_of)])
    return rows


def _pair(scores: Scores, which: Callable[[Spread], Number | None]) -> str:
    return f"{_percent(which(scores.wa))} / {_percent(which(scores.ua))}"


def _count(value: Number | None) -> str:
    return "–" if value is None else f"{value:.1f}".removesuffix(".0")


def _percent(value: Number | None) -> str:
    return "–" if value is None else f"{value:.1f}"
