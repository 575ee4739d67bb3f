"""The utterances that the system is most wrong about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mscnn.evaluation.calibration import FLOOR
from mscnn.evaluation.predictions import join_folds
from mscnn.reporting.page.audio import player
from mscnn.reporting.page.html import NOTHING, Markup, element, join, paragraph, table
from mscnn.reporting.page.source import Source

MOST = 15


@dataclass(frozen=True)
class Miss:
    """An utterance: ``loss`` is -ln p(truth), ``prob`` (K,) its probabilities, both means over runs; ``said`` counts
    what the runs predict."""

    utt: str
    truth: str
    said: Counter
    loss: float
    prob: np.ndarray


def worst(source: Source, most: int = MOST) -> list[Miss]:
    """The wrongly classified test utterances with the greatest loss of the true class, the worst first."""
    runs, names = join_folds(source.exp.parts["test"]), source.exp.classes
    truth = runs[0].truth
    prob = np.stack([run.prob for run in runs])
    loss = -np.log(np.maximum(prob[:, np.arange(len(truth)), truth], FLOOR)).mean(axis=0)
    wrong = np.any([run.pred != truth for run in runs], axis=0)
    order = sorted(np.flatnonzero(wrong), key=lambda i: (-loss[i], runs[0].utts[i].encode()))
    return [
        Miss(
            runs[0].utts[i], names[truth[i]], Counter(names[run.pred[i]] for run in runs), float(loss[i]),
            prob[:, i].mean(axis=0),
        )
        for i in order[:most]
    ]  # fmt: skip


def worst_section(source: Source, audio: str) -> Markup:
    """Their table, with players where the recordings are at hand."""
    found, speakers, words = worst(source), source.tables["utt2spk"], source.tables["text"]
    if not found:
        return paragraph("None: every run is right about every utterance of the test part.")
    players = {miss.utt: player(source, miss.utt, audio) for miss in found}
    heard = any(players.values())
    head = ["utterance", "speaker", "truth", "predicted", "loss", *(f"p {name}" for name in source.exp.classes)]
    rows = [
        (
            {"content": join([words.get(miss.utt), element("code", miss.utt), players[miss.utt]]), "class_": "utt"},
            speakers.get(miss.utt, NOTHING),
            miss.truth,
            _said(miss.said),
            f"{miss.loss:.2f}",
            *(f"{p:.3f}" for p in miss.prob),
        )
        for miss in found
    ]
    runs = " Means over runs." if source.config["runs"] > 1 else ""
    why = "" if heard or audio == "none" else " The recordings are not at hand: no players."
    note = paragraph(f"Test utterances with the greatest −ln p(truth), in nats.{runs}{why}", class_="note")
    return join([note, table(f"The {len(found)} worst utterances", head, rows, left=4)])


def _said(counts: Counter) -> str:
    """``happy``, or ``happy 2, sad 1`` where runs disagree."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
