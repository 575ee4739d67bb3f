"""A share of the runs of experiments, for several machines that share a folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.lock import of_folder


@dataclass(frozen=True)
class Shard:
    """Every ``of``-th run, from the ``number``-th."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/3``, the second of three; raises UserError where it is something else (``shard``)."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UserError(f"--shard {text}: expected NUMBER/OF, as 1/3, 2/3 and 3/3 on three machines", code="shard")
        return cls(int(match[1]), int(match[2]))

    def __contains__(self, run: int) -> bool:
        """Whether a run, counted from 1, is in the share."""
        return run % self.of == self.number % self.of

    def lock(self, exp: str | os.PathLike) -> Path:
        """The lock file of an experiment, or of its share: several machines may have one each."""
        return of_folder(exp if self == ALL else f"{os.fspath(exp)}.{self.number}of{self.of}")


ALL = Shard()
