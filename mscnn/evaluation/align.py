"""Alignment of systems from different sources: same order of utterances and of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions
from mscnn.evaluation.system import System


def align(systems: Sequence[System]) -> list[System]:
    """The systems with utterances and classes in the order of the first, and with the clusters that any of them has.

    Raises:
        UserError: the systems differ in utterances, truth or classes, or in the clusters of an utterance.
    """
    first = systems[0]
    for other in systems[1:]:
        _check(first, other)
    others = tuple(dict.fromkeys(name for system in systems for name in system.others))
    attributes: dict[str, dict[str, str]] = {}
    for system in systems:
        for kind in ("speaker", "dialogue"):
            known = attributes.setdefault(kind, {})
            for utt, value in system.attributes.get(kind, {}).items():
                if known.setdefault(utt, value) != value:
                    raise UserError(
                        f"{system.name}: {kind} of {utt} is {value}, and {known[utt]} elsewhere", code="cluster-differs"
                    )
    known_kinds = {kind: values for kind, values in attributes.items() if values}
    return [replace(_reordered(one, first, others), attributes=known_kinds) for one in systems]


def _check(a: System, b: System) -> None:
    only_a, only_b = sorted({*a.utts} - {*b.utts}), sorted({*b.utts} - {*a.utts})
    if only_a or only_b:
        sides = ((a, only_a), (b, only_b))
        counts = [f"{len(utts)} only in {one.name}, such as {utts[0]}" for one, utts in sides if utts]
        raise UserError(
            f"{a.name} and {b.name} predict different utterances: {'; '.join(counts)}. Compare them on the same ones",
            code="utterances-differ",
        )
    if {*a.classes} != {*b.classes}:
        raise UserError(
            f"{a.name} and {b.name} have different classes, {', '.join(a.classes)} and {', '.join(b.classes)}",
            code="classes-differ",
        )
    truth = {utt: b.classes[k] for utt, k in zip(b.utts, b.truth, strict=True)}
    different = [utt for utt, k in zip(a.utts, a.truth, strict=True) if truth[utt] != a.classes[k]]
    if different:
        raise UserError(
            f"{a.name} and {b.name} differ in the truth of {len(different)} utterances, such as {different[0]}",
            code="truth-differs",
        )


def _reordered(system: System, first: System, others: tuple[str, ...]) -> System:
    position = {utt: i for i, utt in enumerate(system.utts)}
    order = np.array([position[utt] for utt in first.utts])
    columns = [*first.classes, *others]
    names = [*system.classes, *system.others]
    index = np.array([columns.index(name) for name in names])

    def reordered(run: Predictions) -> Predictions:
        prob = np.zeros((len(order), len(columns) if run.prob.size else 0))
        if run.prob.size:
            prob[:, index] = run.prob[order]
        return Predictions(first.utts, index[run.truth[order]], index[run.pred[order]], prob)

    return replace(
        system,
        classes=first.classes,
        others=others,
        runs=tuple(reordered(run) for run in system.runs),
        folds=None if system.folds is None else system.folds[:, order],
    )
