"""PocketSphinx: works offline, with the English model in its package."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from mscnn.asr.base import RATE, SpeechEngine
from mscnn.audio.pcm import pcm16
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.text.language import Language

if TYPE_CHECKING:
    import numpy as np

# Fewer active HMMs and word exits per frame than the default (30000, unlimited): half the time, at a word error rate
# about one point higher on recorded and on synthetic speech. Narrower beams of the second pass than the default (1e-64,
# 7e-29): an eighth of the time, at the same error rate.
OPTIONS = {"maxhmmpf": 2000, "maxwpf": 10, "fwdflatbeam": 1e-48, "fwdflatwbeam": 1e-20}


@dataclass(frozen=True)
class PocketSphinx(SpeechEngine):
    """PocketSphinx with its US English model (generic trigram language model, 130,000 words)."""

    version: str

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "pocketsphinx", "version": self.version, "language": "en-US", "options": str(OPTIONS)}

    def open(self) -> Callable[[np.ndarray], str]:
        from pocketsphinx import Decoder

        decoder = Decoder(samprate=RATE, loglevel="FATAL", **OPTIONS)

        def decode(pcm: bytes) -> str:
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)  # whole, so that the cepstral mean is the utterance's own
            decoder.end_utt()
            hypothesis = decoder.hyp()
            return hypothesis.hypstr if hypothesis else ""

        # A decoder keeps noise statistics and the last best Gaussians for the next utterance, and has no full reset.
        # Loading a new one takes longer than decoding; a forked child has a copy of the unused decoder.
        return lambda samples: _in_child(lambda: decode(pcm16(samples).tobytes()))


def create(*, language: str = "en-US") -> PocketSphinx:
    """The engine.

    Raises:
        UserError: the language is not that of its model.
    """
    check_language(Language.parse(language))
    return PocketSphinx(version("pocketsphinx"))


def check_language(language: Language, model: str = "") -> None:
    """Raise UserError (``language-unknown``) for other languages than English; warn of other than US English."""
    if language.code != "en":
        raise UserError(
            f"--language {language} ({language.name}): the model of pocketsphinx is US English (en-US); use "
            "faster-whisper or google",
            code="language-unknown",
        )
    if language.region not in ("", "US"):
        get_logger(__name__).warning("pocketsphinx: its model is US English, the speech is %s", language)


def _in_child(work: Callable[[], str]) -> str:
    """Result of ``work`` in a child process, so that its side effects do not persist."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writer, work().encode())
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    if os.waitpid(child, 0)[1]:
        raise UserError(
            "pocketsphinx failed on this utterance (see above); remove it from the data directory", code="engine-failed"
        )
    return text
