"""Corpora: each is read to a :class:`~mscnn.corpora.common.Corpus`, with all its issues.

A corpus that is named by its files is described in ``conf/corpora`` (:mod:`mscnn.config.corpus`); only a layout that
needs code has a parser: in this folder, with a line in ``CORPORA``, or in a Python file anywhere, ``--parser FILE.py``.
What a parser must return is documented in :class:`~mscnn.corpora.common.Item`; it collects all issues and raises none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mscnn import paths
from mscnn.corpora import iemocap, meld, msp_improv, msp_podcast, own_parser
from mscnn.corpora.common import Corpus
from mscnn.corpora.ids import valid_ids
from mscnn.corpora.tables import store
from mscnn.errors import UserError

CORPORA: Mapping[str, Callable[[Path], Corpus]] = {
    "iemocap": iemocap.parse,
    "meld": meld.parse,
    "msp_improv": msp_improv.parse,
    "msp_podcast": msp_podcast.parse,
    "own": store.parse,  # what mscnn.corpora.tables read from a table
}
FILES = (".yaml", ".yml", ".py")  # of a description, and of a parser


def names() -> list[str]:
    """Names of all corpora, sorted."""
    return sorted({*CORPORA, *paths.names("corpora")})


def is_corpus(name: str) -> bool:
    """Whether ``name`` is a corpus, or the file of a description or a parser."""
    return name.endswith(FILES) or name in names()


def corpus_name(name: str) -> str:
    """Name of a corpus, as label maps state it: of a file, its name without the ending."""
    return Path(name).stem if name.endswith(FILES) else name


def parser(name: str) -> Callable[[Path], Corpus]:
    """The function that reads the corpus ``name`` (or that of a description or a parser in a file) from a folder.

    Raises:
        UserError: there is no such corpus, its description is not valid, or the file has no parser (``parser-file``).
    """
    if name in CORPORA:
        return CORPORA[name]
    if name.endswith(".py"):
        return own_parser.load(Path(name))
    from mscnn.config.corpus import Description  # here, as --help has no need of pydantic
    from mscnn.corpora import declarative

    return partial(declarative.parse, Description.load(name))


def read(name: str, root: Path) -> Corpus:
    """The corpus ``name`` in ``root``, a folder, or a file where the parser reads one; its ids are valid.

    Raises:
        UserError: as :func:`parser`; or there is no such folder (``corpus-missing``), it cannot be read
            (``corpus-unreadable``), or the parser failed (``parser-failed``).
    """
    parse = parser(name)
    if not root.exists():
        raise UserError(
            f"{root}: no such folder (from {Path.cwd()}); give the path of the corpus", code="corpus-missing"
        )
    try:
        return valid_ids(own_parser.run(parse, root))
    except OSError as error:
        raise UserError(
            f"{error.filename or root}: cannot be read: {error.strerror or error}; check its permissions",
            code="corpus-unreadable",
        ) from None
