"""Tokenisation with the rules of ``nltk.word_tokenize``."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from mscnn.paths import composed

if TYPE_CHECKING:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

ABBREVIATIONS = frozenset({"dr", "jr", "mr", "mrs", "ms", "prof", "sr", "st"})


def tokenize(text: str) -> list[str]:
    """Lower-case tokens by the rules of ``nltk.word_tokenize``: ``can't`` -> ``ca n't``, punctuation stands alone.

    The predecessors of MSCNN-SPU (Yoon et al. 2018) tokenize raw transcripts in this way: a tag such as ``[LAUGHTER]``
    becomes ``[ laughter ]``, and its word has an embedding. Sentences are split by NLTK's Punkt with a list of
    abbreviations instead of its English model, which would have to be downloaded.
    """
    return list(_tokens(text))


@lru_cache(maxsize=1 << 16)  # a corpus is tokenised several times: for the vocabulary, word2vec and the ids
def _tokens(text: str) -> tuple[str, ...]:
    if not text.strip():  # a recording without a transcript: NLTK would take half a second to import
        return ()
    sentences, words = _tokenizers()
    text = composed(text).lower().replace("’", "'")
    return tuple(token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence))


@lru_cache(maxsize=1)
def _tokenizers() -> tuple[PunktSentenceTokenizer, NLTKWordTokenizer]:
    with _bare("nltk"):
        from nltk.tokenize import NLTKWordTokenizer
        from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters), NLTKWordTokenizer()


@contextmanager
def _bare(package: str) -> Iterator[None]:
    """Import modules of a package in the block, but not the package itself; afterwards they are not in ``sys.modules``.

    The package NLTK imports scikit-learn and scipy.stats, ten times the work of importing its tokenisers. The package
    is imported as usual where another thread could import it at the same time, and would find it empty.
    """
    spec = importlib.util.find_spec(package) if package not in sys.modules and _alone() else None
    if spec is None:
        yield
        return
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]


def _alone() -> bool:
    """Whether no thread runs but this one and those named mscnn-…, which watch other processes and import nothing."""
    others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
    return all(thread.name.startswith("mscnn-") for thread in others)
