"""Installation of word vectors from a downloaded archive."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from mscnn.errors import UserError
from mscnn.files import file_digest, written_to
from mscnn.text.vectorfiles import dimension

CHUNK = 1 << 20  # bytes per read
HEADROOM = 1 << 28  # bytes of disk space that stay free


def install(
    archive: str | os.PathLike,
    out: str | os.PathLike,
    *,
    words: int = 0,
    size: int = 0,
    sha256: str = "",
    dim: int = 0,
    source: str = "",
) -> Path:
    """Install the word vectors in a zip archive, the text file of the name of ``out``; returns the path of the file.

    Args:
        archive: with ``<name of out>.txt`` in some folder.
        out: folder; vectors that were installed there are replaced when all checks have passed.
        words: number of words to keep, from the first, which are the most frequent; they are then in
            ``<name>.<words>.txt``. 0: all.
        size, sha256: expected number of bytes and digest of the archive; 0, empty: any.
        dim: expected dimension; 0: any.
        source: origin of the archive, recorded in ``out/SOURCE`` with digest and number of words.

    Raises:
        UserError: the archive is missing, has another size or digest, cannot be read or has no such file, its vectors
            have another dimension, the disk is too small, or ``out`` has something else.
    """
    archive, out = Path(archive), Path(out)
    if (out.exists() or out.is_symlink()) and not (out / "SOURCE").is_file():
        raise UserError(f"{out}: exists and has no installed vectors; choose another --out", code="out-not-ours")
    digest = _checked(archive, size, sha256)
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_to(out), tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        vectors = Path(folder, "vectors")
        vectors.mkdir()
        file = vectors / (f"{out.name}.{words}.txt" if words else f"{out.name}.txt")
        kept = _unpack(archive, f"{out.name}.txt", file, words)
        found = _dimension(archive, file)
        if dim and found != dim:
            raise UserError(f"{archive}: vectors of {found} dimensions, expected {dim}", code="embeddings-dimension")
        about = f"{source or archive.name}\nsha256 {digest}\nwords {kept}\n"
        (vectors / "SOURCE").write_text(about, encoding="utf-8")
        if out.exists():
            os.replace(out, Path(folder, "old"))
        os.replace(vectors, out)
    return out / file.name


def _checked(archive: Path, size: int, sha256: str) -> str:
    """Digest of an archive of the expected size and digest."""
    try:
        found = archive.stat().st_size
        if size and found != size:
            raise UserError(f"{archive}: {found} bytes, expected {size}; download it again", code="size-differs")
        digest = file_digest(archive)
    except OSError as error:
        raise UserError(f"{archive}: {error.strerror}", code="file-unreadable") from None
    if sha256 and digest != sha256.lower():
        raise UserError(f"{archive}: SHA-256 is {digest}, expected {sha256}; download it again", code="digest-differs")
    return digest


def _unpack(archive: Path, name: str, out: Path, words: int) -> int:
    """Copy the file ``name``, or its first ``words`` lines, to ``out``; returns the number of lines.

    No output path is taken from the archive.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            found = [entry for entry in packed.infolist() if PurePosixPath(entry.filename).name == name]
            if len(found) != 1:
                raise UserError(
                    f"{archive}: expected one {name}, found {len(found)}; use the archive of these vectors",
                    code="vectors-missing",
                )
            free = shutil.disk_usage(out.parent).free - HEADROOM
            if not words and found[0].file_size > free:
                raise UserError(
                    f"{out.parent.parent}: {name} takes {found[0].file_size / 1e9:.1f} GB, {max(free, 0) / 1e9:.1f} GB "
                    "are free; free some space, or keep fewer words with --words N",
                    code="disk-full",
                )
            kept = 0
            with packed.open(found[0]) as content, open(out, "wb") as copy:
                for block, lines in _blocks(content, words):
                    copy.write(block)
                    kept += lines
            return kept
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError, ValueError, struct.error, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of the disk; a damaged archive has odd offsets
            raise
        raise UserError(
            f"{archive}: cannot be read as a zip archive ({error}); download it again", code="archive-unreadable"
        ) from None


def _blocks(content: IO[bytes], words: int) -> Iterator[tuple[bytes, int]]:
    """Blocks of a stream and the number of lines that end in each, up to ``words`` lines (0: all)."""
    left = words
    while block := content.read(CHUNK):
        lines = block.count(b"\n")
        if words and lines >= left:
            end = -1
            for _ in range(left):
                end = block.index(b"\n", end + 1)
            yield block[: end + 1], left
            return
        left -= lines
        yield block, lines


def _dimension(archive: Path, file: Path) -> int:
    try:
        return dimension(file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{archive}: no word vectors: {error}", code="embeddings-unreadable") from None
