"""Public files of word vectors that are known by name, and where they are after their download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import CONF, PACKAGE, ROOT, conf, names

WORD2VEC = "word2vec"  # no file: vectors are trained on each training split
FOLDER = (ROOT / "tools" if CONF.parent == ROOT else PACKAGE) / "embeddings"  # of downloads
DOWNLOAD = "tools/download_glove.sh"


@dataclass(frozen=True)
class VectorFile:
    """A file of ``conf/embeddings``.

    Attributes:
        url: address of the zip archive.
        size: bytes of the archive.
        sha256: its digest.
        dim: dimension of the vectors.
    """

    url: str
    size: schema.Bytes
    sha256: str
    dim: schema.Size

    @classmethod
    def load(cls, name: str) -> VectorFile:
        """The file ``conf/embeddings/<name>.yaml``; raises UserError where it is unknown or malformed."""
        return schema.load(conf("embeddings", name), cls)


def known() -> list[str]:
    """Names of all files in ``conf/embeddings``."""
    return names("embeddings")


def locate(embeddings: str) -> Path:
    """Path of a file of word vectors: that of a download for a known name; else ``embeddings`` itself, a path.

    Raises:
        UserError: it does not exist (``embeddings-missing`` for a known name, else ``file-missing``).
    """
    if downloaded := _downloaded(embeddings):
        return downloaded
    if Path(embeddings).is_file():
        return Path(embeddings)
    if embeddings in known():
        raise UserError(
            f"--embeddings {embeddings}: no vectors in {FOLDER / embeddings}; {DOWNLOAD} --name {embeddings} "
            f"downloads them; --embeddings {WORD2VEC} does without: it trains vectors on each training split",
            code="embeddings-missing",
        )
    raise UserError(
        f"--embeddings {embeddings}: no such file (from {Path.cwd()}); name an existing file, {', '.join(known())} or "
        f"{WORD2VEC}",
        code="file-missing",
    )


def title(embeddings: str | None) -> str:
    """Name of word vectors on score lines and in tables: that of the file without its suffixes; None: word2vec."""
    if not embeddings:
        return WORD2VEC
    name = (_downloaded(embeddings) or Path(embeddings)).name
    for suffix in (".gz", ".txt", ".vec", ".bin"):
        name = name.removesuffix(suffix)
    return name


def _downloaded(name: str) -> Path | None:
    """The downloaded file of a known name."""
    return next(iter(sorted((FOLDER / name).glob("*.txt"))), None) if name in known() else None
