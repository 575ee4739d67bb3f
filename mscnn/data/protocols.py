"""Protocols: how a corpus is cut into folds, as data in ``conf/protocols/*.yaml``."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic, digest
from mscnn.paths import conf, read_yaml

PARTS = ("train", "dev", "test")
NEEDS = {
    "random": ("seed",),
    "group": ("by",),
    "one_group": ("by", "name"),
    "yoon": ("seed",),
}  # what a scheme must be told
DEV_NEEDS = {"share": ("share", "seed"), "yoon": ("seed",)}
LEGACY_TEST_BEST = "legacy_test_best"


@dataclass(frozen=True)
class Protocol:
    """A named, versioned way to choose test and dev, and what it promises to keep disjoint.

    ``legacy`` lists what the authors of a paper did and should not have done; it marks every score line. With
    ``legacy_test_best`` dev *is* the test part: models are selected on the labels that they are scored on.
    """

    name: str
    version: int
    test: Mapping[str, object]
    dev: Mapping[str, object]
    disjoint: Mapping[str, Sequence[str]]
    selection: str
    legacy: Sequence[str] = ()

    @classmethod
    def load(cls, name: str) -> "Protocol":
        """Read ``conf/protocols/<name>.yaml`` (or the YAML file ``name``).

        Raises:
            UserError: a key is missing or unknown, or names a scheme that does not exist.
        """
        path = conf("protocols", name)
        facts = read_yaml(path)
        required = cls.__dataclass_fields__.keys() - {"legacy"}
        if not required <= facts.keys() <= cls.__dataclass_fields__.keys():
            raise UserError(f"{path}: expected the keys {', '.join(sorted(required))}; found {', '.join(facts)}")
        wrong = [key for key in ("test", "dev", "disjoint") if not isinstance(facts[key], dict)]
        if wrong:
            raise UserError(f"{path}: {', '.join(wrong)}: expected a mapping of names to values")
        for part, schemes in (("test", TEST_SCHEMES), ("dev", DEV_SCHEMES)):
            if facts[part].get("scheme") not in schemes:
                raise UserError(f"{path}: {part}: scheme must be one of {', '.join(schemes)}")
        needs = {"folds", *NEEDS.get(facts["test"]["scheme"], ())} - facts["test"].keys()
        needs |= {*DEV_NEEDS.get(facts["dev"]["scheme"], ())} - facts["dev"].keys()
        if needs:
            raise UserError(f"{path}: test or dev: {', '.join(sorted(needs))} missing")
        if facts["disjoint"].keys() != {f"{a}-{b}" for a, b in combinations(PARTS, 2)}:
            raise UserError(f"{path}: disjoint: expected the keys train-test, train-dev and dev-test")
        legacy = LEGACY_TEST_BEST in facts.get("legacy", ())
        if legacy != (facts["dev"]["scheme"] == "test") or facts["selection"] != ("test" if legacy else "dev"):
            raise UserError(
                f"{path}: models are selected on dev; where dev is the test part (scheme: test), the file must say so: "
                f"selection: test, legacy: [{LEGACY_TEST_BEST}]"
            )
        return cls(**facts)


@dataclass(frozen=True)
class Fold:
    """Utterance ids of one fold, each part sorted; ``index`` counts from 1."""

    index: int
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]


def make_folds(protocol: Protocol, data: DataDir) -> list[Fold]:
    """Cut a data directory into folds; the same ids give the same folds on any machine.

    Raises:
        UserError: the data have not the sessions or speakers that the protocol needs, or the folds share what the
            protocol says is disjoint.
    """
    parts = TEST_SCHEMES[protocol.test["scheme"]](protocol, data)
    if len(parts) != protocol.test["folds"]:
        raise UserError(
            f"protocol {protocol.name}: expected {protocol.test['folds']} parts, {data.path} gives {len(parts)}; "
            "choose a protocol made for this corpus"
        )
    dev_of = DEV_SCHEMES[protocol.dev["scheme"]]
    folds = []
    for i, part in enumerate(parts):
        dev = set(dev_of(protocol, parts, i, data))
        train = tuple(u for u in data.utts if u not in dev and u not in set(part))
        test = part if dev == set(part) else [u for u in part if u not in dev]
        folds.append(Fold(i + 1, train, tuple(sorted(dev)), tuple(sorted(test))))
    for fold in folds:
        _assert_promises(protocol, fold, data)
    return folds


def folds_hash(protocol: Protocol, folds: Sequence[Fold]) -> str:
    """Four hex digits that name protocol, version and the very utterances of every part."""
    return digest([protocol.name, protocol.version, [[f.index, f.train, f.dev, f.test] for f in folds]])[:4]


def write_folds(folds: Sequence[Fold], directory: str | os.PathLike) -> None:
    """Write each part as a sorted id list: ``fold01.train``, ``fold01.dev``, ``fold01.test``, …"""
    for fold in folds:
        for part in PARTS:
            with atomic(Path(directory) / f"fold{fold.index:02d}.{part}") as out:
                out.writelines(f"{utt}\n" for utt in {"train": fold.train, "dev": fold.dev, "test": fold.test}[part])


def _random_parts(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """Deal each class, shuffled, to the parts in turn; ``random.Random`` is stable over Python versions."""
    rng, parts, dealt = random.Random(protocol.test["seed"]), [[] for _ in range(protocol.test["folds"])], 0
    for emotion in sorted(set(data.emo.values())):
        utts = [u for u in data.utts if data.emo[u] == emotion]
        rng.shuffle(utts)
        for utt in utts:
            parts[dealt % len(parts)].append(utt)
            dealt += 1
    return parts


def _attribute(data: DataDir, name: str) -> dict[str, str]:
    values = {
        "speaker": data.spk, "session": data.session, "scene": data.scene, "split": data.split, "text": data.text,
    }.get(name)  # fmt: skip
    if not values:
        raise UserError(f"{data.path}: no utt2{name}; the protocol needs to know the {name} of each utterance")
    return values


def _group_parts(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """One part a session (or speaker), in the order of their names."""
    group = _attribute(data, str(protocol.test["by"]))
    return [[u for u in data.utts if group[u] == name] for name in sorted(set(group.values()))]


def _balanced_speaker_parts(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """Equal shares of the female and of the male speakers, in the order of their ids."""
    if not data.gender:
        raise UserError(f"{data.path}: no utt2gender; protocol {protocol.name} balances genders")
    gender = {data.spk[u]: data.gender[u] for u in data.utts}
    n, members = int(protocol.test["folds"]), {}
    for kind in ("f", "m"):
        speakers = sorted(s for s in gender if gender[s] == kind)
        if len(speakers) % n:
            raise UserError(f"{data.path}: {len(speakers)} speakers of gender {kind} do not make {n} equal parts")
        members |= {s: i // (len(speakers) // n) for i, s in enumerate(speakers)}
    return [[u for u in data.utts if members[data.spk[u]] == part] for part in range(n)]


def _yoon_parts(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """Yoon et al. 2018 (their code, with Python 2's random numbers, which Python 3 draws alike): a fifth by chance.

    Utterances count in the order of their dialogues, then of their ids in the corpus.
    """
    rng, parts = random.Random(protocol.test["seed"]), [[] for _ in range(5)]
    for utt in _corpus_order(data):
        draw = rng.random()
        parts[next((i for i, limit in enumerate((0.8, 0.6, 0.4, 0.2)) if draw > limit), 4)].append(utt)
    return parts


def _corpus_order(data: DataDir) -> list[str]:
    """IEMOCAP's own order: ``Ses01M-Ses01F_impro01_M000`` is M000 of the dialogue Ses01F_impro01."""

    def place(utt: str) -> tuple[str, str]:
        own = utt.removeprefix(f"{data.spk[utt]}-")
        return own.rpartition("_")[0], own

    return sorted(data.utts, key=place)


def _one_group(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """The one group that is named."""
    group = _attribute(data, str(protocol.test["by"]))
    return [[u for u in data.utts if group[u] == protocol.test["name"]]]


def _predefined(protocol: Protocol, data: DataDir) -> list[list[str]]:
    """The publisher's own test part."""
    split = _attribute(data, "split")
    return [[u for u in data.utts if split[u] == "test"]]


def _next_part(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    return parts[(i + 1) % len(parts)]


def _share(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    """A share of each class of what is not tested, by chance."""
    rng, test, dev = random.Random(f"{protocol.dev['seed']} {i}"), set(parts[i]), []
    for emotion in sorted(set(data.emo.values())):
        utts = [u for u in data.utts if data.emo[u] == emotion and u not in test]
        rng.shuffle(utts)
        dev += utts[: round(len(utts) * float(protocol.dev["share"]))]
    return dev


def _yoon_dev(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    """About three tenths of the part; one number is drawn for every utterance of the corpus."""
    rng, part = random.Random(protocol.dev["seed"]), set(parts[i])
    draws = {utt: rng.random() for utt in _corpus_order(data)}
    return [utt for utt in part if draws[utt] > 0.7]


def _test(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    return parts[i]


def _partner(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    """The other speakers of the test speaker's session."""
    session = _attribute(data, "session")
    test = set(parts[i])
    sessions = {session[u] for u in test}
    return [u for u in data.utts if session[u] in sessions and u not in test]


def _predefined_dev(protocol: Protocol, parts: Sequence[list[str]], i: int, data: DataDir) -> list[str]:
    """The publisher's own dev part."""
    split = _attribute(data, "split")
    return [u for u in data.utts if split[u] == "dev"]


def _assert_promises(protocol: Protocol, fold: Fold, data: DataDir) -> None:
    ids = {"train": fold.train, "dev": fold.dev, "test": fold.test}
    for part, utts in ids.items():
        if not utts:
            raise UserError(f"protocol {protocol.name}, fold {fold.index}: {part} is empty in {data.path}")
    for a, b in combinations(PARTS, 2):
        if (a, b) == ("dev", "test") and LEGACY_TEST_BEST in protocol.legacy:
            continue
        shared = set(ids[a]) & set(ids[b])
        if shared:
            raise UserError(f"protocol {protocol.name}, fold {fold.index}: {min(shared)} is in {a} and in {b}")
        for what in protocol.disjoint[f"{a}-{b}"]:
            value = _attribute(data, what)
            first = {value[u]: u for u in ids[a]}
            leak = next((u for u in ids[b] if value[u] in first), None)
            if leak:
                raise UserError(
                    f"protocol {protocol.name} promises {a} and {b} share no {what}, but in fold {fold.index} "
                    f"{first[value[leak]]} ({a}) and {leak} ({b}) share {what} {value[leak]!r}"
                )


TEST_SCHEMES: Mapping[str, Callable[[Protocol, DataDir], list[list[str]]]] = {
    "random": _random_parts,
    "group": _group_parts,
    "one_group": _one_group,
    "balanced_speakers": _balanced_speaker_parts,
    "yoon": _yoon_parts,
    "predefined": _predefined,
}
DEV_SCHEMES: Mapping[str, Callable[[Protocol, Sequence[list[str]], int, DataDir], list[str]]] = {
    "next_part": _next_part,
    "partner": _partner,
    "share": _share,
    "yoon": _yoon_dev,
    "test": _test,
    "predefined": _predefined_dev,
}
