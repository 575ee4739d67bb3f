"""PocketSphinx: works offline; its English model is part of its package."""

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

if TYPE_CHECKING:
    import numpy as np

# Fewer active HMMs and word exits per frame than by default (30000, any number): half of the time, and on recorded and
# on synthetic speech about one point more of word errors.
OPTIONS = {"maxhmmpf": 2000, "maxwpf": 10}


@dataclass(frozen=True)
class PocketSphinx(SpeechEngine):
    """The package's US English model (generic trigram language model, 130,000 words)."""

    version: str

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "pocketsphinx", "version": self.version, "options": str(OPTIONS)}

    def open(self) -> Callable[[np.ndarray], str]:
        from pocketsphinx import Decoder

        decoder = Decoder(samprate=RATE, loglevel="FATAL", **OPTIONS)

        def decode(pcm: bytes) -> str:
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)  # whole, so that the cepstral mean is the utterance's own
            decoder.end_utt()
            hypothesis = decoder.hyp()
            return hypothesis.hypstr if hypothesis else ""

        # A decoder carries noise statistics and the last best Gaussians on to the next utterance, and cannot be told to
        # forget all of it. Loading a new one takes longer than decoding; a forked child has one as new at once.
        return lambda samples: _in_child(lambda: decode(pcm16(samples).tobytes()))


def create(*, language: str = "en-US") -> PocketSphinx:
    """Return the engine.

    Raises:
        UserError: the language is not its model's.
    """
    if language.lower() != "en-us":
        raise UserError(
            f"--language {language}: the model of pocketsphinx is US English (en-US); use faster-whisper or google",
            code="language-unknown",
        )
    return PocketSphinx(version("pocketsphinx"))


def _in_child(work: Callable[[], str]) -> str:
    """Result of ``work``, done by a child process: whatever else it changes ends with the child."""
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
            "pocketsphinx failed on this utterance (see above); take it out of the data directory", code="engine-failed"
        )
    return text
