"""Ids of utterances and speakers, made valid between the parser of a corpus and the tables of a data directory."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.data.datadir import UNKNOWN
from mscnn.log import get_logger
from mscnn.paths import composed

Speakers: TypeAlias = Mapping[str, str]  # speaker as the parser names it, without blanks -> its id

logger = get_logger("prepare_data")


def valid_ids(corpus: Corpus) -> Corpus:
    """The corpus with ids that a data directory accepts; valid ids stay as they are, and letters of any script do too.

    Ids and labels are in composed characters (NFC). Blanks and unprintable characters become ``_``, at the ends they
    are dropped. Utterances without speaker have the
    speaker ``unknown``. An utterance id that does not begin with its speaker gets ``<speaker>-`` in front. Where the
    order of utterances is not that of speakers (bytewise), numbers in speaker ids are padded, ``S1`` to ``S01`` beside
    ``S10``; where that is not enough, every utterance id gets the prefix, and speaker ids equal length.

    Ids that are equal afterwards, of utterances (``duplicate-id``) or of speakers (``speaker-ambiguous``), are issues.
    """
    names = [(_word(item.utt) or _word(Path(item.wav).stem), _word(item.speaker) or UNKNOWN) for item in corpus.items]
    ids = next(ids for ids in _candidates(names) if _in_order(ids))
    items = [_renamed(item, *own) for item, own in zip(corpus.items, ids, strict=True)]
    new: defaultdict[str, list[str]] = defaultdict(list)
    for old, item in zip(corpus.items, items, strict=True):
        new[old.utt].append(item.utt)
    issues = [_moved(issue, new) for issue in corpus.issues]
    known = {(issue.code, issue.utts) for issue in issues}  # by the parser, or by this function before
    issues += [issue for issue in _collisions(corpus.items, items) if (issue.code, issue.utts) not in known]
    _report(corpus.items, items)
    return replace(corpus, items=items, issues=issues)


def _word(text: str) -> str:
    return "_".join("".join(c if c.isprintable() else " " for c in composed(text)).split())


def _renamed(item: Item, utt: str, speaker: str) -> Item:
    session, scene, gender, split = map(_word, (item.session, item.scene, item.gender, item.split))
    label = composed(item.label)
    return replace(
        item, utt=utt, speaker=speaker, label=label, session=session, scene=scene, gender=gender, split=split
    )


def _candidates(names: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Ids (utterance, speaker), from those nearest to ``names``; the last are always in order."""
    speakers = sorted({speaker for _, speaker in names})
    same = {speaker: speaker for speaker in speakers}
    width = max((len(speaker.encode()) for speaker in speakers), default=0)
    level = {speaker: speaker + "-" * (width - len(speaker.encode())) for speaker in speakers}
    choices: list[tuple[Speakers, bool]] = [(same, False), (_padded(speakers), False), (_padded(speakers), True)]
    for ids, prefix in (*choices, (same, True)):
        if len({*ids.values()}) == len(speakers):
            yield [_pair(utt, speaker, ids, prefix) for utt, speaker in names]
    yield [_pair(utt, speaker, level, True) for utt, speaker in names]


def _pair(utt: str, speaker: str, ids: Speakers, prefix: bool) -> tuple[str, str]:
    """Id of an utterance, with the prefix where it is asked for or the id does not begin with its speaker."""
    new = ids[speaker]
    if prefix or not utt.startswith(speaker):
        return f"{new}-{utt.removeprefix(f'{speaker}-')}", new
    return new + utt.removeprefix(speaker), new


def _padded(speakers: Sequence[str]) -> Speakers:
    """Numbers of speakers that differ in numbers only, padded with zeros to the same length."""
    widths: dict[str, list[int]] = {}
    for speaker in speakers:
        own, kind = [len(digits) for digits in re.findall(r"\d+", speaker)], re.sub(r"\d+", "0", speaker)
        widths[kind] = [max(pair) for pair in zip(own, widths.get(kind, own), strict=True)]
    padded = {}
    for speaker in speakers:
        parts, width = re.split(r"(\d+)", speaker), widths[re.sub(r"\d+", "0", speaker)]
        parts[1::2] = [digits.zfill(n) for digits, n in zip(parts[1::2], width, strict=True)]
        padded[speaker] = "".join(parts)
    return padded


def _in_order(ids: Sequence[tuple[str, str]]) -> bool:
    """Whether sorting by utterance sorts by speaker too, bytewise."""
    speakers = [speaker.encode() for _, speaker in sorted(ids, key=lambda pair: pair[0].encode())]
    return speakers == sorted(speakers)


def _moved(issue: CorpusIssue, new: Mapping[str, Sequence[str]]) -> CorpusIssue:
    utts = tuple(dict.fromkeys(name for utt in issue.utts for name in new.get(utt, [utt])))
    return issue if utts == issue.utts else replace(issue, utts=utts)


def _collisions(old: Sequence[Item], new: Sequence[Item]) -> Iterator[CorpusIssue]:
    """Issues of utterances with one id, and of speakers that the parser distinguishes in more than outer blanks."""
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    for before, item in zip(old, new, strict=True):
        speakers[item.speaker].add(composed(before.speaker.strip()))
    count = Counter(item.utt for item in new)
    for before, item in zip(old, new, strict=True):
        who = (item.utt,)
        if count[item.utt] > 1:
            message = f"{count[item.utt]} utterances have the id {item.utt}, in the corpus {before.utt!r}"
            yield CorpusIssue("duplicate-id", message, item.wav or item.where, who, (item.label,), item.style)
        if len(speakers[item.speaker]) > 1:
            message = f"speakers {', '.join(map(repr, sorted(speakers[item.speaker])))} have the id {item.speaker}"
            yield CorpusIssue("speaker-ambiguous", message, item.where, who, (item.label,), item.style)


def _report(old: Sequence[Item], new: Sequence[Item]) -> None:
    """Log what was changed, with the first example."""
    for what in ("utt", "speaker"):
        changes = {getattr(a, what): getattr(b, what) for a, b in zip(old, new, strict=True)}
        changed = [(before, after) for before, after in changes.items() if before != after]
        if changed:
            name = "utterance" if what == "utt" else what
            logger.info("%d %s ids were made valid, such as %r: %s", len(changed), name, *changed[0])
    nameless = sum(not item.speaker.strip() for item in old)
    if nameless:
        logger.warning(
            "%d utterances have no speaker and share the speaker %s: where they are of other speakers of the corpus, "
            "parts of folds share these",
            nameless,
            UNKNOWN,
        )
