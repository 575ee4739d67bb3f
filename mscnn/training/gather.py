"""Batches of examples: gathered from the frames of a set, normalised and padded, on the device of the frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mscnn.features.store import Frames, Rows
from mscnn.models.inputs import Inputs


class Scaling(NamedTuple):
    """Normalisation of rows (…, D): ``(rows - shift) / scale``, clipped to 0 to 1 where ``clip`` is set."""

    shift: Tensor
    scale: Tensor
    clip: bool = False

    def apply(self, rows: Tensor) -> Tensor:
        """The rows, normalised in place."""
        rows.sub_(self.shift).div_(self.scale)
        return rows.clamp_(0, 1) if self.clip else rows

    def to(self, device: str) -> Scaling:
        """The same on another device."""
        return Scaling(self.shift.to(device), self.scale.to(device), self.clip)


@dataclass(frozen=True)
class Ragged:
    """n sequences of rows of different lengths, and batches of them.

    Attributes:
        rows: rows in archives or arrays of the host, or a tensor (N, …) on the device.
        pitch: difference of the addresses of consecutive rows.
        starts: address of the first row of each sequence, (n,).
        lengths: rows of each sequence, (n,).
        stored: rows of each that are in ``rows``, (n,): the others are zero before normalisation; None: all.
        scaling: normalisation, or None.
        relative: batches have the values of each sequence less their maximum.
    """

    rows: Rows | Tensor
    pitch: int
    starts: Tensor
    lengths: Tensor
    stored: Tensor | None = None
    scaling: Scaling | None = None
    relative: bool = False

    def batch(self, index: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """The sequences at ``index`` (B,), zero-padded, (B, ``width``, …), and their lengths (B,).

        ``width`` is at least the longest; nothing is read from the device.
        """
        lengths = self.lengths[index]
        position = torch.arange(width, device=index.device)
        outside = position >= lengths[:, None]
        absent = outside if self.stored is None else position >= self.stored[index][:, None]
        first = self.starts[index][:, None]
        rows = self._take(torch.where(absent, first, first + self.pitch * position))  # padding has the first row
        if self.stored is not None:
            _clear(rows, absent)
        if self.scaling:
            rows = self.scaling.apply(rows)
        if self.relative:
            rows -= rows.amax(dim=tuple(range(1, rows.dim())), keepdim=True)
        return _clear(rows, outside), lengths

    def to(self, device: str) -> Ragged:
        """The same with tables and normalisation on another device; rows stay where they are, but those of tensors."""
        return replace(
            self,
            rows=self.rows.to(device) if isinstance(self.rows, Tensor) else self.rows,
            starts=self.starts.to(device),
            lengths=self.lengths.to(device),
            stored=None if self.stored is None else self.stored.to(device),
            scaling=None if self.scaling is None else self.scaling.to(device),
        )

    def _take(self, addresses: Tensor) -> Tensor:
        if isinstance(self.rows, Tensor):
            rows = self.rows[addresses]
        else:
            rows = torch.from_numpy(self.rows.take(addresses.numpy()))
        return rows.float() if rows.is_floating_point() else rows


def copied(frames: Frames, device: str) -> tuple[Tensor, int, np.ndarray]:
    """All stored frames in one tensor (N, D) on a device, their pitch, and the address of each utterance (n,)."""
    stored = replace(frames, lengths=frames.stored)
    rows = torch.empty((int(stored.offsets[-1]), frames.rows.dim), device=device)
    for start, block in stored.blocks():
        rows[start : start + len(block)] = torch.from_numpy(block)
    return rows, 1, stored.offsets[:-1]


def _clear(rows: Tensor, where: Tensor) -> Tensor:
    """Rows (B, T, …) with zeros, set in place, where ``where`` (B, T) is true."""
    return rows.masked_fill_(where.reshape(*where.shape, *(1,) * (rows.dim() - 2)), 0)


@dataclass(frozen=True)
class Batches:
    """Batches of examples on one device.

    Attributes:
        streams: features by name; ``audio`` is the main one.
        tokens: token ids of the utterances, or None.
        xvectors: (utterances, X), or None.
        utterance: index of the utterance of each example.
    """

    streams: Mapping[str, Ragged]
    tokens: Ragged | None
    xvectors: Tensor | None
    utterance: Tensor

    def __call__(self, index: Tensor, widths: Mapping[str, int]) -> Inputs:
        """The examples at ``index`` as a batch; ``widths`` are its padded lengths, of the features and ``tokens``."""
        inputs, utterance = Inputs(), self.utterance[index]
        for name, stream in self.streams.items():
            rows, lengths = stream.batch(index, widths[name])
            if name == "audio":
                inputs.audio, inputs.audio_len = rows.transpose(1, 2), lengths
            else:
                inputs.extra[name], inputs.extra_len[name] = rows.transpose(1, 2), lengths
        if self.tokens is not None:
            inputs.tokens, inputs.token_len = self.tokens.batch(utterance, widths["tokens"])
        if self.xvectors is not None:
            inputs.xvector = self.xvectors[utterance]
        return inputs
