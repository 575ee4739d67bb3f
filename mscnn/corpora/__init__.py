"""Parsers of corpora: one per corpus; each reads a release and returns a :class:`~mscnn.corpora.common.Corpus`.

A new corpus is a parser in this folder, its line in ``CORPORA``, a label map in ``conf/labels``, a folder in ``egs``.
What a parser must return is documented in :class:`~mscnn.corpora.common.Item`; it collects all issues and raises none.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mscnn.corpora import iemocap, meld, msp_improv, msp_podcast, ravdess
from mscnn.corpora.common import Corpus
from mscnn.corpora.ids import valid_ids
from mscnn.errors import UserError

CORPORA: Mapping[str, Callable[[Path], Corpus]] = {
    "iemocap": iemocap.parse,
    "meld": meld.parse,
    "msp_improv": msp_improv.parse,
    "msp_podcast": msp_podcast.parse,
    "ravdess": ravdess.parse,
}


def read(name: str, root: Path) -> Corpus:
    """The corpus in the folder ``root``, by the parser ``name``.

    Raises:
        UserError: there is no such folder (``corpus-missing``), or it cannot be read (``corpus-unreadable``).
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder (from {Path.cwd()}); give the path of the corpus", code="corpus-missing"
        )
    try:
        return valid_ids(CORPORA[name](root))
    except OSError as error:
        raise UserError(
            f"{error.filename}: cannot be read: {error.strerror}; check its permissions", code="corpus-unreadable"
        ) from None
