"""The model card: data, labels, system, uses and limits, each from a fact that is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import FILE
from mscnn.errors import UserError
from mscnn.reporting.formats import counted, thousands
from mscnn.reporting.notes import Note
from mscnn.reporting.page.headline import models_of, promises, shares_speakers
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.table import Column, Table, column_each

FEW = 30  # speakers


def card(data: ReportData) -> dict[str, object]:
    """What the template shows."""
    labels = _label_map(data)
    return {
        "corpus": data.corpus,
        "corpus_file": FILE,
        "size": _size(data),
        "parts": _parts(data) if data.tables["utt2emo"] else None,
        "labels": labels,
        "label_table": labels and _labels(labels),
        "promises": list(promises(data)),
        "system": _system(data),
        "limits": list(limits(data)),
    }


def limits(data: ReportData) -> Iterator[Note]:
    """What the figures do not say, and where the system is weak; scores by group stand above."""
    labels, statistics = _label_map(data), data.statistics
    if data.synthetic:
        yield Note("synthetic", "Synthetic voices: nothing here says anything about people.")
    for text in data.corpus.limits if data.corpus else ():
        yield Note("corpus", text)
    speakers = {data.tables["utt2spk"].get(u) for runs in data.exp.parts["test"] for u in runs[0].utts} - {None}
    if speakers and len(speakers) < FEW:
        yield Note(
            "few-speakers", f"{len(speakers)} speakers: the interval over them is all that is known about others."
        )
    if shares_speakers(data):
        yield Note(
            "speakers-shared",
            "Test speakers are in training: for new speakers scores are lower, by how much is not measured here.",
        )
    elif shares_speakers(data) is None:
        yield Note("speakers-unknown", "Test speakers may be in training: for new speakers scores may be lower.")
    if labels and None in labels.mapping.values():
        yield Note(
            "dropped-labels",
            "Other emotions were excluded from the test; in use each would be taken for one of these classes.",
        )
    if data.config["text"] == "gt":
        yield Note(
            "reference-text", "It reads reference transcripts; ASR transcripts have errors, which cost accuracy."
        )
    yield from _weaknesses(statistics)
    error = statistics["calibration"]["as_predicted"]["ece"]
    yield Note("calibration", f"Probabilities are off by {error:.1f} points on average (expected calibration error).")


def _weaknesses(statistics: Mapping) -> Iterator[Note]:
    """The class and the groups with the lowest scores."""
    recalls = {name: facts["recall"] for name, facts in statistics["classes"].items()}
    weakest = min(recalls, key=lambda name: (recalls[name], name))
    yield Note("weakest-class", f"Weakest class: {weakest}, of which {recalls[weakest]:.1f} % are found.")
    for kind, groups in statistics["groups"].items():
        ordered = sorted((group["wa"], name) for name, group in groups.items())
        lowest, highest = ordered[0][1], ordered[-1][1]
        yield Note(f"by-{kind}", (
            f"By {kind}, WA goes from {groups[lowest]['wa']:.1f} % ({lowest}, {groups[lowest]['utterances']} "
            f"utterances) to {groups[highest]['wa']:.1f} % ({highest}, {groups[highest]['utterances']})."
        ))  # fmt: skip


def _size(data: ReportData) -> str | None:
    """Utterances, minutes and speakers of the data directory; None where it is not available."""
    emotions, seconds, gender = (data.tables[name] for name in ("utt2emo", "utt2dur", "utt2gender"))
    if not emotions:
        return None
    speakers = {speaker: gender.get(utt, "") for utt, speaker in data.tables["utt2spk"].items()}
    kinds = Counter(kind for kind in speakers.values() if kind)
    genders = f" ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))})" if kinds else ""
    minutes = sum(map(float, seconds.values())) / 60
    return f"{counted(len(emotions), 'utterance')}, {minutes:.0f} minutes, {counted(len(speakers), 'speaker')}{genders}"


def _parts(data: ReportData) -> Table:
    """Counts of the classes in all data, and in every part of every fold, from the lists in ``folds/``."""
    emotions = data.tables["utt2emo"]
    rows = [("all data", "", list(emotions))]
    for fold in range(1, data.config["folds"] + 1):
        for part in ("train", "dev", "test"):
            file = data.exp.path / "folds" / f"fold{fold:02d}.{part}"
            utts = file.read_text(encoding="utf-8").split() if file.is_file() else []
            rows += [(f"fold {fold}", part, utts)] if utts else []

    def number(utts: list[str], name: str) -> int:
        return sum(emotions.get(utt) == name for utt in utts)

    columns: list[Column[tuple[str, str, list[str]]]] = [
        Column("of", lambda row: row[0], left=True),
        Column("part", lambda row: row[1], left=True),
        Column("all", lambda row: len(row[2])),
        *column_each(data.exp.classes, str, lambda row, name: number(row[2], name)),
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
    return Table.pairs(("what", "which"), {
        "model": config["model"],
        "models": models_of(data),
        "parameters": f"{thousands(size)} without word embeddings" if size else None,
        "features": ", ".join(config.get("features", {}).values()),
        "x-vectors": config.get("xvector_model", config["xvector"]),
        "options": _options(config.get("model_options")),
        "training": _options(config.get("training")),
        **config["environment"],
    })  # fmt: skip


def _options(values: Mapping | None) -> str:
    """``key=value``, lists with slashes."""
    plain = {key: "/".join(map(str, v)) if isinstance(v, list) else v for key, v in (values or {}).items()}
    return ", ".join(f"{key}={str(v).lower() if isinstance(v, bool) else v}" for key, v in plain.items())
