"""Text -> tokens, as ``nltk.word_tokenize`` does."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

ABBREVIATIONS = frozenset({"dr", "jr", "mr", "mrs", "ms", "prof", "sr", "st"})


def tokenize(text: str) -> list[str]:
    """Lower-case tokens by the rules of ``nltk.word_tokenize``: ``can't`` -> ``ca n't``, punctuation stands alone.

    The lineage of MSCNN-SPU (Yoon et al. 2018) tokenizes raw transcripts so: a tag such as ``[LAUGHTER]`` becomes
    ``[ laughter ]``, and its word finds an embedding. Sentences are found by NLTK's Punkt with a list of abbreviations
    in place of its English model, which would have to be downloaded.
    """
    return list(_tokens(text))


@lru_cache(maxsize=1 << 16)  # a corpus is read several times: for the vocabulary, for word2vec, for the numbers
def _tokens(text: str) -> tuple[str, ...]:
    sentences, words = _tokenizers()
    text = text.lower().replace("’", "'")
    return tuple(token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence))


@lru_cache(maxsize=1)
def _tokenizers() -> tuple[PunktSentenceTokenizer, NLTKWordTokenizer]:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters), NLTKWordTokenizer()
