"""The protocol that fits a table: by its split, or by its speakers; and a dev part where the split has none."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.config.labels import LabelMap
from mscnn.corpora.common import Corpus, Item
from mscnn.data.datadir import DataDir
from mscnn.data.fit import check_fit, suggested
from mscnn.data.protocols import Protocol
from mscnn.errors import UserError

DEV_SHARE = 0.15  # of the utterances of train, that dev has at least
SEED = 2021
NO_SPEAKERS = (
    "WARNING: no column names the speaker: folds are random, voices of the test part are also in training, and scores "
    "for new speakers are lower; score lines say speakers=unknown. If a column has the speaker: "
    "--columns speaker=NAME; if paths have it: --speaker-from=PATTERN"
)
ONE_SPEAKER = "WARNING: one speaker: folds are random, and scores do not hold for other speakers"
TWO_SPEAKERS = "WARNING: two speakers: each is tested with a model of the other; this is no statement about others"


@dataclass(frozen=True)
class Choice:
    """Protocols for a table, and sentences about them."""

    protocols: tuple[str, ...]
    lines: list[str]


def choose(corpus: Corpus, labels: LabelMap, given: Sequence[str], table: Path) -> Choice:
    """The protocols that the user gives, or the one that the split or the speakers of a table ask for; they fit.

    Raises:
        UserError: one does not fit, or none does; the message says why, and which do.
    """
    data, lines = _data(corpus, labels, table), list[str]()
    number = len({*data.spk.values()})
    if given:
        names = tuple(given)
    elif data.split:
        names = ("predefined",)
    elif not data.speakers_known or number == 1:
        names, lines = ("random5",), [ONE_SPEAKER if data.speakers_known else NO_SPEAKERS]
    else:
        names, lines = (suggested(data, labels.classes).name,), [TWO_SPEAKERS] if number == 2 else []
    speakers = f"{number} speakers" if data.speakers_known else "speakers unknown"
    for name in names:
        protocol = Protocol.load(name)
        folds = check_fit(protocol, data, labels.classes)
        pooled = "; folds are pooled, as speakers lack classes" if protocol.aggregate == "pooled" and not given else ""
        lines.append(f"protocol: {name}, {len(folds)} folds ({speakers}){pooled}")
    return Choice(names, lines)


def _data(corpus: Corpus, labels: LabelMap, table: Path) -> DataDir:
    """The data directory that stage 1 will make, as far as protocols need it; messages name the table."""
    items = [item for item in corpus.items if labels.mapping.get(item.label) is not None]
    names = ("session", "scene", "gender", "split")
    facts = {name: {item.utt: getattr(item, name) for item in items} for name in names}
    known = {name: table for name, table in facts.items() if all(table.values())}
    return DataDir(
        path=table,
        wav={item.utt: item.wav for item in items},
        text={item.utt: item.text for item in items},
        spk={item.utt: item.speaker for item in items},
        emo={item.utt: str(labels.mapping[item.label]) for item in items},
        dur={item.utt: 1.0 for item in items},
        session=known.get("session", {}),
        scene=known.get("scene", {}),
        gender=known.get("gender", {}),
        split=known.get("split", {}),
    )


def with_dev(items: Sequence[Item], classes: Mapping[str, str | None]) -> tuple[list[Item], list[str]]:
    """Utterances whose split has train, dev and test: where it has no dev, speakers of train are moved to dev.

    Whole speakers, the smallest first, until dev has DEV_SHARE of the utterances of train and all its classes; without
    speakers, or where that would empty train of a class, a share of the utterances of each class.

    Args:
        items: the utterances.
        classes: class of each label; None: excluded.

    Raises:
        UserError: the split has no train or no test (``split-part``).
    """
    parts = Counter(item.split for item in items)
    if not parts or set(parts) == {""}:
        return [*items], []
    if missing := [part for part in ("train", "test") if not parts[part]]:
        found = ", ".join(f"{part} {count}" for part, count in parts.items())
        raise UserError(
            f"the split has no {' and no '.join(missing)} part, only {found}; name the column of another split with "
            "--columns split=NAME, or leave it out: remove or rename the column",
            code="split-part",
        )
    if parts["dev"]:
        return [*items], []
    train = [(item, name) for item in items if item.split == "train" and (name := classes.get(item.label))]
    speakers = _dev_speakers(train)
    if speakers:
        chosen = {id(item) for item, _ in train if item.speaker in speakers}
        line = f"the split has no dev part: speakers {', '.join(sorted(speakers))} of train are dev"
    else:
        chosen = _dev_share(train)
        line = "the split has no dev part, and speakers of train cannot be divided: dev is a random sixth of train"
    line += f" ({len(chosen)} utterances)"
    return [replace(item, split="dev") if id(item) in chosen else item for item in items], [line]


def _dev_speakers(train: Sequence[tuple[Item, str]]) -> set[str]:
    """Speakers of utterances with their classes, for dev; or none."""
    by_speaker: defaultdict[str, list[str]] = defaultdict(list)
    for item, name in train:
        by_speaker[item.speaker].append(name)
    classes, chosen = {name for _, name in train}, set[str]()
    for speaker in sorted(by_speaker, key=lambda speaker: (len(by_speaker[speaker]), speaker)):
        dev = [name for who in chosen for name in by_speaker[who]]
        if len(dev) >= DEV_SHARE * len(train) and {*dev} == classes:
            break
        chosen.add(speaker)
    rest = {name for item, name in train if item.speaker not in chosen}
    return chosen if rest == classes and len(by_speaker) > 1 else set()


def _dev_share(train: Sequence[tuple[Item, str]]) -> set[int]:
    rng, chosen = random.Random(SEED), set[int]()
    for name in sorted({name for _, name in train}):
        members = sorted((item for item, other in train if other == name), key=lambda item: (item.utt, item.where))
        rng.shuffle(members)
        chosen |= {id(item) for item in members[: max(1, round(len(members) / 6)) if len(members) > 1 else 0]}
    return chosen
