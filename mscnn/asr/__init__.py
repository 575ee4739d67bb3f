"""Speech recognition: one module per ASR engine."""

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
    """Registry entry of an ASR engine.

    Attributes:
        module: module with a function ``create``, whose parameters are the engine's options, each with a default.
        package: optional package that the engine imports; empty where there is none.
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
    """An ASR engine that is ready to run; options that are None have the engine's default.

    Options that the engine does not have cause a warning, since a recipe gives the same options to several engines.

    Raises:
        UserError: the engine is unknown, it does not have the language, or a requirement (package, model, credentials)
            is missing.
    """
    if name not in ENGINES:
        raise UserError(f"unknown ASR engine {name!r}; known: {', '.join(ENGINES)}", code="engine-unknown")
    if package := ENGINES[name].package:
        packages.require(package, f"ASR engine {name}")
    create = import_module(ENGINES[name].module).create
    given = {option: value for option, value in options.items() if value is not None}
    known = inspect.signature(create).parameters
    surplus = [f"--{option}" for option in given if option not in known]
    if surplus:
        get_logger(__name__).warning("ASR engine %s has no option %s; ignored", name, ", ".join(surplus))
    return create(**{option: value for option, value in given.items() if option in known})
