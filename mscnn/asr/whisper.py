"""Whisper by faster-whisper (CTranslate2): a local model folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.asr.base import SpeechEngine
from mscnn.errors import UserError
from mscnn.files import digest, file_digest, json_value, regular
from mscnn.log import get_logger
from mscnn.text.language import Language

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel

# codes of languages -> codes of Whisper, where they differ
CODES = {"nb": "no", "cmn": "zh", "iw": "he", "fil": "tl", "jv": "jw"}
MODEL_FILES = ("config.json", "model.bin", "tokenizer.json")
VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
OTHER_FILES = ("preprocessor_config.json",)  # of models with other than 80 mel bands
MULTILINGUAL = 51865  # tokens of the smallest multilingual vocabulary; English models have 51864
ENGLISH, ANY = "base.en", "base"  # models where none is given
FETCH = "hf download {name} --local-dir FOLDER, then --asr-model FOLDER"
# Temperature 0 only, since sampling is not reproducible; voice activity detection against words in
# silence; no conditioning on previous text, since utterances are independent.
OPTIONS: Mapping[str, Any] = {
    "beam_size": 5,
    "temperature": 0.0,
    "vad_filter": True,
    "condition_on_previous_text": False,
}

# Where the text repeats itself (zlib makes it 2.4 times as short, the criterion of Whisper's authors) it is decoded
# again, and no three tokens may then occur twice: in place of their fallback, which samples.
REPETITIVE = 2.4
FALLBACK: Mapping[str, Any] = {"no_repeat_ngram_size": 3}


@dataclass(frozen=True)
class FasterWhisper(SpeechEngine):
    """A CTranslate2 Whisper model: ``folder`` of its files, ``model`` their digest, ``language`` such as ``en``.

    All processes compute on ``device`` in ``numbers``, such as ``float32``: other ones may recognise other words.
    """

    folder: str
    model: str
    language: str
    version: str
    device: str
    numbers: str

    @property
    def identity(self) -> dict[str, str]:
        return {
            "engine": "faster-whisper",
            "version": self.version,
            "model": self.model,
            "language": self.language,
            "computed": f"{self.device}, {self.numbers}",
            "options": f"{OPTIONS}, above {REPETITIVE}: {FALLBACK}",
        }

    def open(self) -> Callable[[np.ndarray], str]:
        model = _load(Path(self.folder), self.device, self.numbers)

        def recognise(samples: np.ndarray) -> str:
            segments = [*model.transcribe(samples, language=self.language, **OPTIONS)[0]]
            if any(segment.compression_ratio > REPETITIVE for segment in segments):
                segments = [*model.transcribe(samples, language=self.language, **OPTIONS, **FALLBACK)[0]]
            return " ".join(segment.text for segment in segments)

        return recognise


def create(*, model: str = "", language: str = "en-US") -> FasterWhisper:
    """The engine; its model is downloaded where ``model`` is a name that is not in the local cache.

    Args:
        model: folder or name; empty: ``base.en`` for English, ``base`` for other languages.
        language: tag of the spoken language.

    Raises:
        UserError: the model is neither a complete folder nor available from the hub, is damaged, or does not have the
            language.
    """
    from importlib.metadata import version

    spoken = Language.parse(language)
    model = model or _default(spoken)
    check_language(spoken, model)
    folder = Path(model) if Path(model).is_dir() else _fetch(model)
    files = _files(folder)
    loaded = _load(folder)  # once here, so that damage is known before any work
    _require_one_model(folder, loaded)
    code = CODES.get(spoken.code, spoken.code)
    if code not in loaded.supported_languages:
        raise _no_language(spoken, str(folder), ", ".join(loaded.supported_languages))
    content = digest([file_digest(path) for path in files])
    versions = " ".join(f"{name} {version(name)}" for name in ("faster-whisper", "ctranslate2"))
    return FasterWhisper(str(folder), content, code, versions, loaded.model.device, loaded.model.compute_type)


def check_language(language: Language, model: str) -> None:
    """Raise UserError (``language-unknown``) where a model is English only and the language is another.

    Args:
        model: folder or name; empty: as :func:`create`. The vocabulary of a folder tells, and the ending of a name.
    """
    model = model or _default(language)
    tokens = len(_vocabulary(Path(model))) if Path(model).is_dir() else 0
    if language.code != "en" and (0 < tokens < MULTILINGUAL or (not tokens and model.endswith(".en"))):
        raise _no_language(language, model, "English only")


def _default(language: Language) -> str:
    """Name of the model where none is given."""
    return ENGLISH if language.code == "en" else ANY


def _no_language(language: Language, model: str, known: str) -> UserError:
    return UserError(
        f"--language {language} ({language.name}): {model} has: {known}; multilingual models have names without .en, "
        f"such as --asr-model {ANY}",
        code="language-unknown",
    )


def _files(folder: Path) -> list[Path]:
    """The files that the transcripts of a model depend on.

    Raises:
        UserError: one is missing (``model-incomplete``).
    """
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        other = "; this is a model of transformers, which ct2-transformers-converter converts"
        raise UserError(
            f"{folder}: not a CTranslate2 Whisper model: {', '.join(missing)} missing"
            f"{other if [*folder.glob('*.safetensors'), *folder.glob('pytorch_model*.bin')] else ''}; download one "
            f"with: {FETCH.format(name=f'Systran/faster-whisper-{ANY}')}",
            code="model-incomplete",
        )
    names = (*MODEL_FILES, *VOCABULARIES, *OTHER_FILES)
    return [folder / name for name in names if (folder / name).is_file()]


def _require_one_model(folder: Path, loaded: WhisperModel) -> None:
    """Raise UserError (``model-damaged``) where the tokenizer is that of another model: its words would be others."""
    tokens, start = _vocabulary(folder), "<|startoftranscript|>"
    if start not in tokens or loaded.hf_tokenizer.token_to_id(start) != tokens.index(start):
        raise UserError(
            f"{folder}: tokenizer.json is not that of the vocabulary of {len(tokens)} tokens; copy all files of one "
            "model",
            code="model-damaged",
        )


def _vocabulary(folder: Path) -> list[str]:
    """Tokens of a model; empty where they cannot be read."""
    path = next((folder / name for name in VOCABULARIES if (folder / name).is_file()), None)
    try:
        text = regular(path).read_text(encoding="utf-8") if path else ""
        tokens = json_value(text) if path and path.suffix == ".json" else text.removesuffix("\n").split("\n")
    except (OSError, ValueError):
        return []
    return tokens if isinstance(tokens, list) else []


def _load(folder: Path, device: str = "auto", numbers: str = "default") -> WhisperModel:
    import ctranslate2
    from faster_whisper import WhisperModel

    get_logger("faster_whisper").setLevel("WARNING")
    ctranslate2.set_log_level(logging.ERROR)  # it warns of half precision on every CPU
    try:
        return WhisperModel(str(folder), device, compute_type=numbers, cpu_threads=1, local_files_only=True)
    except Exception as error:  # tokenizers raises Exception itself
        raise UserError(
            f"{folder}: cannot be loaded as a Whisper model: {error}; download it again", code="model-damaged"
        ) from None


def _fetch(model: str) -> Path:
    """Folder of a named model, from the local cache or the hub."""
    from faster_whisper import available_models
    from faster_whisper.utils import download_model

    if model not in available_models() and "/" not in model:
        raise UserError(
            f"--asr-model {model}: neither a folder nor a Whisper model; known names: {', '.join(available_models())}",
            code="model-unknown",
        )
    try:
        return Path(download_model(model))
    except Exception as error:  # the hub's client raises errors of several libraries
        raise UserError(
            f"--asr-model {model}: no such folder, and not available from the hub: {type(error).__name__}: {error}\n"
            f"  on a machine with internet access run: {FETCH.format(name=_repository(model))}",
            code="model-unknown",
        ) from None


def _repository(model: str) -> str:
    """Name on the hub of a model; one without owner is converted by Systran, unless faster-whisper says otherwise."""
    from faster_whisper import utils

    return getattr(utils, "_MODELS", {}).get(model, model if "/" in model else f"Systran/faster-whisper-{model}")
