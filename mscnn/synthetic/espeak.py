"""Speech synthesis by the C library of espeak-ng from the package ``espeakng-loader`` (API: ``speak_lib.h``)."""

import ctypes
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mscnn.errors import UserError
from mscnn.packages import require

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
RATE, PITCH, RANGE, WORDGAP = 1, 3, 4, 7  # of espeak_PARAMETER
PACKAGES = ("espeakng-loader", "soxr")  # their versions affect the samples
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """One synthesiser with its own state: the same calls in the same order give the same samples.

    espeak-ng seeds its noise from the clock, and keeps phases and gains in static variables between calls. Therefore
    the noise has a fixed seed, and every instance loads its own copy of the library.

    Attributes:
        rate: sampling rate of the samples of ``say``, in Hz (22050).
    """

    def __init__(self, seed: int = 0) -> None:
        """Load the library.

        Raises:
            UserError: the package is not installed, the library cannot be loaded, or it has no voices.
        """
        espeakng_loader = require("espeakng_loader", "espeak-ng voices")
        fix = "install it again: python -m pip install --force-reinstall espeakng-loader"
        library = Path(espeakng_loader.get_library_path())
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                self._library = ctypes.CDLL(shutil.copy(library, folder))
        except OSError as error:
            raise UserError(
                f"espeak-ng, {library}: cannot be loaded from a temporary folder: {error}; {fix}", code="espeak-damaged"
            ) from None
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, INITIALIZE_DONT_EXIT)
        if self.rate <= 0:
            raise UserError(f"espeak-ng, {library}: no voices in {data.decode()}; {fix}", code="espeak-damaged")
        self._chunks: list[bytes] = []
        self._callback = CALLBACK(self._receive)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))

    def say(
        self, text: str, voice: str, *, rate: int = 175, pitch: int = 50, pitch_range: int = 50, wordgap: int = 0
    ) -> np.ndarray:
        """Synthesise a text.

        Args:
            text: the text.
            voice: language, or language and variant, as in ``en-us+f2``.
            rate: words per minute, 80 to 450.
            pitch: 0 to 100; 50 is the default of the voice.
            pitch_range: 0 (monotone) to 100; 50 is the default of the voice.
            wordgap: additional pause between words, in units of 10 ms.

        Returns:
            (samples,) int16 at ``self.rate``.

        Raises:
            UserError: the voice is unknown.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise UserError(
                f"espeak-ng has no voice {voice!r}; espeak-ng --voices=en lists its voices", code="voice-unknown"
            )
        for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, pitch_range), (WORDGAP, wordgap)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._chunks.clear()
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 1, 0, CHARS_UTF8, None, None)
        return np.frombuffer(b"".join(self._chunks), dtype=np.int16)

    def _receive(self, samples, count: int, _events) -> int:
        """Callback of the library: keep a block of samples."""
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0


def versions() -> list[str]:
    """Versions of the packages that affect the samples.

    Raises:
        UserError: espeakng-loader is not installed.
    """
    require("espeakng_loader", "espeak-ng voices")
    return [version(name) for name in PACKAGES]
