"""Log lines with ISO time; progress bars on a terminal, plain lines in logs."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def setup(level: int = logging.INFO) -> None:
    """Send log lines ``2026-11-21T04:24:09 INFO name: message`` to standard error."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S", force=True
    )


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module."""
    return logging.getLogger(name)


def progress(items: Iterable[T], *, total: int, desc: str, every: float = 10.0) -> Iterator[T]:
    """Yield the items, showing how far we are: a bar on a terminal, else a line every ``every`` seconds."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=desc, leave=False)
        return
    logger, last = get_logger("mscnn"), time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if time.monotonic() - last > every and done < total:
            last = time.monotonic()
            logger.info("%s: %d / %d", desc, done, total)
