"""Digests of code ignore prose and notice every change of code."""

import ast

import pytest

from mscnn import stamp
from mscnn.stamp import functions_digest, source_digest

SOURCE = '''"""A module."""

RATE = 16000


class Kind:
    """What it is."""


def scale(x):
    """Scaled x."""
    if x < 0:
        raise UserError(f"{x} is negative", code="negative")
    logger.info("scaling %s", x)
    return 2 * x
'''


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """Digest of a module with the text given."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "made_up").mkdir()

    def write(text: str) -> str:
        (tmp_path / "made_up" / "__init__.py").write_text(text)
        return source_digest("made_up")

    return write


@pytest.mark.parametrize("old, new", [
    ('"""A module."""', '"""Another module, better described."""'),
    ("What it is.", "What a kind is."),
    ('    """Scaled x."""\n', ""),
    ("    return", "    # the factor is that of the paper\n    return"),
    ("{x} is negative", "expected a number from 0, found {x}"),
    ("scaling %s", "now scaling: %s"),
])  # fmt: skip
def test_prose_does_not_count(digest_of, old, new):
    assert digest_of(SOURCE) == digest_of(SOURCE.replace(old, new))


@pytest.mark.parametrize("old, new", [
    ("16000", "8000"), ("2 * x", "3 * x"), ("x < 0", "x <= 0"), ("class Kind", "class Sort"),
    ("code=\"negative\"", "code=\"below\""),
])  # fmt: skip
def test_code_counts(digest_of, old, new):
    assert digest_of(SOURCE) != digest_of(SOURCE.replace(old, new))


def test_a_package_is_all_its_modules(digest_of, tmp_path):
    before = digest_of(SOURCE)
    (tmp_path / "made_up" / "more.py").write_text("A = 1\n")
    assert source_digest("made_up") != before


FUNCTIONS = '''import numpy as np
LIMIT, OTHER = 3, 5
def score(x):
    """A score."""
    return np.sum(_part(x))
def _part(x):
    return min(x, LIMIT)
def unused(x):
    return x + OTHER
'''


@pytest.mark.parametrize(("old", "new", "counts"), [
    ("x + OTHER", "x - OTHER", False), ("A score.", "The score.", False), ("unused", "more", False),
    ("= 3, 5", "= 4, 5", True), ("min(x", "max(x", True), ("np.sum", "np.max", True),
    ("import numpy", "import jax", True),
])  # fmt: skip
def test_functions_are_what_they_use(digest_of, old, new, counts):
    digest_of(FUNCTIONS)
    before = functions_digest("made_up", ["score"])
    assert old in FUNCTIONS
    digest_of(FUNCTIONS.replace(old, new))
    assert (functions_digest("made_up", ["score"]) != before) is counts


def test_a_new_format_makes_all_stale(digest_of, monkeypatch):
    before = digest_of(SOURCE)
    monkeypatch.setattr(stamp, "FORMAT", stamp.FORMAT + 1)
    assert digest_of(SOURCE) != before


def test_fields_that_other_versions_of_python_lack_do_not_count(digest_of, monkeypatch):
    before = digest_of(SOURCE)
    parse = ast.parse

    def newer(source):
        tree = parse(source)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                node._fields = (*node._fields, "of_a_later_version")
                node.of_a_later_version = []
        return tree

    monkeypatch.setattr(ast, "parse", newer)
    assert digest_of(SOURCE) == before
