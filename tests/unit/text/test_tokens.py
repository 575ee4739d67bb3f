"""Tokens as from nltk.word_tokenize (expected values: the Penn Treebank conventions, by hand)."""

import subprocess
import sys
import threading

import pytest

from mscnn.jobs.worker import Worker
from mscnn.text.tokens import _bare, tokenize
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I can't.  Yeah...  It's   okay?", "i ca n't . yeah ... it 's okay ?"),
        ("Don’t you DARE!", "do n't you dare !"),
        ("[LAUGHTER] Oh, gonna go", "[ laughter ] oh , gon na go"),
        ("Mr. Smith said no. Then he left.", "mr. smith said no . then he left ."),
        ('He said "no" -- twice', "he said `` no '' -- twice"),
        ("Scho\u0308n", "sch\u00f6n"),
        ("", ""),
        ("  \t\n ", ""),
    ],
)
def test_tokens(text, tokens):
    assert tokenize(text) == tokens.split()


def test_nltk_is_imported_without_scipy_and_stays_as_it_was():
    code = (
        "import sys; from mscnn.text.tokens import tokenize; assert tokenize(\"can't\") == ['ca', \"n't\"]; "
        "print([name for name in ('scipy', 'sklearn', 'nltk') if name in sys.modules]); "
        "import nltk; assert nltk.word_tokenize and tokenize('it is') == ['it', 'is']"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr


def test_nltk_is_imported_without_scipy_in_a_worker():
    with Worker() as worker:
        assert (
            worker.call(exec, "from mscnn.text.tokens import tokenize; assert tokenize('it is') == ['it', 'is']")
            is None
        )
        assert worker.call(eval, "{'scipy', 'nltk'} & set(__import__('sys').modules)") == set()


def test_another_thread_never_finds_an_empty_package(tmp_path, monkeypatch):
    (tmp_path / "bulky.py").write_text("content = 3")
    monkeypatch.syspath_prepend(tmp_path)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with _bare("bulky"):
            import bulky

            assert bulky.content == 3
    finally:
        done.set()
        thread.join()
        sys.modules.pop("bulky", None)
