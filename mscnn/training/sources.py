"""Inputs of systems: data directory, features, transcripts and x-vectors, each read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mscnn.config import embeddings
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir, text_digest
from mscnn.files import file_digest
from mscnn.paths import stem
from mscnn.stamp import source_digest
from mscnn.xvector.vectors import read_vectors

if TYPE_CHECKING:
    import numpy as np

    from mscnn.features.store import Frames

MARKED = ("tokens", "dim", "pieces")  # options of the text that ``changed`` names


@dataclass(frozen=True)
class TextOptions:
    """Source of the transcripts, tokens and word vectors.

    Attributes:
        source: gt (reference transcripts), or an ASR engine.
        tokens: word or sentencepiece.
        embeddings: a GloVe, word2vec or fastText file, or a name in conf/embeddings; None: word2vec trained on the
            training split.
        dim: dimension of word2vec.
        pieces: size of the sentencepiece vocabulary.
        words: number of frequent words of the file that the models know besides those of the data.
    """

    source: str = "gt"
    tokens: str = "word"
    embeddings: str | None = None
    dim: int = 300
    pieces: int = 1000
    words: int = 50_000

    @property
    def changed(self) -> list[str]:
        """Non-default values of MARKED as KEY=VALUE; score lines name the vectors in a field of their own."""
        values = asdict(self)
        return [f"{name}={values[name]}" for name in MARKED if values[name] != getattr(TextOptions, name)]

    @property
    def title(self) -> str:
        """Name of the word vectors: that of the file, or word2vec."""
        return embeddings.title(self.embeddings)

    @property
    def file(self) -> Path | None:
        """File of the word vectors; None: there is none, word2vec is trained. Raises UserError where it is missing."""
        return embeddings.locate(self.embeddings) if self.embeddings else None


class Matrices(Protocol):
    """One feature of utterances: its dimension, and the frames of some, as :class:`FeatureDir`."""

    @property
    def dim(self) -> int:
        """Values per frame."""
        ...

    def select(self, utts: Sequence[str]) -> Frames:
        """Frames of utterances."""
        ...


class Recordings(Protocol):
    """What a network takes of utterances: :class:`Sources` of a data set, or recordings in memory."""

    @property
    def features(self) -> Mapping[str, Matrices]:
        """Features, by their names in the model."""
        ...

    def texts(self) -> Mapping[str, str]:
        """Transcript of each utterance."""
        ...

    def vectors(self, utts: Sequence[str]) -> np.ndarray:
        """X-vectors (n, X)."""
        ...


@dataclass(frozen=True)
class Sources:
    """Inputs of a system: ``features`` by their names in the model, and ``xvector``, an ``xvector.scp``."""

    data: DataDir
    features: Mapping[str, FeatureDir]
    text: TextOptions
    xvector: Path | None

    def texts(self) -> dict[str, str]:
        """Transcript of each utterance."""
        return self.data.text_of(self.text.source)

    def of_text(self, source: str) -> Sources:
        """The same with transcripts of another source, and with their vectors where a text encoder made them.

        These are beside those of this text, in the folder that has the name of the text.

        Raises:
            UserError: there are no such vectors, or they are not of these transcripts; see :meth:`require_text`.
        """
        if source == self.text.source:
            return self
        features = {
            name: FeatureDir.load(one.path.parent / source) if one.text else one for name, one in self.features.items()
        }
        return replace(self, features=features, text=replace(self.text, source=source)).require_text()

    def require_text(self) -> Sources:
        """Itself; raises UserError (``features-text``) where vectors of texts are not those of its transcripts."""
        for one in self.features.values():
            if one.text and (one.text != self.text.source or one.text_digest != text_digest(self.texts())):
                raise UserError(
                    f"{one.path}: {one.feature} of other transcripts ({one.text}) than {self.data.path} has now for "
                    f"{self.text.source}; encode them: ./run.sh --stage features --stop-stage transcripts",
                    code="features-text",
                )
        return self

    def xvectors(self) -> Path:
        """Path of the ``xvector.scp``.

        Raises:
            UserError: there is none.
        """
        if self.xvector is None:
            raise UserError("the system takes x-vectors: give --xvector PATH (stage 2)", code="xvector-missing")
        return self.xvector

    def vectors(self, utts: Sequence[str]) -> np.ndarray:
        """X-vectors (n, X) of utterances; raises as :meth:`xvectors` and :func:`read_vectors`."""
        return read_vectors(self.xvectors(), utts)


class Reader:
    """Cache of data directories, features and digests, which many experiments share.

    A reader is used for one call only, so that later calls notice changes of files.
    """

    def __init__(self) -> None:
        self.data = cache(DataDir.load)
        self.features = cache(FeatureDir.load)
        self.file_digest = cache(file_digest)
        self.code_digest = cache(source_digest)
        self.xvector_digest = cache(_xvector_digest)


def _xvector_digest(path: Path, utts: tuple[str, ...]) -> str:
    return sha256(read_vectors(path, utts).tobytes()).hexdigest()


def features_of(spec: ModelSpec, feature_dirs: Sequence[Path], reader: Reader) -> dict[str, FeatureDir]:
    """Features of a system, by their names in the model.

    Raises:
        UserError: a feature has no folder, or has layers where the system takes frames, or the converse.
    """
    archives = {a.feature: a for a in map(reader.features, feature_dirs)} if spec.features else {}
    names = {name: stem(feature) for name, feature in spec.features.items()}
    for wanted in names.values():
        if wanted not in archives:
            raise UserError(
                f"{spec.name}: feature {wanted} is missing (given: {', '.join(archives) or 'none'}); extract it with "
                f"stage 3 and give --feature-dir dump/{wanted}/SET",
                code="feature-missing",
            )
    found = {name: archives[wanted] for name, wanted in names.items()}
    if "audio" in found:
        spec.check_rows(found["audio"].feature, found["audio"].options)
    return found
