"""Ids that parsers return become ids of a data directory, or issues; valid ones stay as they are."""

import random
from dataclasses import replace

import pytest

from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.corpora.ids import valid_ids
from mscnn.data.checks import check, inverse


def corpus(*names):
    """A corpus of (utterance, speaker)."""
    return Corpus([Item(utt, spk, "sad", "", f"/a/{n}.wav", f"t:{n}") for n, (utt, spk) in enumerate(names)])


def ids(made):
    return [(item.utt, item.speaker) for item in made.items]


def issues_of(made, tmp_path):
    """Issues of a data directory with these ids."""
    utts = sorted((item.utt for item in made.items), key=str.encode)
    spk = {item.utt: item.speaker for item in made.items}
    tables = {"utt2spk": {utt: spk[utt] for utt in utts}, "spk2utt": inverse(spk)}
    tables |= {name: dict.fromkeys(utts, "1") for name in ("text", "utt2emo", "utt2dur", "utt2session")}
    return [issue.code for issue in check(tmp_path, tables)]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([("S1-b", "S1"), ("S2-a", "S2")], [("S1-b", "S1"), ("S2-a", "S2")]),
        ([("1_x", "1"), ("2_y", "2")], [("1_x", "1"), ("2_y", "2")]),  # valid: no padding
        ([("a1", "EB0")], [("EB0-a1", "EB0")]),
        ([(" a 1", " EB0"), ("b", "EB0")], [("EB0-a_1", "EB0"), ("EB0-b", "EB0")]),
        ([("SF1_a", "SF1"), ("SF10_b", "SF10")], [("SF01_a", "SF01"), ("SF10_b", "SF10")]),
        ([("1_a", "1"), ("01_b", "01"), ("10_c", "10")], [("1-1_a", "1"), ("01-01_b", "01"), ("10-10_c", "10")]),
        ([("A_1", "A"), ("AB_1", "AB")], [("A-A_1", "A"), ("AB-AB_1", "AB")]),
        ([("A-1", "A"), ("A-2-1", "A-2"), ("A-3", "A")], [("A---1", "A--"), ("A-2-1", "A-2"), ("A---3", "A--")]),
        ([("03-ሰላም x", "ü 03")], [("ü_03-03-ሰላም_x", "ü_03")]),
        ([("x", ""), ("y", "B")], [("unknown-x", "unknown"), ("B-y", "B")]),
        ([("", "B")], [("B-0", "B")]),
        ([("a\tb\x00", "B\n")], [("B-a_b", "B")]),
        ([("x", "u\u0308"), ("y", "\u00fc")], [("\u00fc-x", "\u00fc"), ("\u00fc-y", "\u00fc")]),  # one speaker
    ],
)
def test_ids_are_made_valid(given, made, tmp_path):
    result = valid_ids(corpus(*given))
    assert ids(result) == made and not result.issues and not issues_of(result, tmp_path)
    assert ids(valid_ids(result)) == made


def test_any_ids_are_valid_afterwards_or_issues(tmp_path):
    rng = random.Random(0)
    alphabet = ["a", "B", "1", "10", "0", "-", "_", " ", "é", "+", "ሰ", "\t"]
    for _ in range(400):
        speakers = ["".join(rng.choices(alphabet, k=rng.randint(0, 4))) for _ in range(rng.randint(1, 5))]
        names = [
            (rng.choice(["", speaker]) + f"{rng.choice(alphabet)}{n}", speaker)
            for n, speaker in enumerate(speakers * 2)
        ]
        made = valid_ids(corpus(*names))
        assert made.issues or (not issues_of(made, tmp_path) and len({*ids(made)}) == len(names)), names
        again = valid_ids(made)
        assert (ids(again), again.issues) == (ids(made), made.issues), names


def test_collisions_are_issues_of_all_that_collide():
    made = valid_ids(corpus(("a b", "S"), ("a_b", "S"), ("c", "S")))
    assert [(issue.code, issue.utts) for issue in made.issues] == [("duplicate-id", ("S-a_b",))] * 2
    assert valid_ids(made).issues == made.issues
    made = valid_ids(corpus(("x", "S 1"), ("y", "S_1"), ("z", "T")))
    assert [(issue.code, issue.utts) for issue in made.issues] == [
        ("speaker-ambiguous", ("S_1-x",)),
        ("speaker-ambiguous", ("S_1-y",)),
    ]
    assert valid_ids(made).issues == made.issues


def test_issues_of_the_parser_follow_their_utterances():
    given = corpus(("a", "S"))
    given.issues.append(CorpusIssue("missing-wav", "gone", "/a/0.wav", ("a",)))
    given.items[0] = replace(given.items[0], session="Session 1")
    made = valid_ids(given)
    assert made.issues[0].utts == ("S-a",) and made.items[0].session == "Session_1"
