"""Stage 4: ``text.<name>`` of a data directory."""

import os
import re
from pathlib import Path

from mscnn.asr.base import Engine
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import write_table


def transcribe(data: DataDir, engine: Engine, name: str, out: str | os.PathLike, *, nj: int) -> dict[str, str]:
    """Write ``text.<name>`` into the data directory atomically, at the end; unfinished work and logs are in ``out``.

    Returns:
        utterance -> transcript, empty where the engine recognised no words.

    Raises:
        UserError: ``name`` is not a valid suffix of a file name, or the engine failed.
    """
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or name == "gt":
        raise UserError(
            f"--name {name}: expected letters, digits, '.', '_' or '-', other than gt, the reference transcripts",
            code="name-invalid",
        )
    transcripts = engine.transcribe(data, Path(out), nj)
    write_table(data.path / f"text.{name}", transcripts)
    return transcripts
