"""The model card: data, labels, protocol, system, intended use and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import FILE
from mscnn.data.datadir import UNKNOWN
from mscnn.errors import UserError
from mscnn.reporting.formats import counted, settings, thousands
from mscnn.reporting.marks import SEEN, marks, sentences
from mscnn.reporting.notes import Note
from mscnn.reporting.page.headline import guarantees, models_of, shares_speakers
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.summary import word_vectors
from mscnn.reporting.table import Column, Table, column_each

IN_HEADLINE = ("partial", "legacy")  # marks that the head of the page has
MIN_GROUP = 10  # utterances of a group whose score is a limit
MIN_SPEAKERS = 30  # with fewer test speakers, the card has a note


def card(data: ReportData) -> dict[str, object]:
    """Values for the template."""
    labels = _label_map(data)
    return {
        "corpus": data.corpus,
        "corpus_file": FILE,
        "size": _size(data),
        "parts": _parts(data) if data.tables["utt2emo"] else None,
        "labels": labels,
        "label_table": labels and _labels(labels),
        "guarantees": list(guarantees(data)),
        "system": _system(data),
        "limits": list(limits(data)),
    }


def limits(data: ReportData) -> Iterator[Note]:
    """Limits of the results and weaknesses of the system."""
    labels, statistics = _label_map(data), data.statistics
    if data.synthetic:
        yield Note("synthetic", "The recordings are synthetic: the scores say nothing about human speech.")
    for text in data.corpus.limits if data.corpus else ():
        yield Note("corpus", text)
    speakers = {data.tables["utt2spk"].get(u) for runs in data.exp.parts["test"] for u in runs[0].utts} - {
        None,
        UNKNOWN,
    }
    if speakers and len(speakers) < MIN_SPEAKERS:
        text = f"The test has {len(speakers)} speakers: how scores vary over other speakers is uncertain."
        yield Note("few-speakers", text)
    if shares_speakers(data):
        text = "Test speakers are also in training: scores for new speakers are lower; how much is not measured here."
        yield Note("speakers-shared", text)
    elif shares_speakers(data) is None:
        yield Note("speakers-unknown", "Test speakers may also be in training: scores for new speakers may be lower.")
    if labels and None in labels.mapping.values():
        text = "Utterances with other emotions were excluded; in use, the system assigns them one of these classes."
        yield Note("dropped-labels", text)
    if data.config["text"] == "gt":
        text = "The scores are with reference transcripts; ASR transcripts have errors, which lower the scores."
        yield Note("reference-text", text)
    differences = [note for note in marks(data.config, data.exp.path) if note.code not in IN_HEADLINE]
    for note in sentences(differences):
        unlike = "" if note.code == SEEN else "Unlike the paper of the system: "
        yield Note(note.code, f"{unlike}{note.text}.")
    yield from _weaknesses(statistics)
    error = statistics["calibration"]["as_predicted"]["ece"]
    text = f"Probabilities differ from the accuracy by {error:.1f} points on average (expected calibration error)."
    yield Note("calibration", text)


def _weaknesses(statistics: Mapping) -> Iterator[Note]:
    """The class and the groups with the lowest scores."""
    recalls = {name: facts["recall"] for name, facts in statistics["classes"].items()}
    weakest = min(recalls, key=lambda name: (recalls[name], name))
    yield Note("weakest-class", f"The class with the lowest recall is {weakest}: {recalls[weakest]:.1f} %.")
    for kind, groups in statistics["groups"].items():
        ordered = sorted((group["wa"], name) for name, group in groups.items() if group["utterances"] >= MIN_GROUP)
        if len(ordered) < 2:
            continue
        lowest, highest = ordered[0][1], ordered[-1][1]
        low, high = (
            f"{groups[name]['wa']:.1f} % ({name}, {counted(groups[name]['utterances'], 'utterance')})"
            for name in (lowest, highest)
        )
        yield Note(f"by-{kind.replace(' ', '-')}", f"By {kind}, WA ranges from {low} to {high}.")


def _size(data: ReportData) -> str | None:
    """Number of utterances, minutes and speakers of the data directory; None where it is not available."""
    emotions, seconds, gender = (data.tables[name] for name in ("utt2emo", "utt2dur", "utt2gender"))
    if not emotions:
        return None
    speakers = {speaker: gender.get(utt, "") for utt, speaker in data.tables["utt2spk"].items()}
    kinds = Counter(kind for kind in speakers.values() if kind)
    number = "speakers unknown" if {*speakers} == {UNKNOWN} else counted(len(speakers), "speaker")
    genders = f" ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))})" if kinds else ""
    minutes = sum(map(float, seconds.values())) / 60
    return f"{counted(len(emotions), 'utterance')}, {minutes:.0f} minutes, {number}{genders}"


def _parts(data: ReportData) -> Table:
    """Table of utterances per class in all data and in every part of every fold, from the lists in ``folds/``."""
    emotions = data.tables["utt2emo"]
    rows = [("all data", "", Counter[str | None](emotions.values()))]
    for fold in range(1, data.config["folds"] + 1):
        for part in ("train", "dev", "test"):
            file = data.exp.path / "folds" / f"fold{fold:02d}.{part}"
            utts = file.read_text(encoding="utf-8").split() if file.is_file() else []
            rows += [(f"fold {fold}", part, Counter(map(emotions.get, utts)))] if utts else []

    columns: list[Column[tuple[str, str, Counter[str | None]]]] = [
        Column("data", lambda row: row[0], left=True),
        Column("part", lambda row: row[1], left=True),
        Column("all", lambda row: row[2].total()),
        *column_each(data.exp.classes, str, lambda row, name: row[2][name]),
    ]
    return Table.of(columns, rows)


def _labels(labels: LabelMap) -> Table:
    kept = {name: ", ".join(raw for raw, to in labels.mapping.items() if to == name) for name in labels.classes}
    excluded = ", ".join(raw for raw, to in labels.mapping.items() if to is None)
    return Table.pairs(("class", "labels of the corpus"), {**kept, "excluded": excluded or "none"})


def _label_map(data: ReportData) -> LabelMap | None:
    try:
        return LabelMap.load(data.exp.config["labels"])
    except (KeyError, UserError):
        return None


def _system(data: ReportData) -> Table:
    config, size = data.config, data.config.get("parameters")
    facts = {
        "model": config["model"],
        "models": models_of(data),
        "parameters": f"{thousands(size)} without word embeddings" if size else None,
        "features": ", ".join(config.get("features", {}).values()),
        "word vectors": word_vectors(config),
        "x-vectors": config.get("xvector_model", config["xvector"]),
        "options": settings(config.get("model_options")),
        "training": settings(config.get("training")),
        **config["environment"],
    }
    return Table.pairs(("property", "value"), facts)
