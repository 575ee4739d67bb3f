"""Folder of an x-vector network, in the layout of Kaldi's public models."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.paths import CONF

if TYPE_CHECKING:
    from mscnn.xvector.frontend import Frontend
    from mscnn.xvector.network import Network

FIX = "download one with tools/download_xvector_model.sh, or run with --xvector-model espeak or --xvector none"


@dataclass(frozen=True)
class XvectorModel:
    """``final.raw``, ``extract.config`` (or None), chunk sizes in frames, and ``conf`` with mfcc.conf and vad.conf."""

    path: Path
    conf: Path
    extract_config: Path | None
    min_chunk: int
    max_chunk: int

    @classmethod
    def load(cls, model: str | os.PathLike) -> XvectorModel:
        """The model in a folder, or of a name in ``conf/xvector``.

        ``conf/`` may be in the folder or, as in the public archives, beside or above it.

        Raises:
            UserError: a file is missing or damaged.
        """
        path = Path(model)
        shipped = CONF / "xvector" / path
        if not path.is_dir() and shipped.is_dir():
            path = shipped
        path = path.resolve()
        if not (path / "final.raw").is_file():
            reason = "it has no final.raw" if path.is_dir() else "no such folder"
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
    def files(self) -> list[Path]:
        """All files that the vectors depend on."""
        config = [self.extract_config] if self.extract_config else []
        sizes = [self.path / "min_chunk_size", self.path / "max_chunk_size"]
        return [self.path / "final.raw", *config, *sizes, self.conf / "mfcc.conf", self.conf / "vad.conf"]

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
