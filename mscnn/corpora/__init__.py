"""Corpora: each is read to a :class:`~mscnn.corpora.common.Corpus`, with all its issues.

A corpus that is named by its files is described in ``conf/corpora`` (:mod:`mscnn.config.corpus`); only a layout that
needs code has a parser in this folder and a line in ``CORPORA``. What a parser must return is documented in
:class:`~mscnn.corpora.common.Item`; it collects all issues and raises none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mscnn import paths
from mscnn.config.corpus import Description
from mscnn.corpora import declarative, iemocap, meld, msp_improv, msp_podcast
from mscnn.corpora.common import Corpus
from mscnn.corpora.ids import valid_ids
from mscnn.errors import UserError

CORPORA: Mapping[str, Callable[[Path], Corpus]] = {
    "iemocap": iemocap.parse,
    "meld": meld.parse,
    "msp_improv": msp_improv.parse,
    "msp_podcast": msp_podcast.parse,
}


def names() -> list[str]:
    """Names of all corpora, sorted."""
    return sorted({*CORPORA, *paths.names("corpora")})


def is_corpus(name: str) -> bool:
    """Whether ``name`` is a corpus, or the YAML file of a description."""
    return name.endswith((".yaml", ".yml")) or name in names()


def parser(name: str) -> Callable[[Path], Corpus]:
    """The function that reads the corpus ``name`` (or that of a description in a YAML file) from a folder.

    Raises:
        UserError: there is no such corpus, or its description is not valid.
    """
    if name in CORPORA:
        return CORPORA[name]
    return partial(declarative.parse, Description.load(name))


def read(name: str, root: Path) -> Corpus:
    """The corpus ``name`` in the folder ``root``.

    Raises:
        UserError: as :func:`parser`; or there is no such folder (``corpus-missing``), or it cannot be read
            (``corpus-unreadable``).
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder (from {Path.cwd()}); give the path of the corpus", code="corpus-missing"
        )
    try:
        return valid_ids(parser(name)(root))
    except OSError as error:
        raise UserError(
            f"{error.filename}: cannot be read: {error.strerror}; check its permissions", code="corpus-unreadable"
        ) from None
