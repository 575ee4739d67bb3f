"""Waveform -> transcript: one module per ASR engine."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from mscnn import packages
from mscnn.errors import UserError
from mscnn.log import get_logger

if TYPE_CHECKING:
    from mscnn.asr.base import Engine


@dataclass(frozen=True)
class Entry:
    """Where an engine is.

    Attributes:
        module: has a function ``create``, whose parameters are the engine's options, each with a default.
        package: what it needs besides this package, as it is imported; empty where there is nothing.
    """

    module: str
    package: str = ""


ENGINES: dict[str, Entry] = {
    "pocketsphinx": Entry("mscnn.asr.sphinx", "pocketsphinx"),
    "faster-whisper": Entry("mscnn.asr.whisper", "faster_whisper"),
    "google": Entry("mscnn.asr.google", "google.cloud.speech_v1"),
    "file": Entry("mscnn.asr.table"),
}


def make_engine(name: str, **options: str | None) -> Engine:
    """Return an engine that is ready to run here; options that are None take the engine's default.

    Options that the engine does not have are named in a warning: a recipe gives the same to each of several engines.

    Raises:
        UserError: no such engine, a language that it does not have, or something it needs (package, model,
            credentials) is not there.
    """
    if name not in ENGINES:
        raise UserError(f"no ASR engine {name!r}; there are: {', '.join(ENGINES)}", code="engine-unknown")
    if package := ENGINES[name].package:
        packages.require(package, f"ASR engine {name}")
    create = import_module(ENGINES[name].module).create
    given = {option: value for option, value in options.items() if value is not None}
    known = inspect.signature(create).parameters
    surplus = [f"--{option}" for option in given if option not in known]
    if surplus:
        get_logger(__name__).warning("engine %s has no %s; ignored", name, ", ".join(surplus))
    return create(**{option: value for option, value in given.items() if option in known})
