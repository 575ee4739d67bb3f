"""Log-mel energies, and MFCC of Kaldi and of HTK, by kaldi-native-fbank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mscnn.audio.pcm import pcm16
from mscnn.features.base import Extractor
from mscnn.features.dsp import add_deltas, kaldi_frames

if TYPE_CHECKING:
    from kaldi_native_fbank import FbankOptions, MfccOptions


@dataclass(frozen=True)
class _Kaldi(Extractor):
    """Base class; frame t begins at sample t * hop_length, and an incomplete last frame is dropped.

    Units: ``rate``, ``low_hz`` and ``high_hz`` in Hz; ``win_length`` and ``hop_length`` in samples (the FFT has the
    next power of two); ``delta_width`` in frames on either side; ``deltas`` is the highest order of deltas. ``window``
    is a name of Kaldi's. Pre-emphasis and ``remove_dc`` act on each frame. There is no dither, so that the features
    are reproducible.
    """

    packages = ("kaldi-native-fbank", "numpy", "scipy")

    rate: int
    n_mels: int
    win_length: int
    hop_length: int
    window: Literal["hanning", "sine", "hamming", "povey", "rectangular", "blackman"]
    preemphasis: float
    remove_dc: bool
    low_hz: float
    high_hz: float
    deltas: int
    delta_width: int

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self._static_dim * (1 + self.deltas)

    @property
    def _static_dim(self) -> int:
        raise NotImplementedError

    def _static(self, samples: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, dim): static ‖ Δ ‖ ΔΔ ..., T = 1 + (n - win_length) // hop_length, at least 1."""
        samples = np.pad(samples, (0, max(self.win_length - len(samples), 0)))
        return add_deltas(self._static(samples), self.deltas, self.delta_width).astype(np.float32)

    def _set(self, options: FbankOptions | MfccOptions) -> None:
        frame, mel = options.frame_opts, options.mel_opts
        frame.samp_freq, frame.dither, frame.window_type = self.rate, 0, self.window
        frame.frame_length_ms = 1000 * self.win_length / self.rate
        frame.frame_shift_ms = 1000 * self.hop_length / self.rate
        frame.preemph_coeff, frame.remove_dc_offset = self.preemphasis, self.remove_dc
        mel.num_bins, mel.low_freq, mel.high_freq = self.n_mels, self.low_hz, self.high_hz


@dataclass(frozen=True)
class LogMel(_Kaldi):
    """Natural logarithms of the power in ``n_mels`` mel bands, with deltas.

    ``scale`` of the samples: int16, or unit_variance (mean 0 and standard deviation 1 over the utterance).
    """

    scale: Literal["int16", "unit_variance"]

    @property
    def _static_dim(self) -> int:
        return self.n_mels

    def _static(self, samples: np.ndarray) -> np.ndarray:
        import kaldi_native_fbank as knf

        options = knf.FbankOptions()
        self._set(options)
        if self.scale == "int16":
            return kaldi_frames(knf.OnlineFbank(options), self.rate, pcm16(samples))
        centred = samples - samples.mean(dtype=np.float64)
        return kaldi_frames(knf.OnlineFbank(options), self.rate, centred / max(centred.std(), 1e-8))


@dataclass(frozen=True)
class KaldiMfcc(_Kaldi):
    """``n_mfcc`` cepstra as computed by Kaldi's compute-mfcc-feats from 16-bit samples, with deltas.

    ``lifter`` is Kaldi's --cepstral-lifter; ``use_energy`` replaces coefficient 0 by the log energy of the frame.
    """

    n_mfcc: int
    lifter: float
    use_energy: bool

    @property
    def _static_dim(self) -> int:
        return self.n_mfcc

    def _static(self, samples: np.ndarray) -> np.ndarray:
        import kaldi_native_fbank as knf

        options = knf.MfccOptions()
        self._set(options)
        options.num_ceps, options.cepstral_lifter, options.use_energy = self.n_mfcc, self.lifter, self.use_energy
        return kaldi_frames(knf.OnlineMfcc(options), self.rate, pcm16(samples))


@dataclass(frozen=True)
class HtkMfcc(_Kaldi):
    """Cepstra 1 to ``n_mfcc`` and the log energy, with deltas: HTK's MFCC_E_D_A, openSMILE's MFCC12_E_D_A.

    Kaldi and HTK have the same mel bands. As in HTK, power is floored at 1 (16-bit scale) before the logarithm, and
    the energy is that of the frame before pre-emphasis and window and follows the cepstra. ``lifter`` 0: none.
    openSMILE agrees to 6e-4, except for ΔΔ of the last two frames.
    """

    n_mfcc: int
    lifter: float

    @property
    def _static_dim(self) -> int:
        return self.n_mfcc + 1

    def _static(self, samples: np.ndarray) -> np.ndarray:
        import kaldi_native_fbank as knf
        from scipy.fft import dct

        options = knf.FbankOptions()
        self._set(options)
        options.use_log_fbank, options.use_energy, options.htk_compat = False, True, True
        options.energy_floor = 1
        rows = kaldi_frames(knf.OnlineFbank(options), self.rate, pcm16(samples))
        powers, energy = np.split(rows, [self.n_mels], axis=1)
        order = np.arange(1, self.n_mfcc + 1)
        cepstra = dct(np.log(np.maximum(powers, 1)), norm="ortho")[:, order]
        lift = 1 + self.lifter / 2 * np.sin(np.pi * order / self.lifter) if self.lifter else 1
        return np.concatenate([cepstra * lift, energy], axis=1)
