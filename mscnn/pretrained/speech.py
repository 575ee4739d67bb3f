"""Speech encoders: hidden states of recordings by wav2vec 2.0, HuBERT, WavLM, data2vec, w2v-BERT, Whisper, emotion2vec.

A model is a folder of transformers or a name on the Hugging Face hub, a folder of a Whisper in CTranslate2's format, or
an ``.onnx`` file. Hidden state 0 is the input of the first layer, the last one is the output of the network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mscnn import packages
from mscnn.errors import UserError
from mscnn.files import digest, file_digest
from mscnn.pretrained import ctranslate2_whisper, hub
from mscnn.pretrained.hub import MASK, WHISPER, Kind
from mscnn.pretrained.layers import hidden_states

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

BERT, DATA2VEC, PREPROCESSOR = "wav2vec2-bert", "data2vec-audio", "preprocessor_config.json"
SPEECH = Kind(
    "speech encoder",
    "facebook/hubert-base-ls960",
    ("wav2vec2", "hubert", "wavlm", DATA2VEC, BERT, WHISPER),
    (MASK,),
    (PREPROCESSOR, "processor_config.json"),  # transformers 5 prefers the second
)
RATE = 16000  # Hz, of all of them
WHISPER_HOP = 320  # samples per frame of Whisper
BERT_WINDOW, BERT_SHIFT, BERT_STRIDE = 400, 160, 2  # samples of a filterbank frame and to the next; frames per row


@dataclass(frozen=True)
class Facts:
    """What is known of an encoder without its weights.

    Attributes:
        width: values per frame.
        layers: number of layers, and of the last hidden state; 0 where only that can be had.
        hop: samples from one frame to the next.
        shortest: samples of the shortest recording that has a frame.
        most: seconds that the network takes at most; None: any number.
    """

    width: int
    layers: int
    hop: int
    shortest: int
    most: int | None = None


class Encoder(Protocol):
    """A speech encoder on a device. ``padded``: whether recordings of different lengths can be in one batch.

    That is so where the network was trained with attention masks, or pads recordings to one length itself. For others,
    padding would change the hidden states.
    """

    padded: bool

    def __call__(self, batch: Sequence[np.ndarray], states: Sequence[int]) -> list[Tensor]:
        """Hidden states (len(states), T, width) of each recording (n,), float32, on the device."""
        ...


def is_onnx(name: str) -> bool:
    """Whether a model is an ONNX file."""
    return name.endswith(".onnx")


def is_ctranslate2(name: str) -> bool:
    """Whether a model is a folder in CTranslate2's format."""
    return os.path.isfile(os.path.join(name, ctranslate2_whisper.FILE))


def available(name: str) -> None:
    """Raise UserError where a package is not installed, or there is no such file or no model in the folder.

    Nothing is read or downloaded; of a name on the hub, nothing is known.
    """
    if is_onnx(name):
        packages.check("onnxruntime", f"{SPEECH.title} {name}")
        if not os.path.isfile(name):
            raise UserError(f"{SPEECH.title} {name}: no such file", code="file-missing")
    else:
        hub.available(name, SPEECH, ("config.json", ctranslate2_whisper.FILE))


@lru_cache(maxsize=8)
def facts(name: str) -> Facts:
    """Facts of a model.

    Raises:
        UserError: it cannot be read, or is no speech encoder; see :func:`mscnn.pretrained.hub.configuration`.
    """
    if is_onnx(name):
        from mscnn.pretrained import onnx_encoder

        return Facts(*onnx_encoder.facts(name))
    config = ctranslate2_whisper.configuration(name) if is_ctranslate2(name) else hub.configuration(name, SPEECH)
    if config.model_type == WHISPER:
        most = config.max_source_positions * WHISPER_HOP // RATE
        return Facts(config.d_model, config.encoder_layers, WHISPER_HOP, 1, most)
    if getattr(config, "add_adapter", False):
        raise UserError(
            f"{SPEECH.title} {name}: has an adapter behind its layers, which changes the rate of frames; give the "
            "model before it was fine-tuned",
            code="pretrained-kind",
        )
    if config.model_type == BERT:
        return Facts(config.hidden_size, config.num_hidden_layers, BERT_SHIFT * BERT_STRIDE, BERT_WINDOW + BERT_SHIFT)
    hop, shortest = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        shortest, hop = shortest + (kernel - 1) * hop, hop * stride
    return Facts(config.hidden_size, config.num_hidden_layers, hop, shortest)


def revision(name: str) -> str:
    """Identity of the weights; raises UserError as :func:`facts`."""
    if is_onnx(name):
        from mscnn.pretrained import onnx_encoder

        digests = [file_digest(path) for path in onnx_encoder.weights(name)]
        return digest(digests) if len(digests) > 1 else digests[0]
    return hub.folder_digest(Path(name)) if is_ctranslate2(name) else hub.revision(name, SPEECH)


def load(name: str, window: int | None, device: str) -> Encoder:
    """The encoder, for recordings of up to ``window`` seconds (None: any, or what it takes at most).

    Raises:
        UserError: as :func:`facts`; or weights or ``preprocessor_config.json`` are missing or damaged.
    """
    if is_onnx(name):
        from mscnn.pretrained.onnx_encoder import OnnxEncoder

        return OnnxEncoder(name, device)
    network = ctranslate2_whisper.network(name) if is_ctranslate2(name) else hub.network(name, SPEECH)
    if network.config.model_type == WHISPER:
        return WhisperEncoder(network, window or facts(name).most or 0, device)
    return WaveEncoder(network, _preprocessor(name), device)


def _preprocessor(name: str) -> Any:
    """Feature extractor of transformers: whether and how samples are normalised, and whether padding is masked."""
    from transformers import AutoFeatureExtractor

    try:
        extractor = AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # as for the configuration
        raise UserError(
            f"{SPEECH.title} {name}: {PREPROCESSOR} is missing or damaged ({hub.reason(error)}); it says how the "
            "samples are normalised: copy it from where the model is from",
            code="pretrained-incomplete",
        ) from None
    if extractor.sampling_rate != RATE:
        raise UserError(
            f"{SPEECH.title} {name}: takes {extractor.sampling_rate} Hz; only {RATE} is known", code="pretrained-kind"
        )
    return extractor


class WhisperEncoder:
    """Whisper's encoder: recordings are zero-padded to the window, and the frames of the padding are dropped.

    A window below the 30 seconds of its training has the first positions only, at a share of the cost.
    """

    padded = True

    def __init__(self, network: Any, window: int, device: str) -> None:
        from torch import nn
        from transformers import WhisperFeatureExtractor

        positions = window * RATE // WHISPER_HOP
        network.embed_positions = nn.Embedding.from_pretrained(network.embed_positions.weight[:positions])
        network.config.max_source_positions = positions
        self.network = network.to(device)
        self.extractor = WhisperFeatureExtractor(feature_size=network.config.num_mel_bins, chunk_length=window)
        self.device = device

    def __call__(self, batch: Sequence[np.ndarray], states: Sequence[int]) -> list[Tensor]:
        """See :class:`Encoder`; T is n / 320, rounded up."""
        inputs = self.extractor(list(batch), sampling_rate=RATE, return_tensors="pt").input_features
        lengths = [-(-len(samples) // WHISPER_HOP) for samples in batch]
        inputs = {"input_features": inputs.to(self.device)}
        return _each(hidden_states(self.network, inputs, states, self.network.config.encoder_layers), lengths)


class WaveEncoder:
    """wav2vec 2.0 and its kin, and w2v-BERT, with the preprocessing that their feature extractor states."""

    def __init__(self, network: Any, extractor: Any, device: str) -> None:
        self.network, self.extractor, self.device = network.to(device), extractor, device
        # A group norm takes statistics over time, which padding changes; such networks were trained without masks. The
        # positional convolutions of data2vec take no mask: what they make of the padding reaches the last frames.
        grouped = getattr(network.config, "feat_extract_norm", "layer") == "group"
        exact = not grouped and network.config.model_type != DATA2VEC
        self.padded = bool(extractor.return_attention_mask) and exact

    def __call__(self, batch: Sequence[np.ndarray], states: Sequence[int]) -> list[Tensor]:
        """See :class:`Encoder`."""
        inputs = self.extractor(
            list(batch), sampling_rate=RATE, padding=True, return_attention_mask=True, return_tensors="pt"
        )
        mask = inputs["attention_mask"]
        if self.network.config.model_type == BERT:
            lengths = mask.sum(dim=1).tolist()
        else:
            lengths = [hub.steps(self.network.config, len(samples)) for samples in batch]
        if bool(mask.all()) or not self.padded:
            del inputs["attention_mask"]
        given = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        return _each(hidden_states(self.network, given, states, self.network.config.num_hidden_layers), lengths)


def _each(states: Sequence[Tensor], lengths: Sequence[int]) -> list[Tensor]:
    """Of hidden states (B, T, width): those of each recording, (number of states, length, width)."""
    import torch

    return [one[:, :length] for one, length in zip(torch.stack(list(states), dim=1), lengths, strict=True)]
