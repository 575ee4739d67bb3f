"""Parsers of corpora: one per corpus; each reads a release and returns a :class:`~mscnn.corpora.common.Corpus`.

A new corpus is a parser in this folder, its line in ``CORPORA``, a label map in ``conf/labels``, a folder in ``egs``.
What a parser must return is documented in :class:`~mscnn.corpora.common.Item`; it collects all issues and raises none.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mscnn.corpora import iemocap, meld, ravdess
from mscnn.corpora.common import Corpus

CORPORA: Mapping[str, Callable[[Path], Corpus]] = {
    "iemocap": iemocap.parse,
    "meld": meld.parse,
    "ravdess": ravdess.parse,
}
