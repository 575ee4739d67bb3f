"""Stage 1: makes a data directory from the utterances of a corpus; all issues of the corpus are listed together."""

import contextlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.audio.check import BadAudio, Header, read_headers
from mscnn.audio.duplicates import Content, Digests
from mscnn.config.labels import LabelMap
from mscnn.corpora import counts
from mscnn.corpora.common import KNOWN, Corpus, CorpusIssue, Item
from mscnn.corpora.ids import valid_ids
from mscnn.data.checks import inverse
from mscnn.data.datadir import OPTIONAL, DataDir
from mscnn.errors import DataErrors, UserError, listed, printable
from mscnn.files import atomic, read_table
from mscnn.log import get_logger

logger = get_logger("prepare_data")


NEEDED = (16000, 1)  # Hz and channels that features need


@dataclass(frozen=True)
class AudioForm:
    """What the recordings of a corpus are specified as.

    Attributes:
        rate, channels: as specified, in Hz; 0: not specified.
        convert: whether other recordings are accepted, as stage 3 converts them; if not, each is an issue, also where
            nothing is specified and they are not what features need.
    """

    rate: int = 0
    channels: int = 0
    convert: bool = True

    @property
    def expected(self) -> tuple[int, int]:
        """Rate and channels that recordings are compared with; 0: any."""
        rate, channels = (0, 0) if self.convert else NEEDED
        return self.rate or rate, self.channels or channels


def prepare(corpus: Corpus, labels: LabelMap, subset: str, form: AudioForm, out: Path, *, skip: bool) -> DataDir:
    """Write the data directory ``out`` of the utterances that the label map and ``subset`` select.

    Issues of other utterances are only logged. With ``skip``, utterances that cannot be used are excluded and listed
    with the reason in ``excluded.tsv``; those with a repaired transcript are kept. Digests of the recordings are
    written to ``audit/recordings.json`` for the audit.

    Raises:
        DataErrors: there are issues, without ``skip``; nothing is written.
        UserError: no utterance is selected, or none can be used.
    """
    items, issues = select(valid_ids(corpus), labels, subset)
    bad = list(bad_paths(items))
    _, bad_audio = check_audio(_usable(items, bad), form)
    issues += bad
    digests = Digests(out / "audit" / "recordings.json")  # the audit of stage 1 uses them: nothing is read twice
    issues += bad_audio
    sounding = _usable(items, issues)
    contents, unusable = digests.of(item.wav for item in sounding if item.wav)
    issues += [
        _issue(unusable[item.wav].kind, str(unusable[item.wav]), item) for item in sounding if item.wav in unusable
    ]
    issues += find_copies(_usable(sounding, issues), labels, contents)
    issues.sort(key=lambda issue: (issue.code, issue.where))
    stopping = [issue for issue in issues if issue.code not in KNOWN]
    if stopping and not skip:
        kinds = ", ".join(f"{code} {n}" for code, n in sorted(Counter(issue.code for issue in stopping).items()))
        raise DataErrors(
            f"{len(stopping)} issues in the corpus ({kinds}); nothing was written: fix them, or exclude unusable "
            "utterances with --on-bad skip:",
            stopping,
            code="corpus-issues",
        )
    for kept_ones, what in ((False, "excluded"), (True, "kept")):
        for line in listed([issue for issue in issues if issue.repaired == kept_ones]):
            logger.warning("%s: %s", what, line)
    kept = _usable(items, issues)
    if not kept:
        raise UserError(
            f"none of the {len(items)} selected utterances can be used; see the issues above", code="nothing-usable"
        )
    _report_levels([item for item in kept if item.wav], contents)
    seconds = {item.utt: _seconds(item, contents) for item in kept}
    _write(out, _tables(kept, labels, seconds), [issue for issue in issues if not issue.repaired])
    digests.write()
    if not any(item.text.strip() for item in kept):
        logger.warning(
            "%s/text: none of the %d transcripts has words: --text gt is impossible, choose an ASR engine or a model "
            "of audio with --text none",
            out,
            len(kept),
        )
    logger.info("%s: %s", out, summary(kept, labels, seconds))
    return DataDir.load(out)


def select(corpus: Corpus, labels: LabelMap, subset: str) -> tuple[list[Item], list[CorpusIssue]]:
    """Utterances of the label map and the subset, and the issues that affect them; the rest is logged as skipped."""
    styles = sorted({item.style for item in corpus.items} - {""})
    if subset not in ("all", *styles):
        raise UserError(
            f"no {subset} recordings in this corpus; --subset takes {' or '.join(['all', *styles])}",
            code="subset-absent",
        )
    chosen = [item for item in corpus.items if subset in ("all", item.style)]
    unknown = [item for item in chosen if item.label not in labels.mapping]
    message = f"expected one of {' '.join(labels.mapping)}, found {{}}"
    issues = [_issue("unknown-label", message.format(item.label), item, item.where) for item in unknown]
    for issue in corpus.issues:
        selected = issue.labels is None or any(labels.mapping.get(label, label) is not None for label in issue.labels)
        if selected and subset in ("all", issue.style):
            issues.append(issue)
        else:
            corpus.note(f"{issue.code}, of utterances that are not selected", f"{issue.where}: {issue.message}")
    for what, places in sorted(corpus.notes.items()):
        logger.info("skipped: %d × %s; the first: %s", len(places), what, places[0])
    return [item for item in chosen if labels.mapping.get(item.label) is not None], issues


def _seconds(item: Item, contents: Mapping[str, Content]) -> float:
    """Duration of an utterance: of its part of the recording, of all of it, or as the corpus states it."""
    if item.end:
        return item.end - item.start
    return contents[item.wav].seconds if item.wav else item.seconds


def _issue(code: str, message: str, item: Item, where: str = "") -> CorpusIssue:
    """An issue of one utterance; ``where`` is its recording by default."""
    return CorpusIssue(code, message, where or item.wav, (item.utt,), style=item.style)


def bad_paths(items: Sequence[Item]) -> Iterator[CorpusIssue]:
    """An issue for each recording whose path no Kaldi table can have."""
    for item in items:
        found = ""
        try:
            item.wav.encode()
        except UnicodeEncodeError:
            found = "its path is not UTF-8"
        if re.search(r"[\x00-\x1f\x7f]", item.wav) or item.wav != item.wav.strip():
            found = "control characters, or blanks at an end, in its path"
        if found:
            yield _issue("path-characters", found, item, printable(item.wav))


def check_audio(items: Sequence[Item], form: AudioForm) -> tuple[dict[str, Header], list[CorpusIssue]]:
    """Header of each usable recording, and an issue for each that cannot be used or that ``form`` does not accept."""
    headers, issues, others = {}, [], []
    recorded = [item for item in items if item.wav]
    wavs = list(dict.fromkeys(item.wav for item in recorded))  # one may have several utterances
    header_of = dict(zip(wavs, read_headers(wavs), strict=True))
    for item in recorded:
        header = header_of[item.wav]
        if isinstance(header, BadAudio):
            issues.append(_issue(header.kind, str(header), item))
            continue
        headers[item.utt] = header
        for code, unit, expected, actual in zip(
            ("wrong-rate", "wrong-channels"),
            ("Hz", "channel(s)"),
            form.expected,
            (header.rate, header.channels),
            strict=True,
        ):
            if expected not in (0, actual):
                others.append(_issue(code, f"expected {expected} {unit}, found {actual}", item))
    _report_forms(headers.values(), {utt for issue in others for utt in issue.utts}, form)
    return headers, issues if form.convert else issues + others


def _report_forms(headers: Collection[Header], others: Collection[str], form: AudioForm) -> None:
    """Log what the recordings are, and how many of them differ from what the corpus is specified as."""
    forms = Counter(f"{header.rate} Hz, {header.channels} channel(s)" for header in headers)
    if forms:
        parts = [kind if len(forms) == 1 else f"{number} of {kind}" for kind, number in forms.most_common()]
        notice = "; stage 3 converts what features need otherwise" if {*forms} != {"16000 Hz, 1 channel(s)"} else ""
        logger.info("%d recordings: %s%s", len(headers), "; ".join(parts), notice if form.convert else "")
    if others and form.convert:
        rate, channels = (value or "any" for value in form.expected)
        logger.info("%d are not as specified (%s Hz, %s channel(s))", len(others), rate, channels)


def _report_levels(recorded: Sequence[Item], contents: Mapping[str, Content]) -> None:
    """Log each notice on the levels of recordings, with the number of its utterances and the first of them."""
    noticed: dict[str, list[Item]] = {}
    for item in recorded:
        for notice in contents[item.wav].notices:
            noticed.setdefault(notice, []).append(item)
    for notice, items in sorted(noticed.items()):
        logger.warning("%s: %d of %d utterances, the first is %s", notice, len(items), len(recorded), items[0].wav)


def find_copies(items: Sequence[Item], labels: LabelMap, contents: Mapping[str, Content]) -> Iterator[CorpusIssue]:
    """An issue for each utterance whose recording has the same samples as another.

    The first id is kept. Where copies differ in class or speaker, none can be trusted, and each has an issue.
    """
    recorded = sorted((item for item in items if item.wav), key=lambda item: item.utt.encode())
    copies: dict[tuple[str, float, float], list[Item]] = {}
    for item in recorded:
        copies.setdefault((contents[item.wav].digest, item.start, item.end), []).append(item)
    for same in copies.values():
        facts = {item.utt: f"{labels.mapping[item.label]} of {item.speaker}" for item in same}
        alike = len({*facts.values()}) == 1
        for item in same[1:] if alike else same:
            original = same[0] if alike else next(other for other in same if facts[other.utt] != facts[item.utt])
            message = f"same samples as {original.utt}, {original.wav}"
            if not alike:
                message += f"; but this is {facts[item.utt]}, the other {facts[original.utt]}: neither can be trusted"
            yield _issue("duplicate-recording", message, item)


def _usable(items: Sequence[Item], issues: Sequence[CorpusIssue]) -> list[Item]:
    """Utterances without an issue that makes them unusable."""
    excluded = {utt for issue in issues if not issue.repaired for utt in issue.utts}
    return [item for item in items if item.utt not in excluded]


def summary(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> str:
    """One line: utterances per class, speakers and hours."""
    numbers = Counter(labels.apply(item.label) for item in items)
    classes = ", ".join(f"{name} {numbers[name]}" for name in labels.classes)
    hours = sum(seconds.values()) / 3600
    return f"{len(items)} utterances ({classes}), {len({i.speaker for i in items})} speakers, {hours:.2f} h"


def report_counts(corpus: Corpus, labels: LabelMap, expected: Path | None, *, strict: bool) -> None:
    """Log the counts of the whole corpus and their differences from expected counts, a table or those of the corpus.

    Raises:
        DataErrors: there are differences, with ``strict``.
    """
    logger.info("utterances in the corpus, by its own labels:\n%s", counts.table(corpus.items, list(labels.mapping)))
    rows = list(counts.expected_rows(expected)) if expected else corpus.expected
    origin = expected or "its description"
    if not expected and not rows:
        return
    differences = counts.differences(corpus.items, rows)
    if differences and strict:
        raise DataErrors(f"{len(differences)} counts differ from the expected ones:", differences, code="counts-differ")
    for line in listed(differences):
        logger.warning("count differs: %s", line)
    if not rows:
        logger.info("%s: no counts to compare with", origin)
    elif not differences:
        logger.info("all counts equal the expected ones (%s)", origin)


def _tables(items: Sequence[Item], labels: LabelMap, seconds: Mapping[str, float]) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {
        **_recordings(items, seconds),
        "text": {item.utt: item.text for item in items},
        "utt2spk": {item.utt: item.speaker for item in items},
        "utt2emo": {item.utt: str(labels.apply(item.label)) for item in items},
        "utt2dur": {item.utt: f"{seconds[item.utt]:.6f}" for item in items},
        "utt2session": {item.utt: item.session for item in items},
        "utt2scene": {item.utt: item.scene for item in items},
        "utt2gender": {item.utt: item.gender for item in items},
        "utt2split": {item.utt: item.split for item in items},
    }
    return {
        name: table for name, table in tables.items() if name == "text" or name not in OPTIONAL or all(table.values())
    }


def _recordings(items: Sequence[Item], seconds: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """``wav.scp`` by utterance; where utterances are parts of recordings, by recording, and ``segments``."""
    if not any(item.end for item in items):
        return {"wav.scp": {item.utt: item.wav for item in items}}
    names: dict[str, str] = {}  # path -> id
    for item in sorted(items, key=lambda item: item.wav):
        name = "_".join(Path(item.wav).stem.split())
        taken = {*names.values()} if item.wav not in names else set()
        names.setdefault(item.wav, name if name not in taken else f"{name}_{len(taken)}")
    return {
        "wav.scp": {name: wav for wav, name in names.items()},
        "segments": {i.utt: f"{names[i.wav]} {i.start:.3f} {i.start + seconds[i.utt]:.3f}" for i in items},
    }


def _write(out: Path, tables: Mapping[str, Mapping[str, str]], excluded: Sequence[CorpusIssue]) -> None:
    """Write the directory, unless it has the same tables: then its ``text.<engine>`` files are kept."""
    if _is_current(out, tables):
        logger.info("%s is up to date", out)
    else:
        DataDir.write(out, tables)
    cells = sorted((utt, issue.code, issue.where, issue.message) for issue in excluded for utt in issue.utts or ("-",))
    rows = [[" ".join(printable(cell).split()) for cell in row] for row in cells]
    (out / "excluded.tsv").unlink(missing_ok=True)
    if rows:
        with atomic(out / "excluded.tsv") as file:
            file.writelines("\t".join(row) + "\n" for row in [["utt", "kind", "where", "reason"], *rows])


def _is_current(out: Path, tables: Mapping[str, Mapping[str, str]]) -> bool:
    expected = {**tables, "spk2utt": inverse(tables["utt2spk"])}
    with contextlib.suppress(UserError):
        surplus = any((out / name).exists() for name in (*OPTIONAL, "segments") if name not in expected)
        return not surplus and all(read_table(out / name) == dict(table) for name, table in expected.items())
    return False
