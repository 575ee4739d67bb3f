"""Installation of an x-vector model from a downloaded archive, or of a speaker encoder from its checkpoint."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from mscnn.errors import UserError
from mscnn.files import file_digest, written_to
from mscnn.paths import CONF
from mscnn.xvector.modeldir import XvectorModel

FILES = ("final.raw", "extract.config", "min_chunk_size", "max_chunk_size")
MAX_FILE_SIZE = 1 << 30  # bytes of a file in the archive
# Users report that the public archive of VoxCeleb v2 lacks conf/; these files have the options of egs/voxceleb/v2/conf.
VOXCELEB_CONF = CONF / "xvector" / "espeak" / "conf"


def install(archive: str | os.PathLike, out: str | os.PathLike, *, sha256: str = "", source: str = "") -> XvectorModel:
    """Install the model in a tar archive, without its other files, or in a checkpoint; returns the model.

    Args:
        archive: ``.pt``, a checkpoint of Resemblyzer; else a tar archive with ``final.raw`` in some folder,
            ``extract.config`` and the chunk sizes beside it, and ``conf/`` with mfcc.conf and vad.conf anywhere;
            without ``conf/`` those of egs/voxceleb/v2 are used.
        out: folder of the model; a model that was installed there is replaced when all checks have passed.
        sha256: expected digest of the archive, empty for any.
        source: origin of the archive, recorded in ``out/SOURCE`` with the digest.

    Raises:
        UserError: the archive is missing, has another digest or no model, the network cannot be used, or ``out`` is
            not an installed model.
    """
    archive, out = Path(archive), Path(out)
    if (out.exists() or out.is_symlink()) and not (out / "SOURCE").is_file():
        raise UserError(f"{out}: exists and is not an installed model; choose another --out", code="out-not-ours")
    try:
        digest = file_digest(archive)
    except OSError as error:
        raise UserError(f"{archive}: {error.strerror}", code="file-unreadable") from None
    if sha256 and digest != sha256.lower():
        raise UserError(f"{archive}: SHA-256 is {digest}, expected {sha256}; download it again", code="digest-differs")
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_to(out), tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        model = Path(folder, "model")
        if archive.suffix == ".pt":
            from mscnn.xvector.ge2e import convert

            convert(archive, model)
        else:
            _unpack(archive, model)
        (model / "SOURCE").write_text(f"{source or archive.name}\nsha256 {digest}\n", encoding="utf-8")
        XvectorModel.load(model).network()
        if out.exists():
            os.replace(out, Path(folder, "old"))
        os.replace(model, out)
    return XvectorModel.load(out)


def _unpack(archive: Path, out: Path) -> None:
    """Copy the files of the model into ``out``; no output path is taken from the archive."""
    try:
        with tarfile.open(archive) as tar:
            members = {PurePosixPath(m.name): m for m in tar.getmembers() if m.isfile() and m.size <= MAX_FILE_SIZE}
            networks = [path for path in members if path.name == "final.raw"]
            if len(networks) != 1:
                raise UserError(
                    f"{archive}: expected one final.raw, found {len(networks)}; use the archive of an x-vector model",
                    code="xvector-model-missing",
                )
            wanted = {networks[0].with_name(name): out / name for name in FILES}
            wanted |= {
                p: out / "conf" / p.name
                for p in members
                if p.parts[-2:] in (("conf", "mfcc.conf"), ("conf", "vad.conf"))
            }
            (out / "conf").mkdir(parents=True)
            for path, target in wanted.items():
                if path in members and (content := tar.extractfile(members[path])):
                    with open(target, "wb") as copy:
                        shutil.copyfileobj(content, copy)
    except (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(
            f"{archive}: cannot be read as a tar archive ({error}); download it again", code="archive-unreadable"
        ) from None
    for name in ("mfcc.conf", "vad.conf"):
        if not (out / "conf" / name).exists():
            shutil.copy(VOXCELEB_CONF / name, out / "conf" / name)
