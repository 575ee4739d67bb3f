"""Stage 1: utterances of a corpus -> data directory, with every fault of the corpus listed at once."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.audio.check import BadAudio, Header, read_headers
from mscnn.audio.duplicates import Digests
from mscnn.config.labels import LabelMap
from mscnn.corpora import counts
from mscnn.corpora.common import Corpus, Fault, Item
from mscnn.data.datadir import OPTIONAL, DataDir, inverse
from mscnn.errors import DataErrors, UserError
from mscnn.files import atomic, read_table
from mscnn.log import get_logger

logger = get_logger("prepare_data")


@dataclass(frozen=True)
class AudioForm:
    """What the recipe takes: rate in Hz, channels, and whether stage 3 may convert what differs."""

    rate: int
    channels: int
    convert: bool


def prepare(corpus: Corpus, labels: LabelMap, subset: str, form: AudioForm, out: Path, *, skip: bool) -> DataDir:
    """Write the data directory ``out`` of the utterances that the label map and ``subset`` select.

    Faults of other utterances are only noted. With ``skip``, utterances that cannot be used are left out and listed in
    ``excluded.tsv`` with the reason; those whose text was repaired stay. Digests of the recordings are left in
    ``audit/recordings.json`` for the audit.

    Raises:
        DataErrors: faults, without ``skip``; nothing is written.
        UserError: nothing is selected, or nothing usable is left.
    """
    items, faults = select(corpus, labels, subset)
    headers, bad_audio = check_audio(items, form)
    digests = Digests(out / "audit" / "recordings.json")  # where stage 1 audits: nothing is read twice
    faults += bad_audio
    faults += find_copies(_usable(items, faults), labels, digests)
    faults.sort(key=lambda fault: (fault.kind, fault.where))
    if faults and not skip:
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(Counter(fault.kind for fault in faults).items()))
        advice = "nothing was written; mend these, or leave out what cannot be used with: --on-bad skip"
        raise DataErrors(f"{len(faults)} faults in the corpus ({kinds}):", [*map(str, faults), advice])
    for fault in faults:
        logger.warning("%s: %s", "kept" if fault.repaired else "left out", fault)
    kept = _usable(items, faults)
    if not kept:
        raise UserError(f"none of the {len(items)} selected utterances can be used; see the faults above")
    seconds = {item.utt: headers[item.utt].seconds if item.wav else item.seconds for item in kept}
    _write(out, _tables(kept, labels, seconds), [fault for fault in faults if not fault.repaired])
    digests.write()
    logger.info("%s: %s", out, summary(kept, labels, seconds))
    return DataDir.load(out)


def select(corpus: Corpus, labels: LabelMap, subset: str) -> tuple[list[Item], list[Fault]]:
    """Utterances that are wanted, and the faults that concern them; everything else is noted in the log."""
    parts = sorted({item.part for item in corpus.items} - {""})
    if subset not in ("all", *parts):
        raise UserError(f"no {subset} recordings in this corpus; --subset may be: {' '.join(['all', *parts])}")
    here = [item for item in corpus.items if subset in ("all", item.part)]
    unknown = [item for item in here if item.label not in labels.mapping]
    message = f"expected one of {' '.join(labels.mapping)}, found {{}}"
    faults = [Fault("unknown-label", i.where, message.format(i.label), (i.utt,), part=i.part) for i in unknown]
    for fault in corpus.faults:
        wanted = fault.labels is None or any(labels.mapping.get(label, label) is not None for label in fault.labels)
        if wanted and subset in ("all", fault.part):
            faults.append(fault)
        else:
            corpus.note(f"{fault.kind}, of utterances that are not selected", f"{fault.where}: {fault.message}")
    for what, places in sorted(corpus.notes.items()):
        logger.info("passed over: %d × %s; the first: %s", len(places), what, places[0])
    return [item for item in here if labels.mapping.get(item.label) is not None], faults


def check_audio(items: Sequence[Item], form: AudioForm) -> tuple[dict[str, Header], list[Fault]]:
    """Header of each usable recording, and a fault for each that is not what ``form`` says."""
    headers, faults, other = {}, [], 0
    there = [item for item in items if item.wav]
    for item, header in zip(there, read_headers(item.wav for item in there), strict=True):
        if isinstance(header, BadAudio):
            faults.append(Fault(header.kind, item.wav, str(header), (item.utt,), part=item.part))
            continue
        headers[item.utt] = header
        differs = [
            (kind, f"expected {wanted} {unit}, found {found}")
            for kind, unit, wanted, found in (
                ("wrong-rate", "Hz", form.rate, header.rate),
                ("wrong-channels", "channel(s)", form.channels, header.channels),
            )
            if wanted != found
        ]
        other += bool(differs)
        if not form.convert:
            faults += [Fault(kind, item.wav, message, (item.utt,), part=item.part) for kind, message in differs]
    if other and form.convert:
        wanted = f"{form.rate} Hz, {form.channels} channel(s)"
        logger.info("%d of %d recordings are not %s: stage 3 converts them", other, len(there), wanted)
    return headers, faults


def find_copies(items: Sequence[Item], labels: LabelMap, digests: Digests) -> Iterator[Fault]:
    """A fault for each utterance whose recording is that of another, sample for sample, or cannot be decoded.

    The first id stays. Where copies differ in class or speaker, nobody knows which is right, and each has a fault.
    """
    there = sorted((item for item in items if item.wav), key=lambda item: item.utt.encode())
    found, unreadable = digests.of(item.wav for item in there)
    copies: dict[str, list[Item]] = {}
    for item in there:
        if item.wav in unreadable:
            yield Fault("not-a-wav", item.wav, unreadable[item.wav], (item.utt,), part=item.part)
        else:
            copies.setdefault(found[item.wav], []).append(item)
    for same in copies.values():
        facts = {item.utt: (labels.mapping[item.label], item.speaker) for item in same}
        alike = len({*facts.values()}) == 1
        for item in same[1:] if alike else same:
            twin = same[0] if alike else next(other for other in same if facts[other.utt] != facts[item.utt])
            message = f"the same samples as {twin.utt}, {twin.wav}"
            if not alike:
                one, other = (" of ".join(facts[utt]) for utt in (item.utt, twin.utt))
                message += f"; but this is {one}, that is {other}: neither can be trusted"
            yield Fault("duplicate-recording", item.wav, message, (item.utt,), part=item.part)


def _usable(items: Sequence[Item], faults: Sequence[Fault]) -> list[Item]:
    """The utterances that no fault makes unusable."""
    excluded = {utt for fault in faults if not fault.repaired for utt in fault.utts}
    return [item for item in items if item.utt not in excluded]


def summary(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> str:
    """One line: utterances of each class, speakers and hours."""
    found = Counter(labels.apply(item.label) for item in items)
    classes = ", ".join(f"{name} {found[name]}" for name in labels.classes)
    hours = sum(seconds.values()) / 3600
    return f"{len(items)} utterances ({classes}), {len({i.speaker for i in items})} speakers, {hours:.2f} h"


def report_counts(corpus: Corpus, labels: LabelMap, expected: Path | None, *, strict: bool) -> None:
    """Log the counts of the whole corpus, and each difference from the expected ones.

    Raises:
        DataErrors: there are differences, and ``strict``.
    """
    logger.info("utterances in the corpus, by its own labels:\n%s", counts.table(corpus.items, list(labels.mapping)))
    if expected is None:
        return
    found = counts.differences(corpus.items, expected)
    if found and strict:
        raise DataErrors(f"{len(found)} counts differ from those expected:", found)
    for line in found:
        logger.warning("count differs: %s", line)
    if not any(counts.expected_rows(expected)):
        logger.warning("%s: no counts to compare with: write what a complete copy of the corpus has", expected)
    elif not found:
        logger.info("all counts are as expected (%s)", expected)


def _tables(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> dict[str, dict[str, str]]:
    tables = {
        "wav.scp": {item.utt: item.wav for item in items},
        "text": {item.utt: item.text for item in items},
        "utt2spk": {item.utt: item.speaker for item in items},
        "utt2emo": {item.utt: labels.apply(item.label) for item in items},
        "utt2dur": {item.utt: f"{seconds[item.utt]:.6f}" for item in items},
        "utt2session": {item.utt: item.session for item in items},
        "utt2scene": {item.utt: item.scene for item in items},
        "utt2gender": {item.utt: item.gender for item in items},
        "utt2split": {item.utt: item.split for item in items},
    }
    return {name: table for name, table in tables.items() if name not in OPTIONAL or all(table.values())}


def _write(out: Path, tables: Mapping[str, Mapping[str, str]], left_out: Sequence[Fault]) -> None:
    """Write the directory, unless the same tables are there: then their ``text.<engine>`` files are still good."""
    if _is_there(out, tables):
        logger.info("%s is up to date", out)
    else:
        DataDir.write(out, tables)
    rows = sorted((utt, fault.kind, fault.where, fault.message) for fault in left_out for utt in fault.utts or ("-",))
    (out / "excluded.tsv").unlink(missing_ok=True)
    if rows:
        with atomic(out / "excluded.tsv") as file:
            file.writelines("\t".join(row) + "\n" for row in [("utt", "kind", "where", "reason"), *rows])


def _is_there(out: Path, tables: Mapping[str, Mapping[str, str]]) -> bool:
    wanted = {**tables, "spk2utt": inverse(tables["utt2spk"])}
    with contextlib.suppress(UserError):
        surplus = any((out / name).exists() for name in (*OPTIONAL, "segments") if name not in wanted)
        return not surplus and all(read_table(out / name) == dict(table) for name, table in wanted.items())
    return False
