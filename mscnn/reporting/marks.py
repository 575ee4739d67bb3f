"""Marks: what differs in an experiment from the paper of its system, by its configuration.

They are the footnotes of tables, and notes of RESULTS.md and of the model card. To add one, write a function from a
configuration to notes, and list it in MARKS; where it says that a pretrained part of the system is missing or replaced,
add its code to PARTS, and every number of the experiment has a dagger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mscnn.config.model import TEXT_ENCODER, ModelSpec
from mscnn.errors import UserError
from mscnn.features.config import Feature
from mscnn.reporting.formats import counted
from mscnn.reporting.notes import Note

DAGGER = "†"
SEEN = "pretrained-on-test"
PARTS = ("no-xvectors", "xvectors", "word-vectors", "alexnet", "wav2vec2", SEEN)
REPLACED = "a pretrained part of the published system is missing or replaced"
CONTAMINATED = "a pretrained part was trained on recordings of the corpus under test"
PAPER_XVECTORS, DEMONSTRATION = "voxceleb", {"espeak": "a demonstration network, trained on synthetic voices"}
SAID = {"embeddings", "wav2vec2", "wav2vec2.model", "alexnet", "short"}  # settings that have marks of their own


@dataclass(frozen=True)
class Facts:
    """What marks are made from: ``config.yaml`` of an experiment, its folder, and the shipped configuration.

    ``shipped`` is None for a configuration that conf/models does not have.
    """

    config: Mapping[str, Any]
    exp: Path
    shipped: ModelSpec | None

    @classmethod
    def of(cls, config: Mapping[str, Any], exp: Path) -> Facts:
        """The facts of an experiment."""
        try:
            return cls(config, exp, ModelSpec.load(config["model"]))
        except UserError:
            return cls(config, exp, None)


def marks(config: Mapping[str, Any], exp: Path) -> tuple[Note, ...]:
    """All marks of the experiment in the folder ``exp``, whose ``config.yaml`` is ``config``."""
    facts = Facts.of(config, exp)
    return tuple(note for make in MARKS for note in make(facts))


def daggered(notes: Collection[Note]) -> bool:
    """Whether a pretrained part of the system is missing or replaced."""
    return any(note.code in PARTS for note in notes)


def dagger_meaning(notes: Collection[Note]) -> str:
    """What the dagger of these notes means: one sentence or both; empty where none of them has a dagger."""
    codes = {note.code for note in notes if note.code in PARTS}
    meanings = [*([REPLACED] if codes - {SEEN} else []), *([CONTAMINATED] if SEEN in codes else [])]
    return f"{DAGGER}: {', or '.join(meanings)}" if meanings else ""


def dagger(notes: Collection[Note]) -> str:
    """`` †`` where a pretrained part of the system is missing or replaced, else empty."""
    return f" {DAGGER}" if daggered(notes) else ""


def sentences(notes: Sequence[Note]) -> list[Note]:
    """The notes, in the form of a list: those on pretrained parts begin with a dagger."""
    return [Note(note.code, f"{DAGGER} {note.text}" if note.code in PARTS else note.text) for note in notes]


def _xvectors(facts: Facts) -> Iterator[Note]:
    name = facts.config.get("xvector_model") or "given"
    if facts.config["xvector"] == "none":
        if facts.shipped and facts.shipped.xvector:
            yield Note("no-xvectors", "without x-vectors")
    elif name == "given":
        yield Note("xvectors-given", "x-vectors of a file of the user")
    elif name != PAPER_XVECTORS:
        what = DEMONSTRATION.get(name, "not the VoxCeleb network of Kaldi's authors")
        yield Note("xvectors", f"x-vectors of `{name}`, {what}")


def _word_vectors(facts: Facts) -> Iterator[Note]:
    options = facts.config.get("text_options") or {}
    if facts.config["text"] == "none" or facts.config.get("family") == "baseline" or "embeddings" not in options:
        return
    if encoder := (facts.config.get("features") or {}).get(TEXT_ENCODER):
        yield Note("text-encoder", f"text: vectors of `{encoder.split()[0]}`; not word vectors")
        return
    name = str(facts.config.get("embeddings") or options["embeddings"] or "word2vec")
    if "glove" not in Path(name).name.lower():
        vectors = "word2vec, trained on each training part" if name in ("word2vec", "none") else f"`{Path(name).name}`"
        yield Note("word-vectors", f"word vectors: {vectors}; not GloVe")


def _alexnet(facts: Facts) -> Iterator[Note]:
    options = facts.config.get("model_options") or {}
    if options.get("alexnet") == "" and "spectrogram" in options.get("branches", ["spectrogram"]):
        yield Note("alexnet", "AlexNet starts at random, not from ImageNet")


def _wav2vec2(facts: Facts) -> Iterator[Note]:
    titles = (facts.config.get("features") or {}).values()
    used = [title.partition("model=")[2] for title in titles if title.startswith("wav2vec2 ")]
    used += [str((facts.config.get("model_options") or {}).get("wav2vec2") or "")]
    paper = str(Feature.load("wav2vec2").options["model"])
    for name in filter(None, used):
        if Path(name).name != Path(paper).name:
            yield Note("wav2vec2", f"wav2vec 2.0 is `{Path(name).name}`, not {paper}")


def _contamination(facts: Facts) -> Iterator[Note]:
    for title in facts.config.get("pretrained_on_test") or ():
        yield Note(SEEN, f"`{title.split()[0]}` was trained on recordings of this corpus, maybe those of the test part")


def _transcripts(facts: Facts) -> Iterator[Note]:
    engine = facts.config["text"]
    if engine not in ("gt", "none"):
        rate = word_error_rate(facts.exp, engine, Path(facts.config["data"]).name)
        measured = "not measured" if rate is None else f"{rate} %"
        yield Note("asr", f"ASR transcripts of `{engine}`, WER {measured}")


def word_error_rate(exp: Path, engine: str, data: str) -> str | None:
    """WER in percent that stage 4 measured for a data set beside the experiment ``exp``; None: there is none."""
    path = exp.parent / f"asr_{engine}" / data / "wer"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    rates = [words[1] for line in lines if len(words := line.split()) > 1 and words[0] == "%WER"]
    return rates[0] if rates and rates[0] != "n/a" else None


def _short(facts: Facts) -> Iterator[Note]:
    """Utterances shorter than a segment that were excluded, with their number."""
    if ((facts.config.get("segments") or {}).get("short")) == "drop":
        number = facts.config.get("short_excluded")
        count = "utterances" if number is None else counted(number, "utterance")
        yield Note("short-dropped", f"{count} shorter than a segment excluded")


def _changed(facts: Facts) -> Iterator[Note]:
    """Settings that are not those of the configuration: epochs, steps, precision and so on."""
    for change in facts.config.get("changed") or ():
        key = change.partition("=")[0].replace("-", "_")
        if SAID.isdisjoint((key, key.rpartition(".")[2])):
            yield Note("changed", change)


def _amount(facts: Facts) -> Iterator[Note]:
    if partial := facts.config.get("partial"):
        done, _, all_of = partial.partition("/")
        yield Note("partial", f"{done} of {all_of} folds")


def _legacy(facts: Facts) -> Iterator[Note]:
    for name in [*facts.config["legacy"], *facts.config["protocol"].get("legacy", [])]:
        yield Note("legacy", LEGACY.get(name, f"with the defect `{name}` of the authors' code"))


LEGACY = {"legacy_test_best": "models selected on the test part"}
MARKS: tuple[Callable[[Facts], Iterator[Note]], ...] = (
    _xvectors,
    _word_vectors,
    _alexnet,
    _wav2vec2,
    _contamination,
    _transcripts,
    _short,
    _changed,
    _amount,
    _legacy,
)
