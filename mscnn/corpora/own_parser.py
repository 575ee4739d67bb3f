"""Parsers in files outside the package; exceptions of parsers are errors that name the file of the corpus."""

import importlib.util
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType

from mscnn.corpora.common import Corpus
from mscnn.errors import UserError


def load(path: Path) -> Callable[[Path], Corpus]:
    """The function ``parse`` of a Python file; its code is run.

    Raises:
        UserError: the file cannot be read or run, or has no such function (``parser-file``).
    """
    if not path.is_file():
        raise UserError(f"--parser {path}: no such file (from {Path.cwd()})", code="parser-file")
    spec = importlib.util.spec_from_file_location(f"mscnn_parser_{path.stem}", path)
    assert spec and spec.loader  # a name that ends in .py has a loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"--parser {path}: {_described(error)}; correct the file", code="parser-file") from error
    parse = getattr(module, "parse", None)
    if not callable(parse):
        raise UserError(f"--parser {path}: no function parse(root) -> Corpus in this file; add it", code="parser-file")
    return parse


def run(parse: Callable[[Path], Corpus], root: Path) -> Corpus:
    """What ``parse`` returns for ``root``.

    Raises:
        UserError, OSError: as the parser raises them.
        UserError: another exception of the parser, with the file of the corpus that it was at (``parser-failed``), or a
            result that is no Corpus (``parser-result``).
    """
    try:
        corpus = parse(root)
    except (UserError, OSError):
        raise
    except Exception as error:
        at = _file_at(error.__traceback__, root)
        where = f"{at}: " if at else f"{root}: "
        raise UserError(
            f"{where}the parser failed: {_described(error)}; correct the parser, or the file",
            code="parser-failed",
        ) from error
    if not isinstance(corpus, Corpus):
        raise UserError(
            f"the parser returned {type(corpus).__name__}; expected mscnn.corpora.common.Corpus",
            code="parser-result",
        )
    return corpus


def _described(error: Exception) -> str:
    """``KeyError: 'S' (mine.py:12)``: the exception, and the line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    line = f" ({last[0].filename}:{last[0].lineno})" if last else ""
    return f"{type(error).__name__}: {error}{line}"


def _file_at(trace: TracebackType | None, root: Path) -> str:
    """The file of ``root`` that the code was at: in the innermost local variable that names one; empty: none does."""
    frames = [frame for frame, _ in traceback.walk_tb(trace)]
    return next((name for frame in reversed(frames) for name in _files(frame, root)), "")


def _files(frame: FrameType, root: Path) -> list[str]:
    values = [value for value in reversed(frame.f_locals.values()) if isinstance(value, (str, Path))]
    names = [os.path.join(root, value) for value in values if str(value) and "\0" not in str(value)]
    return [name for name in names if len(name) < 4096 and os.path.isfile(name) and root in Path(name).parents]
