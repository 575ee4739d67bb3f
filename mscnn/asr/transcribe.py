"""Stage 4: ``text.<name>`` of a data directory."""

import os
import re
from pathlib import Path

import yaml

from mscnn import __version__
from mscnn.asr.base import Engine
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic, write_table


def transcribe(data: DataDir, engine: Engine, name: str, out: str | os.PathLike, *, nj: int) -> dict[str, str]:
    """Write ``text.<name>`` into the data directory atomically, at the end.

    ``out`` has unfinished work, logs, and last ``engine.yaml``: what made the transcripts.

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
    with atomic(Path(out) / "engine.yaml") as file:
        yaml.safe_dump({**engine.identity, "made_by": f"mscnn {__version__}"}, file, sort_keys=False)
    return transcripts
