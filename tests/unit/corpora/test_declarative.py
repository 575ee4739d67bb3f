"""The engine that reads a corpus by its description."""

from pathlib import Path

import pytest

from mscnn.config.corpus import Description
from mscnn.corpora import declarative

DESCRIPTION = """
name: Toy
names: ['(?P<speaker>[a-z])(?P<number>\\d)_(?P<emotion>[A-Z])']
example: a1_H.wav
skip: {rehearsals: 'rehearsal/.*'}
fields:
  label: {of: "{emotion}", codes: {H: happy, S A: other}}
  text: {of: "{stem}", table: words, column: words}
  voice: {of: "{stem}", table: votes, column: vote, codes: {h: happy, "*": none}}
tables:
  words: {files: ["**/words.txt"], key: "{id}", line: '(?P<id>\\S+)\\s+(?P<words>.*)', encodings: [utf-8, gb18030]}
  votes: {files: [votes.csv], key: "{file}", optional: true, complete: true}
known_bad: {c1_S: silent}
corrections: {a1_H: {text: right words}}
incomplete: [{absent: LICENCE, fix: unzip it}]
counts: {"*": {"*": 3}, "each ?": {happy: 1}}
"""


@pytest.fixture
def parse(tmp_path, write_wav):
    """Function that parses a release with recordings of these names, by the description with changes (old, new)."""

    def run(*names: str, change: tuple[str, str] = ("", "")):
        for name in names:
            write_wav(tmp_path / "toy" / name)
        (tmp_path / "toy.yaml").write_text(DESCRIPTION.replace(*change))
        return declarative.parse(Description.load(str(tmp_path / "toy.yaml")), tmp_path / "toy")

    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "LICENCE").touch()
    (tmp_path / "toy" / "words.txt").write_text("a1_H wrong words\nb1_S\tother  words\n")
    return run


def issues(corpus) -> list[tuple[str, str]]:
    """Code, and the name of the file, of each issue."""
    return sorted((issue.code, Path(issue.where).name) for issue in corpus.issues)


def test_names_tables_and_corrections_are_items(parse, tmp_path):
    corpus = parse("a1_H.wav", "x/b1_S.WAV")
    assert [(i.utt, i.speaker, i.label, i.text, Path(i.wav).name) for i in corpus.items] == [
        ("a-a1_H", "a", "happy", "right words", "a1_H.wav"),
        ("b-b1_S", "b", "other", "other words", "b1_S.WAV"),
    ]
    assert corpus.issues == []
    assert [(pattern, count) for _, pattern, count in corpus.expected] == [
        (["*", "*", "*"], 3),
        (["a", "*", "happy"], 1),
        (["b", "*", "happy"], 1),
    ]


def test_every_irregularity_is_an_issue_or_a_note(parse, tmp_path):
    (tmp_path / "toy" / "LICENCE").unlink()
    (tmp_path / "toy" / "votes.csv").write_text("file,vote\na1_H,h\na1_H,s\nd1_H,s\nbroken\n")
    names = [
        "a1_H.wav",
        "c1_S.wav",
        "b1_X.wav",
        "nonsense.wav",
        "rehearsal/z.wav",
        "e1_H.wav",
        "f/e1_H.wav",
        "._a1_H.wav",
    ]
    corpus = parse(*names)
    assert issues(corpus) == [
        ("duplicate-row", "votes.csv:3"),
        ("incomplete-release", "toy"),
        ("known-bad", "c1_S.wav"),
        ("malformed-line", "votes.csv:5"),
        ("malformed-name", "nonsense.wav"),
        ("missing-row", "b1_X.wav"),
        ("missing-row", "e1_H.wav"),
        ("missing-transcript", "b1_X.wav"),
        ("missing-transcript", "e1_H.wav"),
        ("row-without-file", "votes.csv:4"),
        ("unknown-code", "b1_X.wav"),
    ]
    assert [item.utt for item in corpus.items] == ["a-a1_H", "e-e1_H"]
    assert {what: len(places) for what, places in corpus.notes.items()} == {
        "rehearsals": 1,
        "files that are not audio": 3,
        "second copies of a recording": 1,
    }
