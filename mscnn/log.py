"""Log lines with ISO time; progress bars on a terminal, plain lines in logs."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, TypeVar

from mscnn.errors import printable

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")


def setup(level: int = logging.INFO) -> None:
    """Send log lines ``2026-11-21T04:24:09 INFO name: message`` to standard error."""
    logging.raiseExceptions = False  # a full disk under a log: what is computed meanwhile says so
    logging.basicConfig(level=level, handlers=[handler(sys.stderr)], force=True)


def handler(stream: TextIO) -> logging.StreamHandler:
    """Handler that writes log lines ``2026-11-21T04:24:09 INFO name: message`` to a stream."""
    made = logging.StreamHandler(stream)
    made.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"))
    return made


class _Formatter(logging.Formatter):
    """Formatter whose lines are printable."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module."""
    return logging.getLogger(name)


def progress(items: Iterable[T], *, total: int, desc: str, every: float = 10.0) -> Iterator[T]:
    """Yield the items; log the progress and the time left every ``every`` seconds, and show a bar on a terminal.

    Stages write standard error to their log through a pipe; ``MSCNN_TERMINAL`` is then the path of the terminal.
    """
    logger, begin = get_logger("mscnn"), time.monotonic()
    last = begin
    with _bar(total, desc) as bar:
        for done, item in enumerate(items, 1):
            yield item
            bar.update()
            if not sys.stderr.isatty() and time.monotonic() - last > every and done < total:
                last = time.monotonic()
                left = (last - begin) / done * (total - done)
                logger.info("%s: %d / %d, about %s left", desc, done, total, duration(left))


def duration(seconds: float) -> str:
    """``48 s``, ``12 min``, ``2 h 05 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def _bar(total: int, desc: str) -> Iterator["tqdm"]:
    """A tqdm bar on standard error or on ``MSCNN_TERMINAL``; disabled where there is no terminal."""
    from tqdm import tqdm

    with ExitStack() as stack:
        terminal = sys.stderr
        if not sys.stderr.isatty() and os.environ.get("MSCNN_TERMINAL"):
            with suppress(OSError):
                terminal = stack.enter_context(open(os.environ["MSCNN_TERMINAL"], "w"))
        yield stack.enter_context(
            tqdm(total=total, desc=desc, leave=False, file=terminal, disable=not terminal.isatty())
        )
