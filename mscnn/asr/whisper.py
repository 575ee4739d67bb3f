"""Whisper by faster-whisper (CTranslate2): a local model folder, or a name on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.asr.base import SpeechEngine
from mscnn.errors import UserError
from mscnn.files import digest, file_digest
from mscnn.log import get_logger

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel

# subtags of BCP 47 -> codes of Whisper, where they differ
CODES = {"nb": "no", "cmn": "zh", "iw": "he", "fil": "tl", "jv": "jw", "in": "id", "ji": "yi"}
MODEL_FILES = ("config.json", "model.bin", "tokenizer.json")
# Temperature 0 without fallbacks, since sampling is not reproducible; voice activity detection against words in
# silence; no conditioning on previous text, since utterances are independent.
OPTIONS = {"beam_size": 5, "temperature": 0.0, "vad_filter": True, "condition_on_previous_text": False}


@dataclass(frozen=True)
class FasterWhisper(SpeechEngine):
    """A CTranslate2 Whisper model: ``folder`` of its files, ``model`` their digest, ``language`` such as ``en``."""

    folder: str
    model: str
    language: str
    version: str

    @property
    def identity(self) -> dict[str, str]:
        return {
            "engine": "faster-whisper",
            "version": self.version,
            "model": self.model,
            "language": self.language,
            "options": str(OPTIONS),
        }

    def open(self) -> Callable[[np.ndarray], str]:
        model = _load(self.folder)

        def recognise(samples: np.ndarray) -> str:
            segments, _ = model.transcribe(samples, language=self.language, **OPTIONS)
            return " ".join(segment.text for segment in segments)

        return recognise


def create(*, model: str = "base.en", language: str = "en-US") -> FasterWhisper:
    """The engine; its model is downloaded where ``model`` is a name that is not in the local cache.

    Raises:
        UserError: the model is neither a complete folder nor available from the hub, or does not have the language.
    """
    from faster_whisper import __version__

    folder = Path(model) if Path(model).is_dir() else _fetch(model)
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder}: not a CTranslate2 Whisper model: {', '.join(missing)} missing; download one with: "
            "huggingface-cli download Systran/faster-whisper-base.en --local-dir FOLDER, then --model FOLDER",
            code="model-incomplete",
        )
    code = language.replace("_", "-").split("-")[0].lower()
    code = CODES.get(code, code)
    if code != "en" and code not in (known := _load(str(folder)).supported_languages):
        raise UserError(
            f"--language {language}: {folder} has: {', '.join(known)}; multilingual models have names without .en, "
            "such as --model base",
            code="language-unknown",
        )
    content = digest([file_digest(folder / name) for name in MODEL_FILES])
    return FasterWhisper(str(folder), content, code, __version__)


def _load(folder: str) -> WhisperModel:
    from faster_whisper import WhisperModel

    get_logger("faster_whisper").setLevel("WARNING")
    try:
        return WhisperModel(folder, cpu_threads=1, local_files_only=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"{folder}: cannot be loaded as a Whisper model: {error}; download it again", code="model-damaged"
        ) from None


def _fetch(model: str) -> Path:
    """Folder of a named model, from the local cache or the hub."""
    from faster_whisper import available_models
    from faster_whisper.utils import download_model

    if model not in available_models() and "/" not in model:
        raise UserError(
            f"--model {model}: neither a folder nor a Whisper model; known names: {', '.join(available_models())}",
            code="model-unknown",
        )
    try:
        return Path(download_model(model))
    except Exception as error:  # the hub's client raises errors of several libraries
        raise UserError(
            f"--model {model}: no such folder, and not available from the hub: {type(error).__name__}: {error}\n"
            "  on a machine with internet access run: huggingface-cli download Systran/faster-whisper-base.en "
            "--local-dir FOLDER; then --model FOLDER",
            code="model-unknown",
        ) from None
