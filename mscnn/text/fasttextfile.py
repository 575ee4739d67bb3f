"""fastText's binary format (``.bin``): vectors of some words, streamed; gensim loads the whole model, 7 GB of one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

MAGIC = b"\xba\x16\x4f\x2f"
VERSIONS = (11, 12)
OPTIONS = ("dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn", "rate")
ENTRY = 9  # bytes after a word: count and type
MOST_DIM = 1 << 14
MOST_ROWS = 1 << 31
MOST_GRAM = 100  # characters of an n-gram
CHUNK = 1 << 20  # bytes per read
MAX_WORD_BYTES = 1000


def read(stream: BinaryIO, take: Callable[[bytes], bool]) -> tuple[int, dict[bytes, bytes]]:
    """Dimension, and word -> its vector (float32) for the words that ``take`` wants.

    The vector of a word is the mean of its own and of those of its parts, as fastText's own (Bojanowski et al. 2017).

    Raises:
        ValueError, EOFError: the file is truncated, damaged, or of a kind without these vectors: supervised, quantised.
    """
    source = _Source(stream)
    magic, version = source.numbers("<4si")
    options = dict(zip(OPTIONS, source.numbers("<12i"), strict=True))
    dim, bucket, minn, maxn = (options[name] for name in ("dim", "bucket", "minn", "maxn"))
    source.numbers("<d")
    size, words, labels, _, pruned = source.numbers("<iiiqq")
    if magic != MAGIC or version not in VERSIONS or not (0 < dim <= MOST_DIM and 0 < words <= size and bucket >= 0):
        raise ValueError("its header is damaged, or of another version")
    if labels or pruned > 0 or not 0 <= maxn <= MOST_GRAM:
        raise ValueError("a supervised or quantised model, which has no word vectors that can be read")
    wanted = {row: word for row, word in enumerate(source.words(size)) if take(word)}
    quantised, rows, columns = source.numbers("<?qq")
    if quantised or columns != dim or not words <= rows <= words + bucket:
        raise ValueError(f"a matrix of {rows} x {columns}, expected {words} words and {bucket} parts of {dim} values")
    parts = {row: _parts(word, minn, maxn, rows - words) for row, word in wanted.items() if row < words}
    means = source.means(parts, words, rows, dim)
    _, rows, columns = source.numbers("<?qq")  # of the output, which is not used
    if not 0 < rows <= MOST_ROWS or columns != dim:
        raise ValueError(f"output weights of {rows} x {columns}")
    source.skip(4 * rows * dim - 1)
    source.take(1)
    return dim, {wanted[row]: mean for row, mean in means.items()}


def _parts(word: bytes, minn: int, maxn: int, bucket: int) -> list[int]:
    """Rows of the n-grams of a word, after those of the words."""
    from gensim.models.fasttext import ft_ngram_hashes

    return ft_ngram_hashes(word.decode("utf-8", "replace"), minn, maxn, bucket) if bucket and maxn else []


class _Source:
    """A stream that is read forwards; what it lacks raises ValueError."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._buffer, self._start = stream, b"", 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        self._fill(size)
        self._start += size
        return self._buffer[self._start - size : self._start]

    def numbers(self, form: str) -> tuple:
        """The next numbers, of a form of struct."""
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def words(self, count: int) -> Iterator[bytes]:
        """The words of the dictionary, each followed by a zero, its count and its type."""
        for number in range(count):
            while (end := self._buffer.find(b"\0", self._start, self._start + MAX_WORD_BYTES + 1)) < 0:
                held = len(self._buffer) - self._start
                if held > MAX_WORD_BYTES:
                    raise ValueError(f"word {number + 1}: longer than {MAX_WORD_BYTES} bytes")
                self._fill(held + 1)
            word = self.take(end - self._start)
            self.take(1 + ENTRY)
            yield word

    def means(self, parts: dict[int, list[int]], words: int, rows: int, dim: int) -> dict[int, bytes]:
        """Row of a word -> mean of its row and of those of its parts, which follow the rows of the words.

        The next bytes are those of the matrix (rows, dim); they are read.
        """
        import numpy as np

        needed = sorted([(row, row) for row in parts] + [(words + part, row) for row in parts for part in parts[row]])
        sums = {row: np.zeros(dim) for row in parts}
        position, vector = 0, np.zeros(dim)
        for row, word in needed:
            if row >= position:
                self.skip(4 * dim * (row - position))
                vector, position = np.frombuffer(self.take(4 * dim), "<f4"), row + 1
            sums[word] += vector
        self.skip(4 * dim * (rows - position))
        return {row: (total / (1 + len(parts[row]))).astype("<f4").tobytes() for row, total in sums.items()}

    def skip(self, size: int) -> None:
        """Pass the next bytes."""
        held = min(size, len(self._buffer) - self._start)
        self._start += held
        if size > held:
            self._stream.seek(size - held, 1)

    def _fill(self, size: int) -> None:
        """Hold the next ``size`` bytes."""
        while len(self._buffer) - self._start < size:
            more = self._stream.read(CHUNK)
            if not more:
                raise ValueError("truncated")
            self._buffer, self._start = self._buffer[self._start :] + more, 0
