"""From samples to the input of networks: the features of stage 3 and the x-vectors of stage 2, by their code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mscnn.audio.read import converted
from mscnn.errors import UserError
from mscnn.features.config import Feature
from mscnn.features.extract import compute
from mscnn.features.extract_text import encode
from mscnn.features.store import Frames

if TYPE_CHECKING:
    from torch import nn

    from mscnn.xvector.modeldir import XvectorModel


@dataclass(frozen=True)
class Embedder:
    """An x-vector network, loaded, with its options in stage 2."""

    model: XvectorModel
    network: nn.Module
    chunk_size: int
    all_frames: bool  # use all frames where none is voiced, or a zero vector

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Input of the network from samples (n,) at its rate, the first axis in time; empty: nothing to embed."""
        return self.model.select(samples, self.all_frames)[0]

    def vectors(self, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
        """X-vectors (X,) of utterances; zero where there are no frames."""
        from mscnn.xvector.native import BATCH_FRAMES

        batch = BATCH_FRAMES[next(self.network.parameters()).device.type]
        named = {str(i): one for i, one in enumerate(frames)}
        return list(self.model.embed(self.network, named, self.chunk_size, batch).values())


@dataclass(frozen=True)
class Item:
    """Input from one recording or part of it, before normalisation.

    Attributes:
        features: frames (T, D) by the names of the network.
        voiced: input frames of the x-vector network, or None.
        few: whether a feature has fewer frames than it needs.
        notices: conversions of the audio.
    """

    features: Mapping[str, np.ndarray]
    voiced: np.ndarray | None
    few: bool
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Frontend:
    """Features of recordings and of transcripts by the names of the network, and the x-vector network."""

    features: Mapping[str, Feature]
    embedder: Embedder | None
    device: str = "cpu"
    encoders: Mapping[str, Feature] = field(default_factory=dict)

    @classmethod
    def of(cls, features: Mapping[str, Feature], embedder: Embedder | None, device: str) -> Frontend:
        """A frontend of features, those of recordings and those of transcripts."""
        of_text = {name: feature for name, feature in features.items() if feature.extractor.source == "text"}
        recorded = {name: feature for name, feature in features.items() if name not in of_text}
        return cls(recorded, embedder, device, of_text)

    def check(self) -> None:
        """Raise UserError where a feature lacks a requirement."""
        for feature in (*self.features.values(), *self.encoders.values()):
            feature.extractor.check()

    def batch(self, items: Sequence[Item], texts: Sequence[str]) -> Batch:
        """Items with their transcripts, which are encoded."""
        encoded = {name: Matrix(encode(one, texts, self.device)[0]) for name, one in self.encoders.items()}
        return Batch(items, texts, self.embedder, encoded)

    def item(self, samples: np.ndarray, native: int) -> Item:
        """Input from samples (n, channels), n > 0, at ``native`` Hz."""
        at: dict[int, tuple[np.ndarray, list[str]]] = {}

        def mono(rate: int) -> np.ndarray:
            if rate not in at:
                at[rate] = converted(samples, native, rate)
                if not len(at[rate][0]):
                    raise UserError(
                        f"{len(samples)} samples at {native} Hz are less than one at {rate} Hz; record more",
                        code="audio-empty",
                    )
            return at[rate][0]

        features, few = {}, False
        for name, feature in self.features.items():
            features[name] = compute(feature, mono(feature.extractor.rate), self.device)
            few |= len(features[name]) < feature.extractor.min_frames
        voiced = self.embedder.frames(mono(self.embedder.model.rate)) if self.embedder else None
        notices = [notice for _, found in at.values() for notice in found]
        return Item(features, voiced, few, tuple(dict.fromkeys(notices)))


@dataclass(frozen=True)
class Matrix:
    """One feature of several items, with the interface of :class:`mscnn.features.archive.FeatureDir`."""

    matrices: Sequence[np.ndarray]

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self.matrices[0].shape[1]

    def select(self, utts: Sequence[str]) -> Frames:
        """Frames of items, copied."""
        return Frames.of([self.matrices[int(utt)] for utt in utts])


@dataclass(frozen=True)
class Batch:
    """Items with their transcripts, as :class:`mscnn.training.sources.Recordings`; their ids are 0, 1, …"""

    items: Sequence[Item]
    transcripts: Sequence[str]
    embedder: Embedder | None
    encoded: Mapping[str, Matrix] = field(default_factory=dict)

    @property
    def utts(self) -> list[str]:
        """Ids of the items."""
        return [str(i) for i in range(len(self.items))]

    @cached_property
    def features(self) -> dict[str, Matrix]:
        """Features, by the names of the network."""
        recorded = {name: Matrix([item.features[name] for item in self.items]) for name in self.items[0].features}
        return {**recorded, **self.encoded}

    def texts(self) -> dict[str, str]:
        """Transcript of each item."""
        return dict(zip(self.utts, self.transcripts, strict=True))

    @cached_property
    def _vectors(self) -> list[np.ndarray]:
        assert self.embedder is not None
        return self.embedder.vectors([item.voiced for item in self.items if item.voiced is not None])

    def vectors(self, utts: Sequence[str]) -> np.ndarray:
        """X-vectors (n, X)."""
        return np.stack([self._vectors[int(utt)] for utt in utts])
