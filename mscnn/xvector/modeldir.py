"""Folder of an x-vector network, in the layout of Kaldi's public models."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mscnn.errors import UserError
from mscnn.paths import CONF

if TYPE_CHECKING:
    import numpy as np

    from mscnn.xvector.frontend import Frontend
    from mscnn.xvector.network import Network

FIX = "download one with tools/download_xvector_model.sh, or run with --xvector-model espeak or --xvector none"


@dataclass(frozen=True)
class XvectorModel(ABC):
    """A network of speaker embeddings in a folder: a Kaldi network, or a GE2E speaker encoder (``ge2e.py``).

    Attributes:
        path: the folder.
        libraries: packages that the vectors depend on.
    """

    path: Path
    libraries: ClassVar[tuple[str, ...]]

    @staticmethod
    def load(model: str | os.PathLike) -> XvectorModel:
        """The model in a folder, or of a name in ``conf/xvector``.

        Raises:
            UserError: a file is missing or damaged.
        """
        path = Path(model)
        shipped = CONF / "xvector" / path
        if not path.is_dir() and shipped.is_dir():
            path = shipped
        if (path / "model.safetensors").is_file():
            from mscnn.xvector.ge2e import SpeakerEncoderModel

            return SpeakerEncoderModel(path.resolve())
        return KaldiModel.of(path, model)

    @property
    @abstractmethod
    def members(self) -> Mapping[str, Path]:
        """All files that the vectors depend on, by their names in the folder of a bundle."""

    @property
    def files(self) -> list[Path]:
        """All files that the vectors depend on."""
        return [*self.members.values()]

    @property
    @abstractmethod
    def rate(self) -> int:
        """Sampling rate of the input, Hz."""

    @abstractmethod
    def network(self) -> Any:
        """The network in PyTorch, in test mode, with ``dim`` and ``input_dim``; UserError where it is damaged."""

    @abstractmethod
    def chunk(self, size: int) -> int:
        """Frames of a chunk where ``size`` are wanted, 0: those of the model; UserError for an impossible size."""

    @abstractmethod
    def select(self, samples: np.ndarray, all_frames: bool) -> tuple[np.ndarray, bool, int]:
        """Input of the network, its first axis in time, from samples (n,) at ``rate``.

        Returns:
            what is voiced; where nothing is: everything with ``all_frames``, else nothing; whether something is voiced;
            and a number that is 0 where the recording is too short for any input.
        """

    @abstractmethod
    def embed(
        self, network: Any, frames: Mapping[str, np.ndarray], chunk_size: int, batch: int
    ) -> dict[str, np.ndarray]:
        """Vectors (X,) float32 of utterances from the output of :meth:`select`, zero where there is none.

        Args:
            network: on the device of the computation.
            batch: frames per batch.
        """


@dataclass(frozen=True)
class KaldiModel(XvectorModel):
    """``final.raw``, ``extract.config`` (or None), chunk sizes in frames, and ``conf`` with mfcc.conf and vad.conf."""

    libraries: ClassVar[tuple[str, ...]] = ("kaldi-native-fbank", "numpy", "torch")

    conf: Path
    extract_config: Path | None
    min_chunk: int
    max_chunk: int

    @classmethod
    def of(cls, path: Path, model: str | os.PathLike) -> KaldiModel:
        """The model in the folder ``path``, which the user calls ``model``.

        ``conf/`` may be in the folder or, as in the public archives, beside or above it.

        Raises:
            UserError: a file is missing or damaged.
        """
        path = path.resolve()
        if not (path / "final.raw").is_file():
            reason = "it has neither final.raw nor model.safetensors" if path.is_dir() else "no such folder"
            raise UserError(f"{model}: not an x-vector model: {reason}; {FIX}", code="xvector-model-missing")
        conf = next((p / "conf" for p in [path, *path.parents[:2]] if (p / "conf" / "mfcc.conf").is_file()), None)
        if conf is None:
            raise UserError(
                f"{path}: no conf/mfcc.conf in it, beside it or above it: copy conf/ of the model's recipe",
                code="xvector-model-missing",
            )
        config = path / "extract.config"
        min_chunk, max_chunk = _size(path / "min_chunk_size"), _size(path / "max_chunk_size")
        if min_chunk > max_chunk:
            raise UserError(
                f"{path}: min_chunk_size {min_chunk} is larger than max_chunk_size {max_chunk}",
                code="xvector-model-size",
            )
        return cls(path, conf, config if config.is_file() else None, min_chunk, max_chunk)

    @property
    def members(self) -> Mapping[str, Path]:
        names = ["final.raw", *(["extract.config"] if self.extract_config else []), "min_chunk_size", "max_chunk_size"]
        return {name: self.path / name for name in names} | {
            f"conf/{name}": self.conf / name for name in ("mfcc.conf", "vad.conf")
        }

    @property
    def rate(self) -> int:
        return self.frontend.rate

    def chunk(self, size: int) -> int:
        size = size or self.max_chunk
        if size < self.min_chunk:
            raise UserError(
                f"--chunk-size {size}: the minimum of the model is {self.min_chunk} frames", code="chunk-too-small"
            )
        return size

    def select(self, samples: np.ndarray, all_frames: bool) -> tuple[np.ndarray, bool, int]:
        """Frames (T, C); as :meth:`XvectorModel.select`."""
        from mscnn.xvector.native import select_frames

        return select_frames(self, samples, all_frames)

    def embed(
        self, network: Any, frames: Mapping[str, np.ndarray], chunk_size: int, batch: int
    ) -> dict[str, np.ndarray]:
        """As :meth:`XvectorModel.embed`."""
        from mscnn.xvector.native import embed

        return embed(network, frames, chunk_size, self.min_chunk, batch)

    @cached_property
    def frontend(self) -> Frontend:
        """The front-end of the model."""
        from mscnn.xvector.frontend import Frontend

        return Frontend.load(self.conf)

    def network(self) -> Network:
        """The network in PyTorch.

        Raises:
            UserError: it is damaged, has unknown components, or does not match the features of ``frontend``.
        """
        from mscnn.xvector import nnet3
        from mscnn.xvector.network import Network

        nnet = nnet3.read(self.path / "final.raw")
        try:
            network = Network(nnet, self.extract_config.read_text(encoding="utf-8") if self.extract_config else "")
        except (UserError, UnicodeDecodeError) as error:
            raise UserError(f"{self.path}: {error}", code="xvector-network") from None
        if network.input_dim != self.frontend.options.num_ceps:
            raise UserError(
                f"{self.path}: the network takes {network.input_dim} values per frame, but {self.conf / 'mfcc.conf'} "
                f"has {self.frontend.options.num_ceps}; use the conf/ of this model",
                code="xvector-network",
            )
        if network.context > self.min_chunk:
            raise UserError(
                f"{self.path / 'min_chunk_size'}: {self.min_chunk} frames, expected at least {network.context}, the "
                "context of the network",
                code="xvector-model-size",
            )
        return network


def _size(path: Path) -> int:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; {FIX}", code="xvector-model-missing") from None
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) == 0:
        raise UserError(f"{path}: expected a number of frames, found {text[:40]!r}", code="xvector-model-size")
    return int(text)
