"""The audit for people: a page with one table, and one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Result = Mapping[str, object]
TEXTS = {
    "verbatim": "texts of test that are in train, verbatim, %",
    "near": "texts of test that are in train, nearly, %",
}
SCORES = {
    "tfidf_lr": "WA / UA by words: TF-IDF, logistic regression",
    "text_1nn": "WA / UA by words: class of the nearest text of train",
    "logmel_lr": "WA / UA by sound: mean and deviation, logistic regression",
}
NOTES = """\
The worst fold is the highest value of any. Recordings are compared sample for sample, texts without case, tags and
punctuation; nearly: the cosine of TF-IDF vectors of words is at least {near}. WA and UA, in percent: what a model earns
that knows no more than the words, or the sound, of the training part.

IDF weights of near and nearest texts come from the whole corpus, test parts included: they count in how many
utterances a word occurs and know no class, so that two texts are equally near in every fold and under every protocol.
It is the cut that is measured there, not a system. TF-IDF with logistic regression is one, and has its weights from
the training part.
"""
NO_WORDS = (
    "No utterance has words: whether train and test share texts cannot be asked, and nothing can be learnt from them."
)


def summary(result: Result) -> str:
    """One line: what train and test share over all folds, and what memorising train earns."""
    disjoint, common = _split(result)
    verbatim, near = (_percent(result["texts"]["all"][what][_over(result)]) for what in TEXTS)
    texts = (
        f"texts of test in train: {verbatim} % verbatim, {near} % nearly"
        if _has_words(result)
        else "there are no words"
    )
    learnt = {what: name for what, name in (("words", "tfidf_lr"), ("sound", "logmel_lr")) if result["scores"][name]}
    earned = ", ".join(f"{_score(result, name, _over(result))} by {what}" for what, name in learnt.items())
    return f"{_title(result)}: train and test share {_list(common)}; disjoint: {_list(disjoint)}; {texts}; " + (
        f"memorising train earns WA / UA {earned}" if earned else "what memorising train earns was not computed"
    )


def page(result: Result) -> str:
    """The whole page: what was promised, what was found, and the table."""
    promises = [f"{pair}: {_list(what)}" for pair, what in result["protocol"]["disjoint"].items() if what]
    heads = ["", "all folds pooled" if _over(result) == "pooled" else "fold mean", "worst fold", *_kinds(result)]
    lines = [
        f"# Audit of {_title(result)}",
        "",
        f"In short, over all folds: {summary(result)}.",
        "",
        f"{len(result['folds'])} folds of {result['data']}, {result['utterances']} utterances.",
        f"Promised to be disjoint: {'; '.join(promises) or 'nothing'}.",
        "",
        *("| " + " | ".join(row) + " |" for row in (heads, ["---", *["--:"] * (len(heads) - 1)], *_rows(result))),
        "",
        NOTES.format(near=result["near"]),
        *([] if _has_words(result) else [NO_WORDS, ""]),
    ]
    if _kinds(result):
        lines.append("Improvised and scripted: all folds pooled.")
    sound = result["features"]
    lines.append(
        f"Sound: {sound}." if sound else "Sound was not computed: --feature-dir, once stage 3 has made features."
    )
    return "\n".join([*lines, *(f"\nLEAK: {leak}" for leak in result["leaks"])]) + "\n"


def _rows(result: Result) -> list[list[str]]:
    over, kinds, texts = _over(result), _kinds(result), result["texts"]
    each = " a fold" if over == "pooled" else ""
    rows = [
        [
            f"{what}s that are in train and in test",
            f"{_count(spread['mean'])}{each}",
            _count(spread["worst"]),
            *[""] * len(kinds),
        ]
        for what, spread in result["shared"].items()
    ]
    for what, title in TEXTS.items():
        values = [
            texts["all"][what][over],
            texts["all"][what]["worst"],
            *(texts[kind][what]["pooled"] for kind in kinds),
        ]
        rows.append([title, *map(_percent, values)])
    for name, title in SCORES.items():
        cells = [_score(result, name, over), _score(result, name, "worst")]
        rows.append([title, *cells, *(_score(result, name, "pooled", kind) for kind in kinds)])
    return rows


def _title(result: Result) -> str:
    return f"{result['protocol']['name']}@{result['protocol']['hash']}"


def _over(result: Result) -> str:
    """How the protocol aggregates folds."""
    return "pooled" if result["protocol"]["aggregate"] == "pooled" else "mean"


def _kinds(result: Result) -> list[str]:
    return [kind for kind in result["texts"] if kind != "all"]


def _split(result: Result) -> tuple[list[str], list[str]]:
    """What no fold shares, and what some fold shares."""
    worst = {what: spread["worst"] for what, spread in result["shared"].items()}
    if _has_words(result):
        worst["text"] = max(fold["texts"]["all"]["verbatim"] for fold in result["folds"])  # percents are rounded
    return [what for what, n in worst.items() if not n], [what for what, n in worst.items() if n]


def _has_words(result: Result) -> bool:
    return result["texts"]["all"]["verbatim"]["worst"] is not None


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _count(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _score(result: Result, name: str, over: str, kind: str = "all") -> str:
    scores = result["scores"][name]
    return f"{_percent(scores[kind]['wa'][over])} / {_percent(scores[kind]['ua'][over])}" if scores else "–"
