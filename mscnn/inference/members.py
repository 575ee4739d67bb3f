"""Files of a bundle, from a folder or a .zip of anybody: read with limits, and only those that a bundle can have."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from mscnn.errors import UserError

DESCRIPTION, WEIGHTS, SUMS, CARD, EXPECTED = (
    "bundle.yaml",
    "model.safetensors",
    "SHA256SUMS",
    "CARD.md",
    "expected.json",
)
REQUIRED = (DESCRIPTION, WEIGHTS, SUMS)
KNOWN = re.compile(
    r"bundle\.yaml|model\.safetensors|vectors\.safetensors|SHA256SUMS|CARD\.md|expected\.json|sample\.(wav|flac)"
    r"|fold[0-9]{2,4}/run[0-9]{1,4}/(vocabulary\.txt|subwords\.model)"
    r"|xvector/(model\.safetensors|final\.raw|extract\.config|min_chunk_size|max_chunk_size|conf/(mfcc|vad)\.conf)"
)
NOT_OURS = re.compile(r"(.*/)?(\.[^/]*|README\.md)(/.*)?")  # what hubs and file managers add to a folder
TEXTS = (".yaml", ".md", ".json", ".txt", ".conf", ".config", "SHA256SUMS", "_size")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_MEMBERS = 1000
MAX_TEXT = 64 << 20  # bytes of a text, a vocabulary among them
MAX_DESCRIPTION = 1 << 20  # bytes of bundle.yaml
MAX_TOTAL = 4 << 30  # bytes of all members
MAX_RATIO = 200  # of a zip, above MIN_RATIO_BYTES: texts and weights do not shrink so much
MIN_RATIO_BYTES = 16 << 20
CHUNK = 1 << 20
DAMAGED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError, MemoryError,
)  # fmt: skip


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Path]:
    """A folder with the files of a bundle, all of them checked against SHA256SUMS; that of a .zip is temporary.

    Raises:
        UserError: there is no bundle (``bundle-missing``); the archive is damaged (``bundle-damaged``); a file is a
            link, has a path, a name or a compression that no bundle has, or is not in SHA256SUMS (``bundle-member``);
            the files are too large (``bundle-size``); or one has another content than SHA256SUMS states
            (``bundle-hash``).
    """
    path = Path(path)
    if path.is_dir():
        _check_folder(path)
        yield path
        return
    if not path.is_file():
        raise UserError(f"{path}: no such bundle", code="bundle-missing")
    with tempfile.TemporaryDirectory(prefix="mscnn-") as temporary:
        _unpack(path, Path(temporary))
        yield Path(temporary)


def read_sums(path: Path, text: str) -> dict[str, str]:
    """Name of a file -> its digest, from the content of SHA256SUMS.

    Raises:
        UserError: a line is not of the form of sha256sum, or a name occurs twice.
    """
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if match is None or match[2] in sums:
            raise UserError(f"{path}: {SUMS}:{number}: expected DIGEST  NAME, found {line[:100]!r}", code="bundle-hash")
        sums[match[2]] = match[1]
    return sums


def sums_text(folder: Path) -> str:
    """Content of SHA256SUMS for the files in a folder."""
    names = sorted(_names(folder))
    lines = []
    for name in names:
        with open(folder / name, "rb") as file:
            lines.append(f"{_digest(file, 1 << 62)[0]}  {name}\n")
    return "".join(lines)


def write_zip(folder: Path, out: IO[bytes]) -> None:
    """Write the files of a folder as a .zip that depends on their content only."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(_names(folder)):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(info, (folder / name).read_bytes(), compresslevel=9)


def _names(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        for name in [*files, *(one for one in folders if os.path.islink(os.path.join(root, one)))]:
            yield Path(root, name).relative_to(folder).as_posix()


def _check_folder(folder: Path) -> None:
    """Check all files of a folder; raises as :func:`opened`."""
    names = [name for name in _names(folder) if KNOWN.fullmatch(name) or not NOT_OURS.fullmatch(name)]
    if DESCRIPTION not in names:
        raise UserError(f"{folder}: not a bundle: it has no {DESCRIPTION}", code="bundle-missing")
    _check_names(folder, names)
    sizes = {}
    for name in names:
        status = os.lstat(folder / name)
        if not stat.S_ISREG(status.st_mode):
            _refuse(folder, name, "is a link or no regular file")
        sizes[name] = status.st_size
    _check_sizes(folder, sizes)
    sums = _sums(folder, (folder / SUMS).read_bytes(), names)
    for name, expected in sums.items():
        with open(folder / name, "rb") as file:
            _check_sum(folder, name, _digest(file, sizes[name])[0], expected)


def _unpack(path: Path, folder: Path) -> None:
    """Unpack a .zip into an empty folder; raises as :func:`opened`."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MAX_MEMBERS:
                _too_large(path, f"{len(archive.infolist())} members, the limit is {MAX_MEMBERS}")
            members = {info.filename: info for info in archive.infolist() if not _is_folder(info)}
            names = [info.filename for info in archive.infolist() if not _is_folder(info)]
            _check_names(path, names)
            for name, info in members.items():
                kind = info.external_attr >> 16
                if kind and not stat.S_ISREG(kind) and stat.S_IFMT(kind):
                    _refuse(path, name, "is a link or no regular file")
                if info.flag_bits & 1:
                    _refuse(path, name, "is encrypted")
                if info.compress_type not in METHODS:  # the dictionary of lzma may take gigabytes
                    _refuse(path, name, "is neither stored nor deflated")
            sizes = {name: info.file_size for name, info in members.items()}
            _check_sizes(path, sizes, os.path.getsize(path))
            with archive.open(SUMS) as file:
                sums = _sums(path, file.read(MAX_DESCRIPTION), names)
            for name, info in members.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as file, open(target, "xb") as out:
                    digest, size = _digest(file, info.file_size, out)
                if size != info.file_size:
                    raise zipfile.BadZipFile(f"{name} has {size} bytes, {info.file_size} were stated")
                if name != SUMS:
                    _check_sum(path, name, digest, sums[name])
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of the disk; a damaged archive has odd offsets
            raise
        raise UserError(
            f"{path}: damaged, or no .zip file: {str(error)[:200]}; download it again", code="bundle-damaged"
        ) from None


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/") and not info.file_size and KNOWN_FOLDER.fullmatch(info.filename) is not None


KNOWN_FOLDER = re.compile(r"fold[0-9]{2,4}/|fold[0-9]{2,4}/run[0-9]{1,4}/|xvector/|xvector/conf/")


def _check_names(path: Path, names: list[str]) -> None:
    for name in names:
        if not KNOWN.fullmatch(name):
            _refuse(path, name, "is no file of a bundle")
        if names.count(name) > 1:
            _refuse(path, name, "occurs twice")
    if missing := [name for name in REQUIRED if name not in names]:
        raise UserError(f"{path}: not a whole bundle: {', '.join(missing)} missing", code="bundle-missing")


def _check_sizes(path: Path, sizes: dict[str, int], packed: int | None = None) -> None:
    for name, size in sizes.items():
        limit = MAX_DESCRIPTION if name in (DESCRIPTION, SUMS) else MAX_TEXT if name.endswith(TEXTS) else MAX_TOTAL
        if size > limit:
            _too_large(path, f"{name} has {size} bytes, the limit is {limit}")
    total = sum(sizes.values())
    if total > MAX_TOTAL:
        _too_large(path, f"{total} bytes, the limit is {MAX_TOTAL}")
    if packed is not None and total > max(MIN_RATIO_BYTES, MAX_RATIO * packed):
        _too_large(path, f"{packed} bytes unpack to {total}")


def _sums(path: Path, content: bytes, names: list[str]) -> dict[str, str]:
    """Digests of all files but SHA256SUMS itself."""
    sums = read_sums(path, content.decode("utf-8", errors="replace"))
    for name in names:
        if name != SUMS and name not in sums:
            _refuse(path, name, f"is not in {SUMS}")
    for name in sums:
        if name not in names or name == SUMS:
            _refuse(path, name, f"is in {SUMS}, but not in the bundle")
    return sums


def _digest(file: IO[bytes], size: int, out: IO[bytes] | None = None) -> tuple[str, int]:
    """Digest of at most ``size`` + 1 bytes of a file, and their number; they are copied to ``out``."""
    state, done = hashlib.sha256(), 0
    while block := file.read(min(CHUNK, size + 1 - done)):
        state.update(block)
        done += len(block)
        if out:
            out.write(block)
    return state.hexdigest(), done


def _check_sum(path: Path, name: str, found: str, expected: str) -> None:
    if found != expected:
        raise UserError(
            f"{path}: {name} has another content than {SUMS} states; download it again, or make the bundle again",
            code="bundle-hash",
        )


def _refuse(path: Path, name: str, why: str) -> NoReturn:
    raise UserError(f"{path}: {name[:100]!r} {why}; the bundle is not used", code="bundle-member")


def _too_large(path: Path, what: str) -> NoReturn:
    raise UserError(f"{path}: {what}; the bundle is not used", code="bundle-size")
