"""The model card: data, labels, system, uses and limits, each from a fact that is at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import FILE
from mscnn.errors import UserError
from mscnn.reporting.page.headline import models_of, promises, shares_speakers
from mscnn.reporting.page.html import Markup, details, element, items, join, paragraph, table
from mscnn.reporting.page.source import Source

FEW = 30  # speakers
USE = (
    "Research: to compare systems under this protocol. Not for decisions about people: what is recognised are the "
    "labels of this corpus, not what somebody feels."
)


def card(source: Source) -> Markup:
    """All of the card."""
    return join([
        element("h3", "Data"), _data(source),
        element("h3", "Labels"), _labels(source),
        element("h3", "Protocol"), items(promises(source)),
        element("h3", "System"), _system(source),
        element("h3", "Intended use"),
        paragraph(USE),
        element("h3", "Limits"), items(limits(source)),
        element("h3", "How it was made"), element("pre", element("code", source.config["command"])),
    ])  # fmt: skip


def limits(source: Source) -> Iterator[str]:
    """What the figures do not say, and where the system is weak; scores by group stand above."""
    labels, statistics, config = _label_map(source), source.statistics, source.config
    if source.synthetic:
        yield "Synthetic voices: nothing here says anything about people."
    yield from source.corpus.limits if source.corpus else ()
    speakers = {source.tables["utt2spk"].get(u) for runs in source.exp.parts["test"] for u in runs[0].utts} - {None}
    if speakers and len(speakers) < FEW:
        yield f"{len(speakers)} speakers: the interval over them is all that is known about others."
    if shares_speakers(source):
        yield "Test speakers are in training: for new speakers scores are lower, by how much is not measured here."
    elif shares_speakers(source) is None:
        yield "Test speakers may be in training: for new speakers scores may be lower."
    if labels and None in labels.mapping.values():
        yield "Other emotions were left out of the test; in use each would be taken for one of these classes."
    if config["text"] == "gt":
        yield "It reads the corpus' own transcripts; recognised words have errors, which cost."
    recalls = {name: facts["recall"] for name, facts in statistics["classes"].items()}
    weakest = min(recalls, key=lambda name: (recalls[name], name))
    yield f"Weakest class: {weakest}, of which {recalls[weakest]:.1f} % are found."
    for kind, groups in statistics["groups"].items():
        lowest, highest = (pick(groups, key=lambda name: (groups[name]["wa"], name)) for pick in (min, max))
        yield (
            f"By {kind}, WA goes from {groups[lowest]['wa']:.1f} % ({lowest}, {groups[lowest]['utterances']} "
            f"utterances) to {groups[highest]['wa']:.1f} % ({highest}, {groups[highest]['utterances']})."
        )
    error = statistics["calibration"]["as_predicted"]["ece"]
    yield f"Probabilities are off by {error:.1f} points on average (expected calibration error)."


def _about(source: Source) -> Markup:
    facts = source.corpus
    if facts is None:
        return paragraph(f"Whose corpus it is stands nowhere: the recipe has no {FILE} about these recordings.")
    parts = {"Source": facts.source, "Licence": facts.licence}
    told = "".join(f" {name}: {text.rstrip('.')}." for name, text in parts.items() if text)
    return paragraph(element("strong", facts.name), f": {facts.about.rstrip('.')}.{told}")


def _data(source: Source) -> Markup:
    emotions, seconds, gender = (source.tables[name] for name in ("utt2emo", "utt2dur", "utt2gender"))
    name = source.data.resolve().name
    if not emotions:
        return join([_about(source), paragraph(f"{name}; the data directory is not at hand.")])
    speakers = {speaker: gender.get(utt, "") for utt, speaker in source.tables["utt2spk"].items()}
    kinds = Counter(kind for kind in speakers.values() if kind)
    who = f"{len(speakers)} speakers" + (
        f" ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))})" if kinds else ""
    )
    total = sum(map(float, seconds.values()))
    return join([
        _about(source),
        paragraph(f"{name}: {len(emotions)} utterances, {total / 60:.0f} minutes, {who}."),
        details("Utterances by class and part", _parts(source)),
    ])  # fmt: skip


def _parts(source: Source) -> Markup:
    """Counts of the classes in every part of every fold, from the lists in ``folds/``."""
    emotions, rows = source.tables["utt2emo"], []
    for fold in range(1, source.config["folds"] + 1):
        for part in ("train", "dev", "test"):
            file = source.exp.path / "folds" / f"fold{fold:02d}.{part}"
            utts = file.read_text(encoding="utf-8").split() if file.is_file() else []
            counts = Counter(emotions.get(utt) for utt in utts)
            if utts:
                rows.append((f"fold {fold}", part, len(utts), *(counts[name] for name in source.exp.classes)))
    counts = Counter(emotions.values())
    rows.insert(0, ("all data", "", len(emotions), *(counts[name] for name in source.exp.classes)))
    return table("Utterances by class and part", ["of", "part", "all", *source.exp.classes], rows, left=2)


def _labels(source: Source) -> Markup:
    found = _label_map(source)
    if found is None:
        return paragraph(f"Label map {source.config.get('labels', 'not recorded')}: its file is not at hand.")
    rows = [(name, ", ".join(raw for raw, kept in found.mapping.items() if kept == name)) for name in found.classes]
    rows += [("left out", ", ".join(raw for raw, kept in found.mapping.items() if kept is None) or "none")]
    return table(
        f"Label map {found.name} of the corpus {found.corpus}", ["class", "labels of the corpus"], rows, left=2
    )


def _label_map(source: Source) -> LabelMap | None:
    try:
        return LabelMap.load(source.exp.config["labels"])
    except (KeyError, UserError):
        return None


def _system(source: Source) -> Markup:
    config = source.config
    size = config.get("parameters")
    facts = {
        "model": config["model"],
        "models": models_of(source),
        "parameters": f"{size:,} without word embeddings" if size else None,
        "features": ", ".join(config.get("features", {}).values()),
        "x-vectors": config.get("xvector_model", config["xvector"]),
        "options": _options(config.get("model_options")),
        "training": _options(config.get("training")),
        **config["environment"],
    }
    return table("System and environment", ["what", "which"], [(k, v) for k, v in facts.items() if v], left=2)


def _options(values: dict | None) -> str:
    """``key=value``, lists with slashes."""
    plain = {key: "/".join(map(str, v)) if isinstance(v, list) else v for key, v in (values or {}).items()}
    return ", ".join(f"{key}={str(v).lower() if isinstance(v, bool) else v}" for key, v in plain.items())
