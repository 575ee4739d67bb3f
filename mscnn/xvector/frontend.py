"""Features of x-vector networks: Kaldi's MFCC, energy-based voice activity detection, sliding mean normalisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mscnn.audio.pcm import pcm16
from mscnn.errors import UserError
from mscnn.features.dsp import kaldi_frames

if TYPE_CHECKING:
    from kaldi_native_fbank import MfccOptions

CMN_WINDOW = 300  # frames, of extract_xvectors.sh


def _flag(text: str) -> bool:
    return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}[text.lower()]


def _window(text: str) -> str:
    return {name: name for name in ("hamming", "hanning", "povey", "rectangular", "sine", "blackman")}[text]


def _number(low: float, high: float, kind: type = float) -> Callable[[str], float]:
    """A parser of numbers from ``low`` to ``high``; others crash the library or are meaningless."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return read


# option of compute-mfcc-feats -> (group of MfccOptions, attribute, parser); Hz, ms
MFCC_OPTIONS: Mapping[str, tuple[str, str, Callable]] = {
    "sample-frequency": ("frame_opts", "samp_freq", _number(1000, 384_000)),
    "frame-length": ("frame_opts", "frame_length_ms", _number(1, 1000)),
    "frame-shift": ("frame_opts", "frame_shift_ms", _number(1, 1000)),
    "preemphasis-coefficient": ("frame_opts", "preemph_coeff", _number(0, 1)),
    "remove-dc-offset": ("frame_opts", "remove_dc_offset", _flag),
    "window-type": ("frame_opts", "window_type", _window),
    "blackman-coeff": ("frame_opts", "blackman_coeff", _number(0, 1)),
    "round-to-power-of-two": ("frame_opts", "round_to_power_of_two", _flag),
    "snip-edges": ("frame_opts", "snip_edges", _flag),
    "num-mel-bins": ("mel_opts", "num_bins", _number(3, 1000, int)),
    "low-freq": ("mel_opts", "low_freq", _number(0, 192_000)),
    "high-freq": ("mel_opts", "high_freq", _number(-192_000, 192_000)),
    "num-ceps": ("", "num_ceps", _number(1, 1000, int)),
    "use-energy": ("", "use_energy", _flag),
    "energy-floor": ("", "energy_floor", _number(0, 1e9)),
    "raw-energy": ("", "raw_energy", _flag),
    "cepstral-lifter": ("", "cepstral_lifter", _number(0, 1e6)),
    "htk-compat": ("", "htk_compat", _flag),
}
VAD_OPTIONS: Mapping[str, tuple[str, Callable]] = {
    "vad-energy-threshold": ("threshold", _number(-1e9, 1e9)),
    "vad-energy-mean-scale": ("mean_scale", _number(-1e9, 1e9)),
    "vad-proportion-threshold": ("proportion", _number(0, 1)),
    "vad-frames-context": ("context", _number(0, 1000, int)),
}
# Options without an effect here. There is never dither, so that the vectors are reproducible.
IGNORED = ("dither", "allow-downsample", "allow-upsample", "channel", "debug-mel", "output-format", "verbose")


@dataclass(frozen=True)
class Vad:
    """Voice activity detection by energy, with the options and defaults of Kaldi's compute-vad."""

    threshold: float = 5.0
    mean_scale: float = 0.5
    proportion: float = 0.6
    context: int = 0

    def __call__(self, mfcc: np.ndarray) -> np.ndarray:
        """Whether each frame is voiced.

        A frame is loud if its log energy exceeds ``threshold`` + ``mean_scale`` times the mean. It is voiced if at
        least ``proportion`` of the frames within ``context`` are loud.

        Args:
            mfcc: (T, C); coefficient 0 is the log energy.

        Returns:
            (T,) bool.
        """
        energy = mfcc[:, 0]
        loud = energy > np.float32(self.threshold + self.mean_scale * energy.mean(dtype=np.float64))
        counts = np.concatenate([[0], np.cumsum(loud)])
        t = np.arange(len(mfcc))
        first, end = np.maximum(t - self.context, 0), np.minimum(t + self.context + 1, len(mfcc))
        return counts[end] - counts[first] >= (end - first).astype(np.float32) * np.float32(self.proportion)


@dataclass(frozen=True)
class Frontend:
    """Features with the options of ``mfcc.conf`` and ``vad.conf``; ``rate`` is in Hz."""

    options: MfccOptions
    vad: Vad
    rate: int

    @classmethod
    def load(cls, conf: Path) -> Frontend:
        """The front-end with the options of ``conf/mfcc.conf`` and ``conf/vad.conf``.

        Raises:
            UserError: a file is missing, an option is unknown, or a value is impossible.
        """
        import kaldi_native_fbank as knf

        options = knf.MfccOptions()
        options.frame_opts.samp_freq = 16000
        options.frame_opts.dither = 0
        for name, (text, where) in _read_conf(conf / "mfcc.conf").items():
            if name not in MFCC_OPTIONS:
                known = ", ".join([*MFCC_OPTIONS, *IGNORED])
                raise UserError(f"{where}: unknown option --{name}; known: {known}", code="kaldi-option-unknown")
            group, attribute, kind = MFCC_OPTIONS[name]
            setattr(getattr(options, group) if group else options, attribute, _convert(kind, name, text, where))
        mel, nyquist = options.mel_opts, options.frame_opts.samp_freq / 2
        high = mel.high_freq + (nyquist if mel.high_freq <= 0 else 0)
        if not (mel.low_freq < high <= nyquist and options.num_ceps <= mel.num_bins):
            raise UserError(
                f"{conf / 'mfcc.conf'}: impossible options: {options.num_ceps} cepstra of {mel.num_bins} mel bins "
                f"between {mel.low_freq:g} and {high:g} Hz at {2 * nyquist:g} Hz; copy the file of the model's recipe",
                code="kaldi-option-value",
            )
        vad: dict[str, Any] = {}
        for name, (text, where) in _read_conf(conf / "vad.conf").items():
            if name not in VAD_OPTIONS:
                raise UserError(
                    f"{where}: unknown option --{name}; known: {', '.join(VAD_OPTIONS)}", code="kaldi-option-unknown"
                )
            key, kind = VAD_OPTIONS[name]
            vad[key] = _convert(kind, name, text, where)
        return cls(options, Vad(**vad), round(options.frame_opts.samp_freq))

    def mfcc(self, samples: np.ndarray) -> np.ndarray:
        """Kaldi's MFCC without dither.

        Args:
            samples: (n,) at ``rate``, -1 to 1.

        Returns:
            (T, C) float32; T is 0 for less than a frame.
        """
        import kaldi_native_fbank as knf

        return kaldi_frames(knf.OnlineMfcc(self.options), self.rate, pcm16(samples))  # Kaldi's samples are integers


def sliding_cmn(mfcc: np.ndarray, window: int = CMN_WINDOW) -> np.ndarray:
    """MFCC (T, C) float32 minus the mean of the ``window`` frames around each frame; no window exceeds the utterance.

    As ``apply-cmvn-sliding --center=true --norm-vars=false``.
    """
    frames = len(mfcc)
    sums = np.concatenate([np.zeros((1, mfcc.shape[1])), np.cumsum(mfcc, axis=0, dtype=np.float64)])
    first = np.clip(np.arange(frames) - window // 2, 0, max(frames - window, 0))
    end = np.minimum(first + window, frames)
    return (mfcc - (sums[end] - sums[first]) / (end - first)[:, None]).astype(np.float32)


def _read_conf(path: Path) -> dict[str, tuple[str, str]]:
    """Options of a Kaldi ``.conf`` file: name -> (value, file:line)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); a model folder has conf/mfcc.conf and conf/vad.conf",
            code="xvector-model-missing",
        ) from None
    options = {}
    for number, line in enumerate(lines, 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, equals, value = line.removeprefix("--").partition("=")
        name = name.strip().replace("_", "-")
        if not line.startswith("--"):
            raise UserError(f"{path}:{number}: expected --option=value, found {line!r}", code="kaldi-option-line")
        if name not in IGNORED:
            options[name] = (value.strip() if equals else "true", f"{path}:{number}")
    return options


def _convert(kind: Callable, name: str, text: str, where: str) -> object:
    try:
        return kind(text)
    except (ValueError, KeyError, OverflowError):
        raise UserError(f"{where}: --{name}={text}: invalid value of this option", code="kaldi-option-value") from None
