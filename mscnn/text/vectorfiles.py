"""Files of word vectors, trimmed to some of their words.

gensim reads a whole file into memory (GloVe 840B: 2.6 GB) before words can be looked up. Here files are streamed, only
the rows of the requested words are kept, and gensim reads the result.
"""

from __future__ import annotations

import codecs
import gzip
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from mscnn.files import atomic, digest, file_digest
from mscnn.log import get_logger
from mscnn.text import fasttextfile
from mscnn.text.fasttextfile import CHUNK, MAX_WORD_BYTES

GZIP, ZIP, FACEBOOK = b"\x1f\x8b", b"PK\x03\x04", fasttextfile.MAGIC  # first bytes of files
MOST_UNDECODABLE = 0.01  # share of the words of a file; some published ones have a few
MAX_LINE = 1 << 20  # bytes of a line of text: a word and its values
LANGUAGE = re.compile(rb"/c/\w{2,8}/")  # what ConceptNet's words begin with


class Wanted:
    """The words to keep: given ones, and the first ``most`` words of a file that are in lower case.

    Files of word vectors list frequent words first. Tokens are in lower case: other words are never looked up.
    """

    def __init__(self, words: Collection[str], most: int = 0) -> None:
        self.words = {word.encode() for word in words}
        self._left, self._undecodable = most, 0

    def composed(self, word: bytes) -> bytes:
        """A word as tokens are: in composed characters (NFC); counts those that are not UTF-8."""
        if word.isascii():
            return word
        try:
            return unicodedata.normalize("NFC", word.decode()).encode()
        except UnicodeDecodeError:
            self._undecodable += 1
            return word

    def check(self, number: int) -> None:
        """Raise ValueError where more than a few of ``number`` words are not UTF-8: none of those would be found."""
        if self._undecodable > MOST_UNDECODABLE * number:
            raise ValueError(
                f"{self._undecodable} of {number} words are not UTF-8; convert the file, for example with "
                "iconv -f latin1 -t utf8"
            )

    def take(self, word: bytes) -> bool:
        """Whether to keep the next word of a file."""
        if self._left and word == word.decode("utf-8", "replace").lower().encode():
            self._left -= 1
            return True
        return word in self.words


def trim(path: Path, wanted: Wanted, stem: Path) -> Path:
    """Write a word2vec file, ``stem.txt`` (text) or ``stem.bin`` (binary), with the ``wanted`` words of ``path``.

    Columns of text are separated by any number of blanks or tabs. Where a header counts more or fewer words than a
    file has, and each is whole, this is logged: such files are published.

    Returns:
        path of the written file.

    Raises:
        OSError, EOFError, ValueError, zlib.error: the file is missing, damaged, or of an unknown format.
    """
    dim, binary, records = _records(path, wanted)
    file = stem.with_name(f"{stem.name}.{'bin' if binary else 'txt'}")
    with atomic(file, "wb") as out:
        out.write(b"%d %d\n" % (len(records), dim))
        out.writelines(b"%b %b%b" % (word, values, b"" if binary else b"\n") for word, values in records.items())
    return file


def dimension(path: Path) -> int:
    """Dimension of the vectors of a file, from its start; 0 for fastText's binary format.

    Raises:
        OSError, EOFError, ValueError, zlib.error: the file is missing, damaged, or of an unknown format.
    """
    head = _head(path)
    return 0 if head.startswith(FACEBOOK) else _sniff(head)[1]


def first_words(path: Path, count: int = 3) -> list[str]:
    """The first words of a text file, of at most 40 characters each; empty for other files."""
    head = _head(path)
    if head.startswith(FACEBOOK) or _sniff(head)[2]:
        return []
    lines = head.splitlines()[: count + 1]
    return [line.split()[0].decode("utf-8", "replace")[:40] for line in lines if len(line.split()) > 2][:count]


def content_digest(path: Path, cache: Path) -> str:
    """Digest of a file, stored in the folder ``cache`` with its size and modification time; raises OSError."""
    status = path.stat()
    memo = cache / f"{digest([str(path.resolve()), status.st_size, status.st_mtime_ns])[:16]}.sha256"
    if not memo.exists():
        value = file_digest(path)
        with atomic(memo) as out:
            out.write(value)
    return memo.read_text(encoding="utf-8")


def _records(path: Path, wanted: Wanted) -> tuple[int, bool, dict[bytes, bytes]]:
    """Dimension, whether values are binary (float32) or text, and word -> its values as in the file."""
    head = _head(path)
    if head.startswith(FACEBOOK):
        with _open(path) as stream:
            dim, records = fasttextfile.read(stream, wanted.take)
        return dim, True, records
    rows, dim, binary = _sniff(head)
    with _open(path) as stream:
        if binary and rows is not None:
            return dim, True, dict(_binary_records(stream, rows, dim, wanted))
        return dim, False, _text_records(stream, rows, dim, wanted)


def _open(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    stream = cast(BinaryIO, gzip.open(path)) if packed else open(path, "rb")  # noqa: SIM115
    if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        stream.seek(0)
    return stream


def _head(path: Path) -> bytes:
    with _open(path) as stream:
        head = stream.read(CHUNK)
    if head.startswith(ZIP):
        raise ValueError("a zip archive; unpack it with unzip")
    return head


def _sniff(head: bytes) -> tuple[int | None, int, bool]:
    """Number of rows (None without a header), dimension, and whether values are binary, from the start of a file."""
    first, _, rest = head.partition(b"\n")
    fields = first.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        rows, dim = map(int, fields)
        if not 0 < dim <= fasttextfile.MOST_DIM:
            raise ValueError(f"vectors of {dim} dimensions, at most {fasttextfile.MOST_DIM} are read")
        line = rest.lstrip(b"\r\n").partition(b"\n")[0]
        values, all_values = line.rstrip().rsplit(None, dim)[1:], line.split()[1:]
        if len(all_values) > 1 and len(all_values) != dim and _are_numbers(all_values):
            raise ValueError(f"the header states {dim} dimensions, the first word has {len(all_values)}")
        return rows, dim, not (len(values) == dim and _are_numbers(values))
    if len(fields) > 2 and _are_numbers(fields[-2:]):
        return None, len(fields) - 1, False
    raise ValueError("expected a header 'words dimension' or a line 'word value value …' at the start")


def _are_numbers(fields: Sequence[bytes]) -> bool:
    try:
        return all(float(field) < float("inf") for field in fields)
    except ValueError:
        return False


def _text_records(stream: BinaryIO, rows: int | None, dim: int, wanted: Wanted) -> dict[bytes, bytes]:
    """Word -> its values as text, of the wanted words; the first line of a word counts.

    A prefix of ConceptNet's, ``/c/en/``, is no part of words; all must have the same.
    """
    if rows is not None:
        stream.readline(MAX_LINE)
    records: dict[bytes, bytes] = {}
    line, number, prefix = b"", 0, b""
    for number, line in enumerate(filter(bytes.strip, iter(lambda: stream.readline(MAX_LINE), b"")), 1):
        if len(line) == MAX_LINE:
            raise ValueError(f"word {number}: a line of more than {MAX_LINE} bytes")
        start = b"" if line[:1].isspace() else line.split(None, 1)[0]  # a word may be a blank
        if number == 1 and (match := LANGUAGE.match(start)):
            prefix = match[0]
        if prefix:
            line, start = _without(prefix, line, number), start.removeprefix(prefix)
        composed = wanted.composed(start)
        if not start or composed in records or not wanted.take(composed):
            continue
        # the values are the last ``dim`` fields: GloVe 840B has words with spaces, such as "at name@domain.com"
        name, *values = line.rstrip().rsplit(None, dim)
        if name == start:
            if len(values) != dim:
                raise ValueError(f"word {number}: expected {dim} values, found {len(values)}")
            records[composed] = b" ".join(values)
    if len(line.split()) <= dim or (rows is not None and rows > number and not line.endswith(b"\n")):
        raise ValueError(f"truncated after {number} words" + (f" of {rows}" if rows else ""))
    wanted.check(number)
    if rows not in (None, number):
        _log_count(stream, rows, number)
    return records


def _without(prefix: bytes, line: bytes, number: int) -> bytes:
    if not line.startswith(prefix):
        raise ValueError(
            f"word {number}: does not begin with {prefix.decode()}, as the first does: vectors of several languages; "
            f"keep those of one, for example: zgrep ^{prefix.decode()} FILE"
        )
    return line.removeprefix(prefix)


def _binary_records(stream: BinaryIO, rows: int, dim: int, wanted: Wanted) -> Iterator[tuple[bytes, bytes]]:
    """Words and values (little-endian float32) of the wanted words."""
    stream.readline()
    buffer, start, width = b"", 0, 4 * dim
    for row in count():  # to the end: a header may count fewer words
        while (blank := buffer.find(b" ", start, start + MAX_WORD_BYTES)) < 0 or len(buffer) < blank + 1 + width:
            if blank < 0 and len(buffer) - start >= MAX_WORD_BYTES:
                raise ValueError(f"word {row + 1}: longer than {MAX_WORD_BYTES} bytes")
            more = stream.read(CHUNK)
            if not more and not buffer[start:].strip(b"\n"):
                wanted.check(row)
                if row != rows:
                    _log_count(stream, rows, row)
                return
            if not more:
                raise ValueError(f"truncated after {row} words of {rows}")
            buffer, start = buffer[start:] + more, 0
        name = wanted.composed(buffer[start:blank].lstrip(b"\n"))
        start = blank + 1 + width
        if wanted.take(name):
            yield name, buffer[blank + 1 : start]


def _log_count(stream: BinaryIO, stated: int, found: int) -> None:
    get_logger("embeddings").warning("%s: the header states %d words, there are %d", stream.name, stated, found)
