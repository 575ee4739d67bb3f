"""What the systems of an experiment read: a data directory, features, transcripts and x-vectors, each opened once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from hashlib import sha256
from pathlib import Path

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.files import file_digest
from mscnn.stamp import source_digest
from mscnn.xvector.vectors import read_vectors


@dataclass(frozen=True)
class TextOptions:
    """Which transcripts are read, and how tokens become vectors.

    Attributes:
        source: gt, or an ASR engine.
        tokens: word or sentencepiece.
        embeddings: a GloVe, word2vec or fastText file; None trains word2vec on the training part.
        dim: word2vec dimension.
        pieces: size of the sentencepiece vocabulary.
    """

    source: str = "gt"
    tokens: str = "word"
    embeddings: str | None = None
    dim: int = 300
    pieces: int = 1000

    @property
    def changed(self) -> list[str]:
        """Options that are not the default, KEY=VALUE; of a file its name. Systems that differ in them are others."""
        values = {**asdict(self), "embeddings": self.embeddings and Path(self.embeddings).name}
        return [f"{f.name}={values[f.name]}" for f in fields(self)[1:] if values[f.name] != f.default]


@dataclass(frozen=True)
class Sources:
    """What a system reads; ``features`` by the name that the model knows them by, ``xvector`` an ``xvector.scp``."""

    data: DataDir
    features: Mapping[str, FeatureDir]
    text: TextOptions
    xvector: Path | None

    def texts(self) -> dict[str, str]:
        """The transcript of each utterance."""
        return self.data.text_of(self.text.source)

    def xvectors(self) -> Path:
        """The ``xvector.scp``, of a system that cannot do without.

        Raises:
            UserError: none is given.
        """
        if self.xvector is None:
            raise UserError("the system takes x-vectors: give --xvector PATH (stage 2)", code="xvector-missing")
        return self.xvector


class Reader:
    """Opens data directories and features, and makes digests, each once: what it has read stays as it was then.

    Many experiments read the same things. One reader serves one call, so that a later call sees what has changed.
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
    """The features that a system reads, by the name that it knows them by.

    Raises:
        UserError: there is no folder of a feature.
    """
    archives = {a.feature: a for a in map(reader.features, feature_dirs)} if spec.features else {}
    for wanted in spec.features.values():
        if wanted not in archives:
            raise UserError(
                f"{spec.name} needs {wanted} features, and is given {', '.join(archives) or 'nothing'}: "
                f"--feature-dir dump/{wanted}/SET (stage 3)",
                code="feature-missing",
            )
    return {name: archives[wanted] for name, wanted in spec.features.items()}
