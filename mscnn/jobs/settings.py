"""Where the jobs of a step run: ``MSCNN_BACKEND`` of ``cmd.sh``, written as Kaldi's ``train_cmd`` is.

The value names a backend, options follow: ``slurm --mem 8G --time 4:00:00 --gpu 1``. ``MSCNN_BACKEND_TRAIN`` is that of
the step train, whose logs are ``train.JOB.log``. Kaldi's names ``slurm.pl`` and ``run.pl`` are taken too.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.errors import UserError

NAMES = {"slurm.pl": "slurm", "run.pl": "local"}
COUNTS = ("num_threads", "max_jobs_run", "max_retries", "gpu")


@dataclass(frozen=True)
class Settings:
    """A backend and the options of its jobs, by Kaldi's names: mem, time, gpu, num_threads, max_jobs_run, …"""

    backend: str
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, step: str = "") -> Settings:
        """Those of a step: ``MSCNN_BACKEND_<STEP>``, else ``MSCNN_BACKEND``, else local.

        Raises:
            UserError: an option has no value, or not a number where one is needed (``backend-option``).
        """
        name = f"MSCNN_BACKEND_{step.upper()}"
        name = name if os.environ.get(name) else "MSCNN_BACKEND"
        value = os.environ.get(name) or "local"
        try:
            backend, *words = shlex.split(value)
        except ValueError as error:
            raise UserError(f"{name}={value}: {error}", code="backend-option") from None
        return cls(NAMES.get(backend, backend), _options(words, f"{name}={value}"))

    def count(self, name: str, default: int) -> int:
        """An option that is a number."""
        return int(self.options.get(name, default))

    @property
    def elsewhere(self) -> bool:
        """Whether jobs run on other machines than this."""
        return self.backend == "slurm"

    @property
    def gpus(self) -> int:
        """GPUs of a task on another machine."""
        return self.count("gpu", 0) if self.elsewhere else 0

    @property
    def config(self) -> Path | None:
        """The file of ``--config``."""
        return Path(self.options["config"]) if "config" in self.options else None


def _options(words: list[str], where: str) -> dict[str, str]:
    """``--mem 4G --time=1:00:00`` as a mapping, with underscores in names."""
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not name.startswith("--") or len(name) < 3:
            raise UserError(f"{where}: expected --OPTION VALUE, found {word!r}", code="backend-option")
        value = value if equals else next(rest, "")
        if not value or value.startswith("--"):
            raise UserError(f"{where}: {name} has no value", code="backend-option")
        options[name[2:].replace("-", "_")] = value
    for name in COUNTS:
        if name in options and not (options[name].isascii() and options[name].isdecimal()):
            option = "--" + name.replace("_", "-")
            raise UserError(f"{where}: {option} takes a number, not {options[name]!r}", code="backend-option")
    return options
