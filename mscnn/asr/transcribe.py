"""Stage 4: ``text.<name>`` of a data directory, and its word error rate."""

import os
import re
from pathlib import Path

from mscnn.asr.base import Engine
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.evaluation.wer import Errors, write_wer
from mscnn.files import write_table


def transcribe(data: DataDir, engine: Engine, name: str, out: str | os.PathLike, *, nj: int) -> tuple[Errors, int]:
    """Write ``text.<name>`` into the data directory, whole and last, and the word error rate under ``out``.

    Empty hypotheses are kept.

    Returns:
        word errors in total, and the number of utterances for which nothing was heard.

    Raises:
        UserError: ``name`` cannot end a file name, or the engine's own.
    """
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or name == "gt":
        raise UserError(f"--name {name}: expected letters, digits, '.', '_' or '-', and not gt: that is the true text")
    hypotheses = engine.transcribe(data, Path(out), nj)
    errors = write_wer(out, data, hypotheses, name)
    write_table(data.path / f"text.{name}", hypotheses)
    return errors, sum(not words for words in hypotheses.values())
