"""Groups of utterances (speaker, session, gender, duration, word error rate, …) and their scores."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.data.datadir import UNKNOWN, kinds_of
from mscnn.data.foldlists import read_list
from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import wa
from mscnn.evaluation.predictions import Predictions
from mscnn.evaluation.wer import Errors
from mscnn.files import read_optional_table
from mscnn.text.normal import normalise

# Upper limit of a bucket, in seconds or percent -> its name
DURATION_BUCKETS = {1: "0-1 s", 2: "1-2 s", 4: "2-4 s", 8: "4-8 s", math.inf: "over 8 s"}
WER_BUCKETS = {0: "0 %", 25: "0-25 %", 50: "25-50 %", 100: "50-100 %", math.inf: "over 100 %"}
TRAINING_TEXT = ("no", "with one class", "with several classes")  # whether the text of an utterance is in training
REPORTED = ("speaker", "session", "gender", "kind", "duration", "wer", "text in training")
CLUSTERS = {"speaker": "utt2spk", "dialogue": "utt2scene"}  # kind of clusters -> table that defines them
Attributes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class GroupScores:
    """Scores of a group of utterances in percent, means over runs.

    ``recalls`` are those of the classes present; with ``absent`` classes ``ua`` is None, as it is undefined.
    """

    utterances: int
    ua: float | None
    wa: float
    recalls: dict[str, float]
    absent: list[str]


def read_attributes(exp: Experiment, data: str | os.PathLike | None = None) -> Attributes:
    """Attributes of the utterances of an experiment: attribute -> utterance -> value.

    ``speaker``, ``session``, ``gender``; ``dialogue``: session and scene (scenes recur in other sessions; recordings of
    a scene in one session share actors and, where it is scripted, text); ``kind``: improvised or scripted;
    ``duration`` and ``wer`` (of the ASR transcripts in test): buckets that include their upper limit; ``text in
    training``: whether the reference transcript occurs in the training part of the fold, and with how many classes.
    Attributes without a file are omitted.

    Args:
        exp: the experiment.
        data: the data directory; None: that of the experiment, if it exists.

    Raises:
        UserError: ``data`` does not exist, or a table lacks utterances of the experiment.
    """
    folder = exp.data if data is None else Path(data)
    if data is not None and not folder.is_dir():
        raise UserError(f"{data}: no such data directory; make it with stage 1 (data)", code="data-directory-missing")
    names = ("spk", "session", "gender", "scene", "dur")
    spk, session, gender, scene, dur = (_table(exp, folder / f"utt2{name}") for name in names)
    attributes: dict[str, dict[str, str]] = {
        "speaker": spk,
        "session": session,
        "gender": gender,
        "dialogue": {utt: f"{session[utt]} {name}" if session else name for utt, name in scene.items()},
        "kind": kinds_of(scene),
        "duration": {utt: _duration(folder, utt, seconds) for utt, seconds in dur.items()},
        "wer": {utt: wer_bucket(errors) for utt, errors in read_errors(exp, folder, exp.config["text"]).items()},
        "text in training": _training_texts(exp, folder),
    }
    return {name: values for name, values in attributes.items() if values and {*values.values()} != {UNKNOWN}}


def count(runs: Sequence[Predictions], values: Mapping[str, str], classes: int) -> tuple[list[str], np.ndarray]:
    """Confusion matrices of groups of utterances; ``runs`` predict the same utterances.

    Returns:
        sorted names of the groups, and counts (runs, groups, K, K); utterances without a value are in no group.
    """
    known = np.array([utt in values for utt in runs[0].utts])
    names, group = np.unique([values[utt] for utt in runs[0].utts if utt in values], return_inverse=True)
    cells = [((group * classes + run.truth[known]) * classes + run.pred[known]) for run in runs]
    counts = np.array([np.bincount(cell, minlength=len(names) * classes**2) for cell in cells])
    return names.tolist(), counts.reshape(len(runs), len(names), classes, classes)


def describe(matrices: np.ndarray, classes: Sequence[str]) -> GroupScores:
    """Scores of confusion matrices (runs, K, K), which may lack classes."""
    totals, hits = matrices[0].sum(axis=1), np.diagonal(matrices, axis1=1, axis2=2).mean(axis=0)
    recalls = {name: 100 * hit / total for name, hit, total in zip(classes, hits, totals, strict=True) if total}
    absent = [name for name in classes if name not in recalls]
    return GroupScores(
        utterances=int(totals.sum()),
        ua=None if absent else float(np.mean(list(recalls.values()))),
        wa=float(100 * np.mean(wa(matrices))),
        recalls={name: float(value) for name, value in recalls.items()},
        absent=absent,
    )


def group_scores(
    runs: Sequence[Predictions], attributes: Attributes, classes: Sequence[str]
) -> dict[str, dict[str, GroupScores]]:
    """Attribute -> group -> scores; attributes with a single value are skipped."""
    scores = {}
    for attribute in (name for name in REPORTED if name in attributes):
        names, counts = count(runs, attributes[attribute], len(classes))
        if len(names) > 1:
            scores[attribute] = {name: describe(counts[:, i], classes) for i, name in enumerate(names)}
    return scores


def _table(exp: Experiment, file: Path) -> dict[str, str]:
    """A table of the data directory; empty where the corpus has none."""
    table = read_optional_table(file)
    return table and _complete(exp, file, table)


def _training_texts(exp: Experiment, data: Path) -> dict[str, str]:
    """A value of TRAINING_TEXT for each tested utterance with words; empty without texts or lists of folds."""
    texts = {utt: words for utt, text in read_optional_table(data / "text").items() if (words := normalise(text))}
    emotions, values = read_optional_table(data / "utt2emo"), dict[str, str]()
    folds = (exp.locate(exp.config["trained_in"]) if "trained_in" in exp.config else exp.path) / "folds"
    for number, runs in enumerate(exp.parts["test"], 1):
        file = folds / f"fold{number:02d}.train"
        if not texts or not file.is_file():
            return {}
        trained, several = dict[str, str](), set[str]()  # texts with a class, and those with several
        for utt in read_list(file):
            text, emotion = texts.get(utt, ""), emotions.get(utt, "")
            if trained.setdefault(text, emotion) != emotion:
                several.add(text)
        tested = [utt for utt in runs[0].utts if utt in texts]
        values |= {utt: TRAINING_TEXT[(texts[utt] in trained) + (texts[utt] in several)] for utt in tested}
    return values


def read_errors(exp: Experiment, data: Path, engine: str) -> dict[str, Errors]:
    """Word errors of each utterance in the transcripts of ``engine``, from the file of stage 4 beside the experiment.

    Empty where there is no file. The file has no kinds of edits: all are counted as substitutions.

    Raises:
        UserError: the file is malformed, or lacks utterances of the experiment.
    """
    file = errors_file(exp, data, engine)
    if not file.is_file():
        return {}
    try:
        rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
        errors = {utt: Errors(int(words), substitutions=int(edits)) for utt, _, _, edits, words in rows}
    except ValueError:
        raise UserError(
            f"{file}: expected utt, ref, hyp, edits, words in each line; run stage 4 (transcripts) again",
            code="wer-detail-line",
        ) from None
    return _complete(exp, file, errors)


def errors_file(exp: Experiment, data: Path, engine: str) -> Path:
    """Path of the word errors of an ASR engine, which stage 4 writes."""
    return exp.path.parent / f"asr_{engine}" / data.resolve().name / "wer_detail.tsv"


def wer_bucket(errors: Errors) -> str:
    """Bucket of an utterance's word error rate; without reference words, any edit is over 100 %."""
    rate = errors.rate
    return _bucket((math.inf if errors.edits else 0.0) if rate is None else rate, WER_BUCKETS)


def _complete(exp: Experiment, file: Path, table: dict) -> dict:
    """The table; raises UserError where it lacks a tested utterance."""
    missing = sorted({utt for runs in exp.parts["test"] for utt in runs[0].utts} - table.keys())
    if missing:
        raise UserError(
            f"{file}: lacks {len(missing)} utterances of {exp.path}, such as {missing[0]}; is it the data directory of "
            "this experiment?",
            code="utterances-missing",
        )
    return table


def _duration(folder: Path, utt: str, seconds: str) -> str:
    try:
        value = float(seconds)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise UserError(f"{folder / 'utt2dur'}: {utt}: expected seconds, found {seconds[:40]!r}", code="table-line")
    return _bucket(value, DURATION_BUCKETS)


def _bucket(value: float, limits: Mapping[float, str]) -> str:
    return next(name for limit, name in limits.items() if value <= limit)
