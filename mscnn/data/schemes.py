"""Schemes of protocols: how test parts are chosen, and how dev is chosen in a fold."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mscnn.config.protocol import Choice
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import read_folds, read_split
from mscnn.errors import UserError
from mscnn.text.normal import normalise

Options: TypeAlias = Choice
TABLES = {"speaker": "utt2spk", "session": "utt2session", "scene": "utt2scene", "scenario": "utt2scene", "text": "text"}


@dataclass(frozen=True)
class FoldDraft:
    """A fold before dev is chosen.

    Attributes:
        data: the data directory.
        parts: given parts of every fold: ``test``, and sometimes ``train`` and ``dev``.
        index: number of this fold in ``parts``, from 0.
        rest: utterances outside the test part that the fold may use.
    """

    data: DataDir
    parts: Sequence[Mapping[str, Sequence[str]]]
    index: int
    rest: Sequence[str]

    @property
    def tested(self) -> Sequence[str]:
        """The utterances of the test part."""
        return self.parts[self.index]["test"]


@dataclass(frozen=True)
class Scheme:
    """A way to choose parts, and the names of its options.

    ``make`` of a test scheme takes the options and the data and returns the test parts; ``make`` of a dev scheme takes
    the options and a FoldDraft and returns the utterances of dev.
    """

    make: Callable
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def attribute(data: DataDir, name: str) -> dict[str, str]:
    """Value of an attribute, one of ``mscnn.config.protocol.ATTRIBUTES``, of each utterance.

    scenario: the scene without its part number: ``script01_2`` is a part of ``script01``, ``impro05a`` of ``impro05``.
    side: the recording side of IEMOCAP, ``Ses01F`` of ``Ses01M-Ses01F_impro01_M000``: the actor with the markers, not
    the speaker. text: the normalised transcript; utterances without words are omitted.

    Raises:
        UserError: the data directory has no such table.
    """
    if name == "side":
        return {utt: own_id(data, utt).partition("_")[0] for utt in data.utts}
    values = {"speaker": data.spk, "session": data.session, "text": data.text}.get(name, data.scene)
    if not values:
        raise UserError(
            f"{data.path}: no {TABLES[name]}: the protocol needs the {name} of each utterance; choose another protocol",
            code="attribute-absent",
        )
    if name == "scenario":
        return {utt: re.sub(r"(?<=\d)\D.*", "", scene) for utt, scene in values.items()}
    if name == "text":
        return {utt: text for utt, raw in values.items() if (text := normalise(raw))}
    return values


def own_id(data: DataDir, utt: str) -> str:
    """Id of an utterance in the corpus: ``Ses01F_impro01_M000`` of ``Ses01M-Ses01F_impro01_M000``."""
    return utt.removeprefix(f"{data.spk[utt]}-")


def by_class(data: DataDir, utts: Sequence[str], rng: random.Random) -> list[list[str]]:
    """Utterances of each class, shuffled, classes sorted by name; ``Random`` is stable over Python versions."""
    classes: dict[str, list[str]] = {emotion: [] for emotion in data.classes}
    for utt in utts:
        classes[data.emo[utt]].append(utt)
    for members in classes.values():
        rng.shuffle(members)
    return [*classes.values()]


def _random(options: Options, data: DataDir) -> list[list[str]]:
    """Parts of stratified random utterances: each class, shuffled, is dealt to the parts in turn."""
    parts: list[list[str]] = [[] for _ in range(options["folds"])]
    dealt = [utt for utts in by_class(data, data.utts, random.Random(options["seed"])) for utt in utts]
    for i, utt in enumerate(dealt):
        parts[i % len(parts)].append(utt)
    return parts


def _keys(options: Options, data: DataDir) -> dict[str, tuple[str, ...]]:
    """Group of each utterance: its values of the attribute ``by``, or of several attributes."""
    names = [options["by"]] if isinstance(options["by"], str) else options["by"]
    values = [attribute(data, name) for name in names]
    return {utt: tuple(value[utt] for value in values) for utt in data.utts}


def _group(options: Options, data: DataDir) -> list[list[str]]:
    """One part per group (speaker, session, …), sorted by name."""
    parts: dict[tuple[str, ...], list[str]] = {}
    for utt, key in _keys(options, data).items():
        parts.setdefault(key, []).append(utt)
    return [parts[key] for key in sorted(parts)]


def _one_group(options: Options, data: DataDir) -> list[list[str]]:
    """One part: the group ``name``."""
    return [[utt for utt, key in _keys(options, data).items() if key == (options["name"],)]]


def _speakers(options: Options, data: DataDir) -> list[list[str]]:
    """Parts of whole speakers: those with most utterances first, each added to the smallest part."""
    parts: list[list[str]] = [[] for _ in range(options["folds"])]
    utts: dict[str, list[str]] = {}
    for utt in data.utts:
        utts.setdefault(data.spk[utt], []).append(utt)
    for speaker in sorted(utts, key=lambda speaker: (-len(utts[speaker]), speaker)):
        min(parts, key=len).extend(utts[speaker])
    return parts


def _balanced_speakers(options: Options, data: DataDir) -> list[list[str]]:
    """Parts with equal numbers of female and of male speakers, in the order of their ids."""
    if not data.gender:
        raise UserError(
            f"{data.path}: no utt2gender: the protocol balances genders; choose another protocol",
            code="attribute-absent",
        )
    gender = {data.spk[u]: data.gender[u] for u in data.utts}
    if unknown := sorted(s for s in gender if gender[s] not in ("f", "m")):
        raise UserError(
            f"{data.path}/utt2gender: speaker {unknown[0]}: expected f or m, found {gender[unknown[0]]!r}",
            code="gender-unknown",
        )
    n, part_of = options["folds"], dict[str, int]()
    for kind in ("f", "m"):
        speakers = sorted(s for s in gender if gender[s] == kind)
        if len(speakers) % n:
            raise UserError(
                f"{data.path}: {len(speakers)} speakers of gender {kind} cannot be divided into {n} equal parts; "
                "choose a protocol made for this corpus",
                code="protocol-parts",
            )
        part_of |= {s: i // (len(speakers) // n) for i, s in enumerate(speakers)}
    return [[u for u in data.utts if part_of[data.spk[u]] == part] for part in range(n)]


def _yoon(options: Options, data: DataDir) -> list[list[str]]:
    """Five random parts as in the code of Yoon et al. 2018 (Python 3 draws the same random numbers as Python 2).

    Utterances are drawn in the order of their dialogues, then of their ids in the corpus.
    """
    rng = random.Random(options["seed"])
    parts: list[list[str]] = [[] for _ in range(5)]
    for utt in _corpus_order(data):
        draw = rng.random()
        parts[next((i for i, limit in enumerate((0.8, 0.6, 0.4, 0.2)) if draw > limit), 4)].append(utt)
    return parts


def _corpus_order(data: DataDir) -> list[str]:
    """IEMOCAP's own order: ``Ses01F_impro01_M000`` is M000 of the dialogue Ses01F_impro01."""
    return sorted(data.utts, key=lambda utt: (own_id(data, utt).rpartition("_")[0], own_id(data, utt)))


def _predefined(options: Options, data: DataDir) -> list[dict[str, list[str]]]:
    """Given parts: the fold lists in the folder ``lists``, or those of utt2split; test has its value ``name``."""
    if "lists" in options:
        return read_folds(options["lists"], data)
    return [read_split(data, options.get("name", "test"))]


def _next_part(options: Options, draft: FoldDraft) -> Sequence[str]:
    return draft.parts[(draft.index + 1) % len(draft.parts)]["test"]


def _next_group(options: Options, draft: FoldDraft) -> Sequence[str]:
    """The group that follows that of the test part, in the order of their names."""
    keys = _keys(options, draft.data)
    names = sorted(set(keys.values()))
    dev = names[(names.index(keys[draft.tested[0]]) + 1) % len(names)]
    return [utt for utt, key in keys.items() if key == dev]


def _next_speakers(options: Options, draft: FoldDraft) -> Sequence[str]:
    """The speakers that follow the last test speaker, until they have ``share`` of the others and every class."""
    data, own = draft.data, dict[str, list[str]]()
    for utt in draft.rest:
        own.setdefault(data.spk[utt], []).append(utt)
    last = max((data.spk[utt] for utt in draft.tested), key=str.encode)
    dev: list[str] = []
    classes, wanted = {data.emo[utt] for utt in draft.rest}, float(options["share"]) * len(draft.rest)
    for speaker in sorted(own, key=lambda name: (name.encode() <= last.encode(), name.encode())):
        if len(dev) >= wanted and classes <= {data.emo[utt] for utt in dev}:
            break
        dev += own[speaker]
    return dev


def _dev_group(options: Options, draft: FoldDraft) -> Sequence[str]:
    return _one_group(options, draft.data)[0]


def _partner(options: Options, draft: FoldDraft) -> Sequence[str]:
    """The other speakers of the test speaker's session."""
    session, test = attribute(draft.data, "session"), set(draft.tested)
    sessions = {session[u] for u in test}
    return [u for u in draft.data.utts if session[u] in sessions and u not in test]


def _share(options: Options, draft: FoldDraft) -> Sequence[str]:
    """A random share of each class of the utterances that are not tested."""
    rng = random.Random(f"{options['seed']} {draft.index}")
    classes = by_class(draft.data, draft.rest, rng)
    return [utt for utts in classes for utt in utts[: round(len(utts) * float(options["share"]))]]


def _yoon_dev(options: Options, draft: FoldDraft) -> Sequence[str]:
    """About three tenths of the test part; one number is drawn per utterance of the corpus."""
    rng = random.Random(options["seed"])
    numbers = {utt: rng.random() for utt in _corpus_order(draft.data)}
    return [utt for utt in draft.tested if numbers[utt] > 0.7]


def _predefined_dev(options: Options, draft: FoldDraft) -> Sequence[str]:
    return draft.parts[draft.index].get("dev", ())


def _test(options: Options, draft: FoldDraft) -> Sequence[str]:
    return draft.tested


TEST_SCHEMES: Mapping[str, Scheme] = {
    "random": Scheme(_random, ("folds", "seed")),
    "group": Scheme(_group, ("by",), ("folds",)),
    "one_group": Scheme(_one_group, ("by", "name"), ("folds",)),
    "speakers": Scheme(_speakers, ("folds",)),
    "balanced_speakers": Scheme(_balanced_speakers, ("folds",)),
    "yoon": Scheme(_yoon, ("folds", "seed")),
    "predefined": Scheme(_predefined, (), ("lists", "folds", "name")),
}
DEV_SCHEMES: Mapping[str, Scheme] = {
    "next_part": Scheme(_next_part),
    "next_group": Scheme(_next_group, ("by",)),
    "next_speakers": Scheme(_next_speakers, ("share",)),
    "one_group": Scheme(_dev_group, ("by", "name")),
    "partner": Scheme(_partner),
    "share": Scheme(_share, ("share", "seed")),
    "yoon": Scheme(_yoon_dev, ("seed",)),
    "predefined": Scheme(_predefined_dev),
    "test": Scheme(_test),
}
