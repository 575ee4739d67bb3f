"""Protocols: how a corpus is split into folds, as stated in ``conf/protocols/*.yaml``."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from mscnn.config import schema
from mscnn.config.protocol import Aggregate, Attribute, Choice, Disjoint, Legacy, Name, Version
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import PARTS, read_list, write_lists
from mscnn.data.schemes import DEV_SCHEMES, TEST_SCHEMES, FoldDraft, Scheme, attribute
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import digest
from mscnn.paths import conf

LEGACY_TEST_BEST = "legacy_test_best"
DEV_OF_GROUPS = ("next_part", "next_group", "next_speakers")  # schemes whose dev is whole groups


@dataclass(frozen=True)
class Protocol:
    """A named, versioned way to choose test and dev::

        data = DataDir.load("data/iemocap4")
        protocol = Protocol.load("loso5")
        folds = protocol.folds(data)
        print(protocol.title(folds), len(folds[0].train), folds[0].test[:3])

    Attributes:
        name: as in score lines.
        version: raised when the folds change.
        test: scheme that chooses the test parts, and its options.
        dev: scheme that chooses dev among the utterances that are not tested, and its options.
        disjoint: pair of parts, such as ``train-test`` -> attributes (speaker, session, …) that they never share.
        selection: the part that models are selected on.
        legacy: methodological errors of a publication that the protocol reproduces; every score line names them. With
            ``legacy_test_best`` dev *is* the test part: models are selected on the labels that they are scored on.
        leave_out: attributes; other utterances that share one of them with the test part are excluded from the fold.
        aggregate: headline of a score: the mean over folds, or one confusion matrix pooled over folds where single
            folds lack classes.
        otherwise: protocol that is used instead, and is named on the score line, where parts lack classes; empty: none.
    """

    name: Name
    version: Version
    test: Choice
    dev: Choice
    disjoint: Disjoint
    selection: Literal["dev", "test"]
    legacy: Sequence[Legacy] = ()
    leave_out: Sequence[Attribute] = ()
    aggregate: Aggregate = "fold-mean"
    otherwise: str = ""

    @classmethod
    def load(cls, name: str) -> "Protocol":
        """Read ``conf/protocols/<name>.yaml`` (or the YAML file ``name``).

        Raises:
            UserError: a key is missing or unknown, or there is no such scheme.
        """
        path = conf("protocols", name)
        return cls.of(schema.read(path), path)

    @classmethod
    def of(cls, facts: Mapping[str, object], path: Path) -> "Protocol":
        """The protocol with the content ``facts`` of the file ``path``; raises as :func:`load`."""
        protocol = schema.build(cls, facts, path)
        try:
            _check_scheme("test", protocol.test, TEST_SCHEMES)
            _check_scheme("dev", protocol.dev, DEV_SCHEMES)
            if protocol.disjoint.keys() != {f"{a}-{b}" for a, b in combinations(PARTS, 2)}:
                raise UserError("disjoint: expected the keys train-test, train-dev and dev-test", code="config-value")
            on_test = LEGACY_TEST_BEST in protocol.legacy
            if on_test != (protocol.dev["scheme"] == "test") or protocol.selection != ("test" if on_test else "dev"):
                raise UserError(
                    "models are selected on dev; where dev is the test part (scheme: test), the file must declare "
                    "it: "
                    f"selection: test, legacy: [{LEGACY_TEST_BEST}]",
                    code="protocol-selection",
                )
        except UserError as error:
            raise UserError(f"{path}: {error}", code=error.code) from None
        if "lists" in protocol.test:  # relative to the file
            lists = os.fspath(path.parent / protocol.test["lists"])
            protocol = replace(protocol, test={**protocol.test, "lists": lists})
        return protocol

    def folds(self, data: DataDir) -> list["Fold"]:
        """Split a data directory; the same ids give the same folds on any machine.

        Raises:
            UserError: the data lack the sessions, speakers or tables that the protocol needs.
            DataErrors: parts that are empty, or share what the protocol states to be disjoint; all are listed.
        """
        return make_folds(self, data)

    def alternatives(self) -> Iterator["Protocol"]:
        """The protocols that may be used instead where parts lack classes, in order."""
        other = self
        while other.otherwise:
            other = Protocol.load(other.otherwise)
            yield other

    def title(self, folds: Sequence["Fold"]) -> str:
        """Name of the protocol and hash of the folds, ``loso5@ab20``, as in score lines."""
        return f"{self.name}@{short_hash(folds_digest(self, folds))}"


def _check_scheme(part: str, options: Choice, schemes: Mapping[str, Scheme]) -> None:
    """Raise UserError unless ``options`` of ``test`` or ``dev`` name a scheme and exactly the options that it takes."""
    scheme = schemes.get(options["scheme"])
    if scheme is None:
        hint = schema.nearest(options["scheme"], [*schemes])
        raise UserError(f"{part}.scheme: no scheme {options['scheme']}; {hint}", code="config-value")
    required, given = {*scheme.required}, options.keys() - {"scheme"}
    if not required <= given <= required | {*scheme.optional}:
        takes = [*scheme.required, *(f"{name} (optional)" for name in scheme.optional)]
        raise UserError(
            f"{part}: scheme {options['scheme']} takes {', '.join(takes) or 'no option'}; "
            f"found {', '.join(sorted(given)) or 'none'}",
            code="protocol-scheme-options",
        )


@dataclass(frozen=True, repr=False)
class Fold:
    """Utterance ids of one fold, each part sorted; ``index`` counts from 1."""

    index: int
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Fold {self.index}: {', '.join(f'{len(utts)} {part}' for part, utts in self.parts.items())}>"

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """train, dev, test -> utterances."""
        return {"train": self.train, "dev": self.dev, "test": self.test}


def make_folds(
    protocol: Protocol, data: DataDir, parts: Sequence[Mapping[str, Sequence[str]]] | None = None
) -> list[Fold]:
    """Folds of a protocol on data; ``parts`` of each fold, where given, replace the protocol's test scheme."""
    if not data.speakers_known and any("speaker" in names for names in protocol.disjoint.values()):
        raise UserError(
            f"{data.path}: the speakers are unknown, and protocol {protocol.name} keeps speakers apart: add them "
            "to the table (a column speaker), find them in names of files (--speaker-from PATTERN), or choose a "
            "protocol such as random5",
            code="speakers-unknown",
        )
    if (stated := protocol.test.get("folds", 0)) > len(data.utts):
        raise UserError(
            f"protocol {protocol.name}: {stated} folds of the {len(data.utts)} utterances in {data.path}; every fold "
            "needs one to test: choose a protocol made for this corpus",
            code="part-empty",
        )
    parts = parts or TEST_SCHEMES[protocol.test["scheme"]].make(protocol.test, data)
    drafts = [dict(part) if isinstance(part, Mapping) else {"test": part} for part in parts]
    if len(drafts) != protocol.test.get("folds", len(drafts)):
        raise UserError(
            f"protocol {protocol.name}: expected {protocol.test['folds']} parts, {data.path} gives {len(drafts)}; "
            "choose a protocol made for this corpus",
            code="protocol-parts",
        )
    _require_groups(protocol, data, len(drafts))
    values, utts = [attribute(data, name) for name in protocol.leave_out], data.utts
    folds = []
    for i, part in enumerate(drafts):
        if not part["test"]:
            raise UserError(
                f"protocol {protocol.name}, fold {i + 1}: test is empty in {data.path}; choose a protocol made for "
                "this corpus",
                code="part-empty",
            )
        tested = {*part["test"]}
        excluded = _excluded(part, utts, values)
        rest = [u for u in utts if u not in excluded]
        dev = {*DEV_SCHEMES[protocol.dev["scheme"]].make(protocol.dev, FoldDraft(data, drafts, i, rest))}
        dev -= excluded - tested
        train = tuple(u for u in rest if u not in dev)
        test = tested if dev == tested else tested - dev
        folds.append(Fold(i + 1, train, *(tuple(u for u in utts if u in chosen) for chosen in (dev, test))))
    _require_disjoint(protocol, folds, data)
    return folds


def _require_groups(protocol: Protocol, data: DataDir, parts: int) -> None:
    """Raise UserError where there are fewer speakers, or groups, than parts to fill: they are never divided."""
    scheme, by = protocol.test["scheme"], protocol.test.get("by", "speaker")
    if scheme == "speakers":
        found, needed = len({*data.spk.values()}), protocol.test["folds"]
    elif scheme == "group":
        found, needed = parts, 3 if protocol.dev["scheme"] in DEV_OF_GROUPS else 2
    else:
        return
    if found < needed:
        kind = by if isinstance(by, str) else "group"
        use = f"one for each of {needed} folds" if scheme == "speakers" else "one each for test, dev and train"
        raise UserError(
            f"{data.path}: {found} {kind}{'' if found == 1 else 's'}; protocol {protocol.name} needs {needed}, "
            f"{use if needed != 2 else 'one each for test and train'}; choose another protocol",
            code="groups-too-few",
        )


def _excluded(part: Mapping[str, Sequence[str]], utts: Sequence[str], values: Sequence[Mapping[str, str]]) -> set[str]:
    """Utterances that cannot be in train: tested, sharing one of ``values`` with the test part, or in no given list."""
    excluded = {*part["test"]}
    for value in values:
        tested = {value[u] for u in part["test"] if u in value}
        excluded |= {u for u in value if value[u] in tested}
    if "train" in part:
        excluded |= {*utts}.difference(*part.values())
    return excluded


def folds_digest(protocol: Protocol, folds: Sequence[Fold]) -> str:
    """SHA-256 (hex) over name, version and the utterance ids of every part."""
    return digest([protocol.name, protocol.version, [[f.index, f.train, f.dev, f.test] for f in folds]])


def short_hash(sha256: str) -> str:
    """The digits of :func:`folds_digest` that score lines have."""
    return sha256[:4]


def write_folds(folds: Sequence[Fold], directory: str | os.PathLike) -> None:
    """Write each part as a sorted list of ids: ``fold01.train``, ``fold01.dev``, ``fold01.test``, …"""
    write_lists([fold.parts for fold in folds], directory)


def read_fold(directory: str | os.PathLike, index: int) -> Fold:
    """A fold in the lists of :func:`write_folds`; raises UserError where they cannot be read."""
    return Fold(index, *(tuple(read_list(Path(directory) / f"fold{index:02d}.{part}")) for part in PARTS))


def shared(value: Mapping[str, str], a: Sequence[str], b: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Values that two parts have in common, each with its first utterance in both parts."""
    of_b = {value[u] for u in b if u in value}
    if of_b.isdisjoint(value[u] for u in a if u in value):
        return {}
    first_a, first_b = ({value[u]: u for u in reversed(utts) if u in value} for utts in (a, b))
    return {key: (first_a[key], first_b[key]) for key in sorted(first_a.keys() & first_b.keys())}


def require_classes(protocol: Protocol, folds: Sequence[Fold], data: DataDir, classes: Sequence[str]) -> None:
    """Raise unless every part of every fold has every class; where folds are pooled, the test parts count together.

    Raises:
        DataErrors: parts lack classes, so that UA is undefined; all are listed.
    """
    parts = [(f"fold {fold.index}", name, utts) for fold in folds for name, utts in fold.parts.items()]
    if protocol.aggregate == "pooled":
        parts = [part for part in parts if part[1] != "test"]
        parts.append((f"{len(folds)} folds pooled", "test", tuple(utt for fold in folds for utt in fold.test)))
    absent = {(where, part): set(classes) - {data.emo[utt] for utt in utts} for where, part, utts in parts}
    issues = [
        Issue("class-absent", f"{where}: no {', '.join(sorted(names))} in {part}")
        for (where, part), names in absent.items()
        if names
    ]
    if issues:
        raise DataErrors(
            f"protocol {protocol.name} does not fit {data.path}: UA is undefined where a part lacks a class: choose "
            "another protocol, or a label map without these classes:",
            issues,
            code="class-absent",
        )


def _require_disjoint(protocol: Protocol, folds: Sequence[Fold], data: DataDir) -> None:
    names = {name for names in protocol.disjoint.values() for name in names}
    values: dict[str, dict[str, str]] = {name: attribute(data, name) for name in names}
    issues = [issue for fold in folds for issue in _overlaps(protocol, fold, values)]
    if issues:
        raise DataErrors(
            f"protocol {protocol.name} does not fit {data.path}: choose another protocol, or correct what it states as "
            "disjoint:",
            issues,
            code="folds-invalid",
        )


def _overlaps(protocol: Protocol, fold: Fold, values: Mapping[str, Mapping[str, str]]) -> Iterator[Issue]:
    """Issues of parts that are empty, share an utterance, or share what the protocol states to be disjoint."""
    where, parts = f"fold {fold.index}", fold.parts
    for part, utts in parts.items():
        if not utts:
            yield Issue("part-empty", f"{where}: {part} is empty")
    for a, b in combinations(PARTS, 2):
        if (a, b) == ("dev", "test") and LEGACY_TEST_BEST in protocol.legacy:
            continue
        few, many = sorted((parts[a], parts[b]), key=len)
        both = {*few}.intersection(many)
        if both:
            yield Issue("utterance-in-two-parts", f"{where}: {min(both)} is in {a} and in {b}")
            continue
        for name in protocol.disjoint[f"{a}-{b}"]:
            common = shared(values[name], parts[a], parts[b])
            for value, (first, second) in [*common.items()][:1]:
                message = f"{first} ({a}) and {second} ({b}) share {name} {value!r}"
                more = f", and {len(common) - 1} more values" if len(common) > 1 else ""
                yield Issue("protocol-overlap", f"{where}: {message}{more}")
