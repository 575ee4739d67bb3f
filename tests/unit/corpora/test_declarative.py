"""The engine that reads a corpus by its description."""

from pathlib import Path

import pytest

from mscnn.config.corpus import Description
from mscnn.corpora import declarative
from tests.raises import fails

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


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        (("skip: {", "skipp: {"), "config-unknown-key", ["skipp", "skip?"]),
        (("codes: {H: happy", "code: {H: happy"), "config-unknown-key", ["toy.yaml:7", "fields.label.code", "codes"]),
        (("codes: {H: happy, S A: other}", "codes: [H]"), "config-value", ["fields.label.codes"]),
        (("(?P<emotion>[A-Z])", "(?P<emotion>[A-Z)"), "corpus-pattern", ["[A-Z)"]),
        (("rehearsal/.*", "(rehearsal/.*"), "corpus-pattern", ["(rehearsal"]),
        (('of: "{emotion}"', 'of: "{feeling}"'), "corpus-template", ["fields.label", "feeling", "emotion"]),
        (("table: words, ", "table: word, "), "corpus-table-unknown", ["fields.text", "word"]),
        (("  label: {of", "  sort: {of"), "corpus-without-label", []),
        (("name: Toy", "name: Toy\nbase: nothing"), "conf-unknown", ["nothing"]),
        (("name: Toy", "name: Toy\nformats: []"), "config-value", ["formats", "1"]),
        (('files: ["**/words.txt"]', "files: []"), "config-value", ["tables.words.files", "1"]),
    ],
)
def test_errors_in_a_description_are_named(parse, change, code, names):
    with fails(code, *names):
        parse("a1_H.wav", change=change)


def test_a_description_cannot_be_based_on_itself(tmp_path):
    (tmp_path / "one.yaml").write_text(f"base: {tmp_path / 'one.yaml'}\n")
    with fails("corpus-base", "one.yaml"):
        Description.load(str(tmp_path / "one.yaml"))


def test_an_empty_label_is_an_issue(parse):
    corpus = parse("a1_H.wav", "b1_.wav", change=("[A-Z])", "[A-Z]?)"))
    assert [item.utt for item in corpus.items] == ["a-a1_H"]
    assert issues(corpus) == [("missing-transcript", "b1_.wav"), ("unlabelled-wav", "b1_.wav")]


def test_patterns_of_files_may_exclude_characters(parse):
    corpus = parse("a1_H.wav", "b1_S.wav", change=("example:", "files: ['[!b]*.wav']\nexample:"))
    assert [item.utt for item in corpus.items] == ["a-a1_H"]


def test_names_that_all_differ_are_another_corpus(parse, tmp_path):
    with fails("corpus-not-found", tmp_path / "toy", "a1_H.wav", "nonsense.wav"):
        parse("nonsense.wav")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", [("missing-table", "votes.csv")]),
        (b'file,vote\n"a1_H', [("malformed-line", "votes.csv:2")]),
        (b"name,vote\na1_H,h\n", [("malformed-line", "votes.csv:2")]),
        (b"file,vote\na1_H,h\xff\n", [("non-utf8", "votes.csv")]),
        ("file,vote\na1_H,h\n".encode("utf-16"), []),
        ("\ufefffile,vote\r\n\r\n a1_H , h \r\n".encode(), []),
        ("file,vote,remark\na1_H,h,one\u2028line\x85\n".encode(), []),
    ],
)
def test_content_of_a_table(parse, tmp_path, content, found):
    (tmp_path / "toy" / "votes.csv").write_bytes(content)
    corpus = parse("a1_H.wav")
    assert issues(corpus) == found
    assert found or corpus.items[0].fields["voice"] == "happy"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"a1_H": {"vote": "h"}}', []),
        ('[{"file": "a1_H", "vote": "h"}]', []),
        ('{"a1_H": 3}', [("malformed-line", "votes.json:a1_H")]),
        ("{", [("malformed-line", "votes.json")]),
        ("3", [("missing-table", "votes.json")]),
    ],
)
def test_a_table_in_json(parse, tmp_path, content, found):
    (tmp_path / "toy" / "votes.json").write_text(content)
    key = "{file}" if "file" in content else "{id}"
    corpus = parse("a1_H.wav", change=('[votes.csv], key: "{file}"', f'[votes.json], key: "{key}"'))
    assert issues(corpus) == found and (found or corpus.items[0].fields["voice"] == "happy")


def test_a_table_that_a_complete_release_has(parse, tmp_path):
    (tmp_path / "toy" / "words.txt").unlink()
    corpus = parse("a1_H.wav")
    assert issues(corpus) == [("missing-table", "words.txt")] and len(corpus.items) == 1
    assert "absent tables (votes)" in corpus.notes


def test_links_to_folders_are_followed_once(parse, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "toy" / "link").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "back").symlink_to(tmp_path / "toy")
    assert [item.utt for item in parse("a1_H.wav", "link/b1_S.wav").items] == ["a-a1_H", "b-b1_S"]


def test_labels_of_another_field(parse, tmp_path):
    (tmp_path / "toy" / "votes.csv").write_text("file,vote\na1_H,h\n")
    corpus = parse("a1_H.wav", "b1_S.wav")
    assert [item.label for item in corpus.labelled_by("voice").items] == ["happy", ""]
    assert corpus.labelled_by("label") is corpus
    with fails("labels-absent", "face", "voice"):
        corpus.labelled_by("face")
