"""Parsers outside the package: files of one's own, whose errors are theirs and name where they were."""

import pytest

from mscnn.corpora import corpus_name, parser, read
from tests.raises import fails

PARSER = """
from mscnn.corpora.common import Corpus, Item

LABELS = {"a": "angry"}

def parse(root):
    corpus = Corpus()
    for path in sorted(root.glob("*/*.wav")):
        add(corpus, path.stem, path)
    return corpus

def add(corpus, name, path):
    corpus.items.append(Item(name, name[:2], LABELS[name[2]], "", str(path), str(path)))
"""


@pytest.fixture
def made(tmp_path):
    """Function that writes a parser, and a corpus of these files: (parser, *names); returns both paths."""

    def make(parser, *names):
        for name in names:
            path = tmp_path / "corpus" / "x" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "mine.py").write_text(parser)
        return str(tmp_path / "mine.py"), tmp_path / "corpus"

    return make


def test_a_file_is_a_parser(made):
    file, root = made(PARSER, "S1a.wav", "S2a.wav")
    corpus = read(file, root)
    found = [(item.utt, item.speaker, item.label) for item in corpus.items]
    assert found == [("S1a", "S1", "angry"), ("S2a", "S2", "angry")]
    assert corpus_name(file) == "mine" and corpus_name("ravdess") == "ravdess"


def test_an_exception_names_the_file_of_the_corpus_and_the_line_of_the_parser(made):
    file, root = made(PARSER, "S1a.wav", "S2b.wav")
    with fails("parser-failed", f"{root}/x/S2b.wav: ", "KeyError: 'b'", "mine.py:13"):
        read(file, root)
    file, root = made("def parse(root):\n    return 1 / 0\n")
    with fails("parser-failed", f"{root}: ", "ZeroDivisionError", "mine.py:2"):
        read(file, root)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("def parse(root)\n", "parser-file", ["SyntaxError"]),
        ("import no_such_package\n", "parser-file", ["no_such_package"]),
        ("x = 1\n", "parser-file", ["parse(root)"]),
        ("def parse(root):\n    return []\n", "parser-result", ["list"]),
        ("def parse(root):\n    open(root / 'gone.csv')\n", "corpus-unreadable", ["gone.csv"]),
    ],
)
def test_a_broken_parser_breaks_only_itself(made, code, kind, words):
    file, root = made(code, "S1a.wav")
    with fails(kind, *words):
        read(file, root)
    assert parser("ravdess")


def test_unknown_parsers_and_corpora(tmp_path):
    with fails("conf-unknown", "ravdes", "ravdess"):
        parser("ravdes")
    with fails("parser-file", tmp_path / "gone.py"):
        parser(str(tmp_path / "gone.py"))
    with fails("corpus-missing", tmp_path / "gone"):
        read("ravdess", tmp_path / "gone")
