"""A release on disk -> utterances: one parser a corpus, all behind the same two types."""

from collections.abc import Callable, Mapping
from pathlib import Path

from mscnn.corpora import iemocap, meld, ravdess
from mscnn.corpora.common import Corpus

CORPORA: Mapping[str, Callable[[Path], Corpus]] = {
    "iemocap": iemocap.parse,
    "meld": meld.parse,
    "ravdess": ravdess.parse,
}
