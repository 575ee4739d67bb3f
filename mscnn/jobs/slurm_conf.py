"""``conf/slurm.conf`` in Kaldi's syntax: how options of jobs become options of sbatch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import regular
from mscnn.paths import CONF

OURS = ("max_jobs_run", "max_retries", "config")  # options of the queue itself, not of sbatch
USUAL = Path("conf/slurm.conf")  # of a recipe, as in Kaldi
MOST = 1 << 20  # bytes


@dataclass(frozen=True)
class SlurmConf:
    """The content of a file.

    Attributes:
        command: sbatch, with the options of all jobs.
        options: (option, value) -> words; the value ``*`` stands for any.
        defaults: values of options that are not given.
    """

    path: Path
    command: list[str]
    options: Mapping[tuple[str, str], list[str]]
    defaults: Mapping[str, str]

    @classmethod
    def find(cls, path: Path | None) -> SlurmConf:
        """The file ``path``; None: conf/slurm.conf in the current folder, else that of mscnn.

        Raises:
            UserError: it cannot be read, or a line is none of the three kinds (``slurm-conf``).
        """
        path = path or (USUAL if USUAL.exists() else CONF / "slurm.conf")
        try:
            lines = regular(path).read_bytes()[:MOST].decode("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read: {error}", code="slurm-conf") from None
        command: list[str] = []
        options: dict[tuple[str, str], list[str]] = {}
        defaults: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            try:
                kind, *words = shlex.split(line, comments=True) or ["", ""]
                if kind == "command":
                    command = [words[0], *words[1:]]
                elif kind == "option":
                    options[_pair(words[0])] = words[1:]
                elif kind == "default":
                    [pair] = words
                    name, value = _pair(pair)
                    defaults[name] = value
                elif kind:
                    raise ValueError(f"unknown word {kind!r}")
            except (ValueError, IndexError) as error:
                message = f"{path}:{number}: expected command, option NAME=VALUE or default NAME=VALUE: {error}"
                raise UserError(message, code="slurm-conf") from None
        return cls(path, command or ["sbatch"], options, defaults)

    def takes(self, name: str) -> bool:
        """Whether an option can have any value."""
        return (name, "*") in self.options

    def words(self, given: Mapping[str, str]) -> list[str]:
        """The command with the options that are given, and the defaults of the others.

        Raises:
            UserError: the file says nothing about an option (``slurm-option``).
        """
        words = list(self.command)
        for name, value in {**self.defaults, **given}.items():
            if name in OURS:
                continue
            made = self.options.get((name, value), self.options.get((name, "*")))
            if made is None:
                known = ", ".join(sorted({f"--{known.replace('_', '-')}" for known, _ in self.options}))
                raise UserError(
                    f"{self.path}: no line `option {name}=* ...`: the backend slurm has no --{name.replace('_', '-')} "
                    f"{value} there; known: {known}",
                    code="slurm-option",
                )
            words += [word.replace("$0", value) for word in made]
        return words


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise ValueError(f"{word!r} is not NAME=VALUE")
    return name, value
