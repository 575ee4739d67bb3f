"""Waveform -> transcript: one adapter per ASR engine."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.log import get_logger

if TYPE_CHECKING:
    from mscnn.asr.base import Engine


def _pocketsphinx(*, language: str = "en-US") -> Engine:
    from mscnn.asr.sphinx import PocketSphinx

    return PocketSphinx.create(language)


def _faster_whisper(*, model: str = "base.en", language: str = "en-US") -> Engine:
    from mscnn.asr.whisper import FasterWhisper

    return FasterWhisper.create(model, language)


def _google(*, model: str = "default", language: str = "en-US", endpoint: str = "speech.googleapis.com") -> Engine:
    from mscnn.asr.google import Google

    return Google.create(model, language, endpoint)


def _file(*, table: str | None = None) -> Engine:
    from mscnn.asr.table import TranscriptTable

    if table is None:
        raise UserError(
            "engine file: which file? Give the transcripts with --table FILE ('utterance words' lines)",
            code="option-missing",
        )
    return TranscriptTable(table)


ENGINES: dict[str, Callable[..., Engine]] = {
    "pocketsphinx": _pocketsphinx,
    "faster-whisper": _faster_whisper,
    "google": _google,
    "file": _file,
}

# what an engine needs besides this package, where it can be missing; a plan that asks for the engine is refused without
PACKAGES = {"pocketsphinx": "pocketsphinx", "faster-whisper": "faster_whisper", "google": "google.cloud.speech"}


def make_engine(name: str, **options: str | None) -> Engine:
    """Return an engine that is ready to run here; options that are None take the engine's default.

    Options that the engine does not have are named in a warning: a recipe gives the same to each of several engines.

    Raises:
        UserError: no such engine, a language that it does not have, or something it needs (package, model,
            credentials) is not there.
    """
    if name not in ENGINES:
        raise UserError(f"no ASR engine {name!r}; there are: {', '.join(ENGINES)}", code="engine-unknown")
    given = {option: value for option, value in options.items() if value is not None}
    known = inspect.signature(ENGINES[name]).parameters
    surplus = [f"--{option}" for option in given if option not in known]
    if surplus:
        get_logger(__name__).warning("engine %s has no %s; ignored", name, ", ".join(surplus))
    return ENGINES[name](**{option: value for option, value in given.items() if option in known})
