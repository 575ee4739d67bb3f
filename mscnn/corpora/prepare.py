"""Stage 1: utterances of a corpus -> data directory, with every issue of the corpus listed at once."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.audio.check import BadAudio, Header, read_headers
from mscnn.audio.duplicates import Digests
from mscnn.config.labels import LabelMap
from mscnn.corpora import counts
from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.data.checks import inverse
from mscnn.data.datadir import OPTIONAL, DataDir
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

    Issues of other utterances are only noted. With ``skip``, utterances that cannot be used are excluded and listed in
    ``excluded.tsv`` with the reason; those whose text was repaired stay. Digests of the recordings are left in
    ``audit/recordings.json`` for the audit.

    Raises:
        DataErrors: issues, without ``skip``; nothing is written.
        UserError: nothing is selected, or nothing usable is left.
    """
    items, issues = select(corpus, labels, subset)
    headers, bad_audio = check_audio(items, form)
    digests = Digests(out / "audit" / "recordings.json")  # where stage 1 audits: nothing is read twice
    issues += bad_audio
    issues += find_copies(_usable(items, issues), labels, digests)
    issues.sort(key=lambda issue: (issue.code, issue.where))
    if issues and not skip:
        kinds = ", ".join(f"{code} {n}" for code, n in sorted(Counter(issue.code for issue in issues).items()))
        raise DataErrors(
            f"{len(issues)} issues in the corpus ({kinds}); nothing was written: fix them, or exclude what cannot be "
            "used with --on-bad skip:",
            issues,
            code="corpus-issues",
        )
    for issue in issues:
        logger.warning("%s: %s", "kept" if issue.repaired else "excluded", issue)
    kept = _usable(items, issues)
    if not kept:
        raise UserError(
            f"none of the {len(items)} selected utterances can be used; see the issues above", code="nothing-usable"
        )
    seconds = {item.utt: headers[item.utt].seconds if item.wav else item.seconds for item in kept}
    _write(out, _tables(kept, labels, seconds), [issue for issue in issues if not issue.repaired])
    digests.write()
    logger.info("%s: %s", out, summary(kept, labels, seconds))
    return DataDir.load(out)


def select(corpus: Corpus, labels: LabelMap, subset: str) -> tuple[list[Item], list[CorpusIssue]]:
    """Utterances that are wanted, and the issues that concern them; everything else is noted in the log."""
    styles = sorted({item.style for item in corpus.items} - {""})
    if subset not in ("all", *styles):
        raise UserError(
            f"no {subset} recordings in this corpus; --subset may be: {' '.join(['all', *styles])}",
            code="subset-absent",
        )
    here = [item for item in corpus.items if subset in ("all", item.style)]
    unknown = [item for item in here if item.label not in labels.mapping]
    message = f"expected one of {' '.join(labels.mapping)}, found {{}}"
    issues = [_issue("unknown-label", message.format(item.label), item, item.where) for item in unknown]
    for issue in corpus.issues:
        wanted = issue.labels is None or any(labels.mapping.get(label, label) is not None for label in issue.labels)
        if wanted and subset in ("all", issue.style):
            issues.append(issue)
        else:
            corpus.note(f"{issue.code}, of utterances that are not selected", f"{issue.where}: {issue.message}")
    for what, places in sorted(corpus.notes.items()):
        logger.info("skipped: %d × %s; the first: %s", len(places), what, places[0])
    return [item for item in here if labels.mapping.get(item.label) is not None], issues


def _issue(code: str, message: str, item: Item, where: str = "") -> CorpusIssue:
    """An issue of one utterance: of its recording, unless ``where`` says otherwise."""
    return CorpusIssue(code, message, where or item.wav, (item.utt,), style=item.style)


def check_audio(items: Sequence[Item], form: AudioForm) -> tuple[dict[str, Header], list[CorpusIssue]]:
    """Header of each usable recording, and an issue for each that is not what ``form`` says."""
    headers, issues, other = {}, [], 0
    there = [item for item in items if item.wav]
    for item, header in zip(there, read_headers(item.wav for item in there), strict=True):
        if isinstance(header, BadAudio):
            issues.append(_issue(header.kind, str(header), item))
            continue
        headers[item.utt] = header
        differs = [
            _issue(code, f"expected {expected} {unit}, found {actual}", item)
            for code, unit, expected, actual in (
                ("wrong-rate", "Hz", form.rate, header.rate),
                ("wrong-channels", "channel(s)", form.channels, header.channels),
            )
            if expected != actual
        ]
        other += bool(differs)
        if not form.convert:
            issues += differs
    if other and form.convert:
        wanted = f"{form.rate} Hz, {form.channels} channel(s)"
        logger.info("%d of %d recordings are not %s: stage 3 converts them", other, len(there), wanted)
    return headers, issues


def find_copies(items: Sequence[Item], labels: LabelMap, digests: Digests) -> Iterator[CorpusIssue]:
    """An issue for each utterance whose recording is that of another, sample for sample, or cannot be decoded.

    The first id stays. Where copies differ in class or speaker, nobody knows which is right, and each has an issue.
    """
    there = sorted((item for item in items if item.wav), key=lambda item: item.utt.encode())
    contents, unreadable = digests.of(item.wav for item in there)
    copies: dict[str, list[Item]] = {}
    for item in there:
        if item.wav in unreadable:
            yield _issue("not-a-wav", unreadable[item.wav], item)
        else:
            copies.setdefault(contents[item.wav], []).append(item)
    for same in copies.values():
        facts = {item.utt: f"{labels.mapping[item.label]} of {item.speaker}" for item in same}
        alike = len({*facts.values()}) == 1
        for item in same[1:] if alike else same:
            original = same[0] if alike else next(other for other in same if facts[other.utt] != facts[item.utt])
            message = f"the same samples as {original.utt}, {original.wav}"
            if not alike:
                message += f"; but this is {facts[item.utt]}, that is {facts[original.utt]}: neither can be trusted"
            yield _issue("duplicate-recording", message, item)


def _usable(items: Sequence[Item], issues: Sequence[CorpusIssue]) -> list[Item]:
    """The utterances that no issue makes unusable."""
    excluded = {utt for issue in issues if not issue.repaired for utt in issue.utts}
    return [item for item in items if item.utt not in excluded]


def summary(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> str:
    """One line: utterances of each class, speakers and hours."""
    numbers = Counter(labels.apply(item.label) for item in items)
    classes = ", ".join(f"{name} {numbers[name]}" for name in labels.classes)
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
    differences = counts.differences(corpus.items, expected)
    if differences and strict:
        raise DataErrors(f"{len(differences)} counts differ from those expected:", differences, code="counts-differ")
    for difference in differences:
        logger.warning("count differs: %s", difference)
    if not any(counts.expected_rows(expected)):
        logger.warning("%s: no counts to compare with: write what a complete copy of the corpus has", expected)
    elif not differences:
        logger.info("all counts are as expected (%s)", expected)


def _tables(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {
        "wav.scp": {item.utt: item.wav for item in items},
        "text": {item.utt: item.text for item in items},
        "utt2spk": {item.utt: item.speaker for item in items},
        "utt2emo": {item.utt: str(labels.apply(item.label)) for item in items},
        "utt2dur": {item.utt: f"{seconds[item.utt]:.6f}" for item in items},
        "utt2session": {item.utt: item.session for item in items},
        "utt2scene": {item.utt: item.scene for item in items},
        "utt2gender": {item.utt: item.gender for item in items},
        "utt2split": {item.utt: item.split for item in items},
    }
    return {name: table for name, table in tables.items() if name not in OPTIONAL or all(table.values())}


def _write(out: Path, tables: Mapping[str, Mapping[str, str]], excluded: Sequence[CorpusIssue]) -> None:
    """Write the directory, unless the same tables are there: then their ``text.<engine>`` files are still good."""
    if _is_there(out, tables):
        logger.info("%s is up to date", out)
    else:
        DataDir.write(out, tables)
    rows = sorted((utt, issue.code, issue.where, issue.message) for issue in excluded for utt in issue.utts or ("-",))
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
