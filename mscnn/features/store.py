"""Frames of utterances where they lie: in archives that are mapped into memory, or in an array.

A map is the page cache itself: all folds, runs and processes of a set share one copy, and no process has its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

BLOCK_SIZE = 1 << 16  # rows that are read at a time


class Rows(Protocol):
    """Rows of ``dim`` values at int64 addresses; from a row to the next of its utterance the address grows by pitch."""

    @property
    def dim(self) -> int:
        """Values per row."""
        ...

    @property
    def pitch(self) -> int:
        """Difference of the addresses of consecutive rows."""
        ...

    def take(self, addresses: np.ndarray) -> np.ndarray:
        """A new array (…, dim) of the rows at ``addresses`` (…), of the type in which they are stored."""
        ...


@dataclass(frozen=True)
class Flat:
    """The rows of an array (N, dim); addresses are their numbers."""

    values: np.ndarray
    pitch: ClassVar[int] = 1

    @property
    def dim(self) -> int:
        """Values per row."""
        return self.values.shape[1]

    def take(self, addresses: np.ndarray) -> np.ndarray:
        """A new array (…, dim) of the rows at ``addresses`` (…)."""
        return self.values[addresses]


class Maps:
    """Files that are mapped into memory, read-only, with consecutive addresses; opened when they are first used.

    A copy in another process has maps of its own, of the same memory.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __reduce__(self) -> tuple[Any, ...]:
        return Maps, (self.paths,)

    @cached_property
    def _maps(self) -> list[np.ndarray]:
        return [np.memmap(path, np.uint8, "r") for path in self.paths]

    @cached_property
    def sizes(self) -> np.ndarray:
        """Bytes of each file; raises OSError or ValueError where one cannot be mapped."""
        return np.array([len(one) for one in self._maps], np.int64)

    @cached_property
    def starts(self) -> np.ndarray:
        """Address of the first byte of each file; raises as :attr:`sizes`."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def _places(self) -> np.ndarray:
        return np.array([one.ctypes.data for one in self._maps], np.int64)

    def take(self, addresses: np.ndarray, size: int) -> np.ndarray:
        """A new array (…) of void items: ``size`` bytes from each of ``addresses`` (…), all inside one file."""
        first = int(self._places.min())
        file = np.searchsorted(self.starts, addresses, side="right") - 1
        memory = np.asarray(_Memory(self._maps, first, int((self._places + self.sizes).max()) - size + 1 - first, size))
        return memory[addresses + (self._places - first - self.starts)[file]]


class _Memory:
    """All maps as one array, in NumPy's interface: an item of ``size`` bytes begins at every byte.

    It reaches from the lowest map to the highest, so that items from any number of files are one gather; what is
    between maps is never read. The maps stay open while it is used.
    """

    def __init__(self, maps: Sequence[np.ndarray], first: int, count: int, size: int) -> None:
        self.maps = maps
        self.__array_interface__ = {
            "data": (first, True),
            "shape": (max(count, 0),),
            "strides": (1,),
            "typestr": f"|V{size}",
            "version": 3,
        }


@dataclass(frozen=True)
class Mapped:
    """Rows of ``dim`` values of a type at any bytes of mapped files."""

    maps: Maps
    dim: int
    dtype: np.dtype

    @property
    def pitch(self) -> int:
        """Bytes of a row."""
        return self.dim * self.dtype.itemsize

    def take(self, addresses: np.ndarray) -> np.ndarray:
        """A new array (…, dim) of the rows at ``addresses`` (…), which are bytes."""
        rows = self.maps.take(addresses, self.pitch)
        return rows.reshape(-1).view(self.dtype).reshape(*addresses.shape, self.dim)


@dataclass(frozen=True)
class Frames:
    """One feature of n utterances.

    Attributes:
        rows: what the utterances are parts of.
        starts: address of the first frame of each utterance, (n,).
        lengths: frames of each utterance, (n,).
        stored: of which are in ``rows``, (n,); the others are zero.
    """

    rows: Rows
    starts: np.ndarray
    lengths: np.ndarray
    stored: np.ndarray

    @classmethod
    def of(cls, matrices: Sequence[np.ndarray]) -> Frames:
        """Frames of matrices (T, dim), which are copied."""
        return cls.flat(np.concatenate(matrices), np.array([len(one) for one in matrices]))

    @classmethod
    def flat(cls, values: np.ndarray, lengths: np.ndarray) -> Frames:
        """Frames of consecutive utterances of ``lengths`` in an array (N, dim)."""
        return cls(Flat(values), np.cumsum(lengths) - lengths, lengths, lengths)

    def __len__(self) -> int:
        return len(self.starts)

    def padded(self, least: int) -> Frames:
        """The same with utterances zero-padded to at least ``least`` frames."""
        return replace(self, lengths=np.maximum(self.lengths, least))

    @cached_property
    def offsets(self) -> np.ndarray:
        """Positions (n + 1,) of the utterances in the sequence of all frames."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def matrix(self, utterance: int) -> np.ndarray:
        """Float32 (T, dim) of one utterance."""
        return self.part(*map(int, self.offsets[utterance : utterance + 2]))

    def part(self, start: int, end: int) -> np.ndarray:
        """Float32 (end - start, dim): frames at consecutive positions of the sequence of all frames."""
        position = np.arange(start, end)
        utterance = np.searchsorted(self.offsets, position, side="right") - 1
        frame = position - self.offsets[utterance]
        stored = frame < self.stored[utterance]
        rows = self.rows.take(self.starts[utterance] + self.rows.pitch * np.where(stored, frame, 0))
        rows = rows.astype(np.float32, copy=False)
        rows[~stored] = 0
        return rows

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """All frames, ``BLOCK_SIZE`` at a time: position of the first, and float32 (N, dim)."""
        total = int(self.offsets[-1])
        for start in range(0, total, BLOCK_SIZE):
            yield start, self.part(start, min(start + BLOCK_SIZE, total))

    def not_finite(self) -> int | None:
        """The first utterance with a value that is not finite; None: all are."""
        for start, block in self.blocks():
            flat = block.reshape(-1)
            with np.errstate(all="ignore"):
                finite = np.isfinite(np.dot(flat, flat))  # ten times as fast as to test each value
            if not finite and not np.isfinite(flat).all():
                row = int(np.argwhere(~np.isfinite(block).all(axis=1))[0, 0])
                return int(np.searchsorted(self.offsets, start + row, side="right")) - 1
        return None
