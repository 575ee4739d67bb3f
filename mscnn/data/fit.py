"""Which protocols fit a data directory: enough speakers or groups, and every class in every part that needs it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import LEGACY_TEST_BEST, Fold, Protocol, require_classes
from mscnn.errors import DataErrors, UserError
from mscnn.log import get_logger
from mscnn.paths import names

FEW_SPEAKERS = 10  # up to this number, one fold per speaker is affordable
ONE_EACH = ("leave_one_speaker_out", "leave_one_speaker_out_pooled", "leave_one_speaker_out_share")
logger = get_logger(__name__)
GROUPS = ("k_speakers", "k_speakers_pooled", "k_speakers_share")


@dataclass(frozen=True)
class Fit:
    """Whether a protocol fits data.

    Attributes:
        protocol: the protocol.
        folds: number of folds; 0 where it does not fit.
        why_not: the first reason why it does not fit; empty where it does.
    """

    protocol: Protocol
    folds: int
    why_not: str = ""

    @property
    def fits(self) -> bool:
        """Whether the protocol fits."""
        return not self.why_not

    @property
    def speaker_disjoint(self) -> bool:
        """Whether the protocol states that no test speaker is in training."""
        return "speaker" in self.protocol.disjoint["train-test"]

    def __str__(self) -> str:
        return f"{self.protocol.name} ({self.why_not or f'{self.folds} folds'})"


def check_fit(protocol: Protocol, data: DataDir, classes: Sequence[str], first_folds: int = 0) -> list[Fold]:
    """The folds of a protocol, checked: every part of those that are trained has every class.

    Args:
        classes: classes of the label map; empty: those that occur.
        first_folds: number of folds that are trained; 0: all.

    Raises:
        UserError, DataErrors: the protocol does not fit; the message also names the shipped protocols that do, and for
            the others why not.
    """
    try:
        folds = protocol.folds(data)
        require_classes(protocol, folds[: first_folds or None], data, classes or data.classes)
    except UserError as error:
        error.args = (f"{error}\n{advice(data, classes)}",)
        raise
    return folds


def applicable(protocol: Protocol, data: DataDir, classes: Sequence[str], first_folds: int = 0) -> Protocol:
    """The protocol, or where parts lack classes the one that it names for this case, with a warning in the log.

    Args:
        classes: classes of the label map.
        first_folds: number of folds that are trained; 0: all.

    Raises:
        UserError, DataErrors: the data lack the sessions, speakers or tables that the protocol needs.
    """
    try:
        require_classes(protocol, protocol.folds(data)[: first_folds or None], data, classes)
    except DataErrors as error:
        for other in protocol.alternatives() if error.code == "class-absent" else ():
            if _fit(other, data, classes).fits:
                logger.warning("%s: %s, so %s is used", protocol.name, _reason(error), other.name)
                return other
    return protocol


def fitting(data: DataDir, classes: Sequence[str] = ()) -> list[Fit]:
    """Whether each shipped protocol without methodological errors fits; speaker-disjoint ones first, then by name."""
    protocols = [Protocol.load(name) for name in names("protocols")]
    fits = [_fit(protocol, data, classes) for protocol in protocols if LEGACY_TEST_BEST not in protocol.legacy]
    return sorted(fits, key=lambda fit: (not fit.speaker_disjoint, fit.protocol.name))


def suggested(data: DataDir, classes: Sequence[str] = ()) -> Protocol:
    """The speaker-disjoint protocol to take where the corpus has no split of its own.

    Up to ten speakers each is tested alone, more are tested in five groups; where single folds lack classes, scores are
    pooled; where there are too few speakers for a dev part of their own, dev shares speakers with training.

    Raises:
        UserError: none fits (``protocol-none-fits``); the message says why, how many utterances and speakers each class
            has, and what to do.
    """
    few = len({*data.spk.values()}) <= FEW_SPEAKERS
    fits = [
        _fit(Protocol.load(name), data, classes) for name in ((*ONE_EACH, *GROUPS) if few else (*GROUPS, *ONE_EACH))
    ]
    for fit in fits:
        if fit.fits:
            return fit.protocol
    raise UserError(
        "\n".join(
            [
                f"{data.path}: no shipped protocol with disjoint speakers fits:",
                *(f"  {f}" for f in fits),
                *_way_out(data),
            ]
        ),
        code="protocol-none-fits",
    )


def _way_out(data: DataDir) -> Iterator[str]:
    """Lines that say which classes are rare, and what to do."""
    utts = {name: [utt for utt, own in data.emo.items() if own == name] for name in data.classes}
    sizes = sorted((len({data.spk[utt] for utt in own}), len(own), name) for name, own in utts.items())
    yield "utterances of each class: " + ", ".join(f"{name} {n} (speakers: {who})" for who, n, name in sizes)
    others = [fit.protocol.name for fit in fitting(data) if fit.fits]
    yield (
        "fix: join rare classes with others in the label map, or exclude them"
        + (f"; or, for scores that do not hold for new speakers: --protocol {others[0]}" if others else "")
    )


def advice(data: DataDir, classes: Sequence[str] = ()) -> str:
    """Lines that name the shipped protocols that fit, and the others with the reason."""
    return "\n".join(_advice(fitting(data, classes)))


def _advice(fits: Sequence[Fit]) -> Iterator[str]:
    for title, disjoint in (
        ("protocols of conf/protocols that fit these data, speakers disjoint", True),
        ("that fit, but test speakers may be in training", False),
    ):
        good = [str(fit) for fit in fits if fit.fits and fit.speaker_disjoint == disjoint]
        yield f"{title}: {', '.join(good) or 'none'}"
    reasons: dict[str, list[str]] = {}
    for fit in fits:
        reasons.setdefault(fit.why_not, []).append(fit.protocol.name)
    yield "that do not fit:"
    yield from (f"  {', '.join(group)}: {reason}" for reason, group in reasons.items() if reason)


def _fit(protocol: Protocol, data: DataDir, classes: Sequence[str]) -> Fit:
    try:
        folds = protocol.folds(data)
        require_classes(protocol, folds, data, classes or data.classes)
    except UserError as error:
        reason = re.sub(rf"^protocol {protocol.name}: |protocol {protocol.name} ", "", _reason(error))
        return Fit(protocol, 0, reason.removeprefix(f"{data.path}: "))
    return Fit(protocol, len(folds))


def _reason(error: UserError) -> str:
    """The first issue and the number of the others, or the first part of a message."""
    if isinstance(error, DataErrors):
        more = f", and {len(error.issues) - 1} more" if len(error.issues) > 1 else ""
        return f"{error.issues[0]}{more}"
    return str(error).partition(": choose another")[0].partition("; choose ")[0]
