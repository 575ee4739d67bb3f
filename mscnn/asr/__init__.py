"""Speech recognition: one module per ASR engine."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from mscnn import packages
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.text.language import Language

if TYPE_CHECKING:
    from mscnn.asr.base import Engine


@dataclass(frozen=True)
class Entry:
    """Registry entry of an ASR engine.

    Attributes:
        module: module with a function ``create``, whose parameters are the engine's options, each with a default.
        package: optional package that the engine imports; empty where there is none.
        checks_language: whether the module has a function ``check_language`` of a language and a model, which raises
            UserError where the engine does not have the language, and loads nothing.
    """

    module: str
    package: str = ""
    checks_language: bool = False


ENGINES: dict[str, Entry] = {
    "pocketsphinx": Entry("mscnn.asr.sphinx", "pocketsphinx", True),
    "faster-whisper": Entry("mscnn.asr.whisper", "faster_whisper", True),
    "google": Entry("mscnn.asr.google", "google.cloud.speech_v1"),
    "file": Entry("mscnn.asr.table"),
}


def options_of(name: str) -> list[str]:
    """Names of the options of an ASR engine in :data:`ENGINES`."""
    return list(inspect.signature(import_module(ENGINES[name].module).create).parameters)


def check_language(name: str, language: str, model: str = "") -> None:
    """Check a language before anything is loaded: that it is known, and that the ASR engine ``name`` has it.

    Args:
        language: tag of the language; empty: that of the engine.
        model: folder or name of the engine's model; empty: its default.

    Raises:
        UserError: it is unknown (``language-invalid``), or the engine or model does not have it (``language-unknown``).
    """
    if not language:
        return
    spoken = Language.parse(language)
    if name in ENGINES and ENGINES[name].checks_language:
        import_module(ENGINES[name].module).check_language(spoken, model)


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
    known = options_of(name)
    surplus = [f"--{option}" for option in given if option not in known]
    if surplus:
        get_logger(__name__).warning("ASR engine %s has no option %s; ignored", name, ", ".join(surplus))
    return create(**{option: value for option, value in given.items() if option in known})
