"""CA-MSER: spectrogram, MFCC and wav2vec 2.0, whose states the other two weight over time (co-attention).

Zou, Si, Chen, Rajan, Chng, "Speech Emotion Recognition with Co-Attention based Multi-level Acoustic Information",
ICASSP 2022; the authors' code is Vincent-ZHQ/CA-MSER. A segment is 300 frames of 10 ms = 48 000 samples = 149 steps of
wav2vec 2.0; an utterance's score is the mean of its segments' log-posteriors.

Inputs: ``audio``, the spectrogram in dB, each bin scaled to 0..1 by its minimum and maximum in the training part (so
that zero padding is the minimum); ``extra["mfcc"]``; and either ``extra["wav2vec2"]``, hidden states computed
beforehand, or ``extra["wave"]``, samples at 16 kHz after pre-emphasis, for a wav2vec 2.0 that is trained too.
Without the branch of the spectrogram, ``audio`` is the MFCC.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, Probability
from mscnn.errors import UserError
from mscnn.files import file_digest, regular
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import fixed_length, length_mask, load_weights, renamed
from mscnn.pretrained.hub import WAV2VEC2, network, revision, steps

FRAME_HOP, WAV2VEC2_FIELD, WAV2VEC2_HOP = 160, 400, 320  # samples; FIELD is the receptive field of wav2vec 2.0
IMAGE_HEIGHT = 256
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of red, green, blue

OFFICIAL = {  # the authors' modules -> ours
    "alexnet_model.features": "alexnet",
    "alexnet_model.classifier": "alexnet_classifier",
    "post_spec_layer": "spectrum",
    "lstm_mfcc": "lstm",
    "post_mfcc_layer": "cepstrum",
    "post_spec_mfcc_att_layer": "co_attention",
    "wav2vec2_model": "wav2vec2",
    "post_wav_layer": "speech",
    "post_att_layer_1": "head.1",
    "post_att_layer_2": "head.4",
    "post_att_layer_3": "head.6",
}


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/ca_mser/ca_mser.yaml explains each."""

    branches: tuple[Literal["spectrogram", "mfcc", "wav2vec2"], ...]
    alexnet: str
    wav2vec2: str
    frames: Length
    dropout: Probability
    lstm_dropout: Probability
    legacy_alexnet_classifier: bool
    legacy_leftpad_wav: bool
    legacy_pad0db: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the network takes; a wav2vec 2.0 that is trained takes waveforms."""
        mfcc = ["extra.mfcc"] if len(self.weighing) > 1 else []
        speech = ["extra.wave" if self.wav2vec2 else "extra.wav2vec2"] if "wav2vec2" in self.branches else []
        return "audio", *mfcc, *speech

    @property
    def weighing(self) -> list[str]:
        """The branches that weight the states of wav2vec 2.0."""
        return [name for name in self.branches if name != "wav2vec2"]

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if not self.weighing or len(set(self.branches)) < len(self.branches):
            raise UserError(
                f"branches {list(self.branches)}: give each once, and spectrogram or mfcc among them",
                code="option-value",
            )
        if self.wav2vec2 and "wav2vec2" not in self.branches:
            raise UserError(
                f"option wav2vec2 is {self.wav2vec2!r}, but branches {list(self.branches)} have no wav2vec2",
                code="option-conflict",
            )
        if self.legacy_leftpad_wav and not self.wav2vec2:
            raise UserError(
                "legacy_leftpad_wav pads waveforms, which are an input only where option wav2vec2 is set",
                code="option-conflict",
            )
        if self.frames < 50:
            raise UserError(
                f"frames {self.frames}: the pooling layers of AlexNet need at least 50", code="option-value"
            )


class CAMSER(Classifier[Options]):
    """Segments of spectrogram, MFCC, and speech representation -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        self.samples = FRAME_HOP * options.frames
        self.steps = (self.samples - WAV2VEC2_FIELD) // WAV2VEC2_HOP + 1
        branches, speech = options.branches, "wave" if options.wav2vec2 else "wav2vec2"
        if "wav2vec2" in branches and speech not in sizes.extra:
            raise UserError(
                f"option wav2vec2 is {options.wav2vec2!r}, so input {speech} is needed, which the configuration lacks: "
                "ca_mser takes hidden states, ca_mser_finetuned takes waveforms and names a wav2vec 2.0",
                code="input-missing",
            )
        if "spectrogram" in branches:
            self.alexnet = alexnet_features()
            if options.alexnet:
                load_alexnet(self.alexnet, options.alexnet)
            if options.legacy_alexnet_classifier:
                self.alexnet_classifier = alexnet_classifier(sizes.classes)
            self.spectrum = nn.Linear(256 * 6 * 6, 128)
        if "mfcc" in branches:
            mfcc = sizes.extra["mfcc"] if "spectrogram" in branches else sizes.audio
            self.lstm = nn.LSTM(
                mfcc, 256, num_layers=2, batch_first=True, dropout=options.lstm_dropout, bidirectional=True
            )
            self.cepstrum = nn.Linear(512 * options.frames, 128)
        if "wav2vec2" in branches:
            width = sizes.extra[speech]
            if options.wav2vec2:
                self.wav2vec2 = network(options.wav2vec2, WAV2VEC2)
                self.steps = steps(self.wav2vec2.config, self.samples)
                width = self.wav2vec2.config.hidden_size
            self.co_attention = nn.Linear(128 * len(options.weighing), self.steps)
            self.speech = nn.Linear(width, 128)
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Sequential(
            nn.Dropout(options.dropout),
            nn.Linear(128 * len(branches), 128),
            nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Linear(128, 128),
            nn.ReLU(),
            nn.Linear(128, sizes.classes),
        )

    @classmethod
    def pretrained(cls, options: Options) -> dict[str, str]:
        """Digest of AlexNet's file, and revision of the wav2vec 2.0 that is trained."""
        try:
            digests = {"alexnet": file_digest(regular(options.alexnet))} if options.alexnet else {}
        except OSError as error:
            raise UserError(
                f"alexnet {options.alexnet}: {error.strerror}; give a file of torchvision's AlexNet",
                code="pretrained-weights",
            ) from None
        return digests | ({"wav2vec2": revision(options.wav2vec2, WAV2VEC2)} if options.wav2vec2 else {})

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes) of segments."""
        frames, branches = self.options.frames, self.options.branches
        image, cepstra, hidden = None, None, None
        if "spectrogram" in branches:
            spectrogram = fixed_length(inputs.audio, frames)
            if self.options.legacy_pad0db:  # 0 dB is the maximum of every utterance: the padding is white
                mask = length_mask(inputs.audio_len, frames)
                spectrogram = spectrogram.masked_fill(~mask[:, None], 1.0)
            image = as_image(spectrogram)
        if "mfcc" in branches:
            mfcc = inputs.audio if image is None else inputs.extra["mfcc"]
            cepstra = fixed_length(mfcc, frames).transpose(1, 2)
        if "wav2vec2" in branches:
            hidden = self.hidden_states(inputs)
        return self.classify(image, cepstra, hidden)

    def classify(self, image: Tensor | None, mfcc: Tensor | None, hidden: Tensor | None) -> Tensor:
        """Logits (B, classes) from image (B, 3, 256, 384), MFCC (B, 300, 40) and wav2vec 2.0 (B, 149, 768).

        Those of branches that the options omit are None. As in the authors' code, the co-attention weights are
        outputs of a ReLU, not normalised over time.
        """
        parts = []
        if image is not None:
            spectrum = average_pool(self.alexnet(image), 6).flatten(1)
            parts.append(self.spectrum(self.dropout(spectrum)).relu())
        if mfcc is not None:
            cepstrum = self.lstm(F.normalize(mfcc, dim=2))[0].flatten(1)
            parts.append(self.cepstrum(self.dropout(cepstrum)).relu())
        if hidden is not None:
            weights = self.co_attention(self.dropout(torch.cat(parts, dim=1))).relu()
            speech = torch.einsum("bt,btd->bd", weights, hidden)
            parts.append(self.speech(self.dropout(speech)).relu())
        return self.head(torch.cat(parts, dim=1))

    def hidden_states(self, inputs: Inputs) -> Tensor:
        """Last hidden states of wav2vec 2.0, (B, 149, 768): given, or computed from waveforms.

        A waveform is normalised to zero mean and unit variance with its padding, as by the authors' preprocessor;
        ``legacy_leftpad_wav`` puts that padding before the samples (that of spectrogram and MFCC follows them).
        """
        if not self.options.wav2vec2:
            given, rows = inputs.extra["wav2vec2"], inputs.extra_len["wav2vec2"]
            if given.shape[2] != self.steps or (rows.is_cpu and (rows != self.steps).any()):  # a GPU is not waited for
                raise UserError(
                    f"input wav2vec2: expected {self.steps} rows per {self.options.frames} frames",
                    code="feature-size",
                )
            return given.transpose(1, 2)
        wave = fixed_length(inputs.extra["wave"], self.samples)[:, 0]
        if self.options.legacy_leftpad_wav:
            lengths = inputs.extra_len["wave"].tolist()
            wave = torch.stack([w.roll(self.samples - n) for w, n in zip(wave, lengths, strict=True)])
        variance, mean = torch.var_mean(wave, dim=1, correction=0, keepdim=True)
        return self.wav2vec2((wave - mean) / (variance + 1e-7).sqrt()).last_hidden_state

    def load_official(self, state: Mapping[str, Tensor]) -> None:
        """Load the authors' weights (state dict of Vincent-ZHQ/CA-MSER), except those of parts that do not exist here.

        Their network takes images, MFCC and waveforms; ``classify`` takes these images, MFCC and hidden states.
        """
        optional = {
            "alexnet_model.classifier.": self.options.legacy_alexnet_classifier,
            "wav2vec2_model.": bool(self.options.wav2vec2),
        }
        excluded = tuple(prefix for prefix, exists in optional.items() if not exists)
        weights = renamed({k: v for k, v in state.items() if not k.startswith(excluded)}, OFFICIAL)
        load_weights(self, {_since_torch_2(k): v for k, v in weights.items()}, OFFICIAL)


def _since_torch_2(name: str) -> str:
    """PyTorch 2's name of a weight of weight norm (wav2vec 2.0's positional convolution); checkpoints may be older."""
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        name = name.replace(f".{old}", f".parametrizations.weight.{new}")
    return name


def as_image(spectrogram: Tensor) -> Tensor:
    """Spectrogram (B, 200, 300) with values 0..1 -> AlexNet's input (B, 3, 256, 384).

    As the authors do, via an 8-bit image: low frequencies at the bottom, resized to 256 lines (bilinear, in Pillow's
    two passes, each rounded to 8 bits), three equal channels normalised by the statistics of ImageNet.
    """
    bins, frames = spectrogram.shape[1:]
    width = IMAGE_HEIGHT * frames // bins
    image = (spectrogram.clamp(0, 1) * 255).floor().flip(1)[:, None]
    for size in ((bins, width), (IMAGE_HEIGHT, width)):
        image = (F.interpolate(image, size=size, mode="bilinear") + 0.5).floor()
    mean, std = (image.new_tensor(values)[:, None, None] for values in IMAGENET)
    return (image / 255 - mean) / std


def average_pool(x: Tensor, size: int) -> Tensor:
    """Adaptive average pooling, (B, C, H, W) -> (B, C, size, size); PyTorch's own is not deterministic on a GPU."""

    def averages(n: int) -> Tensor:  # (size, n), one row per bin
        i, k = torch.arange(size, device=x.device)[:, None], torch.arange(n, device=x.device)
        inside = ((i * n // size <= k) & (k * size < (i + 1) * n)).to(x.dtype)
        return inside / inside.sum(dim=1, keepdim=True)

    return averages(x.shape[2]) @ x @ averages(x.shape[3]).T


def alexnet_features() -> nn.Sequential:
    """The convolutions of AlexNet (Krizhevsky, "One weird trick", 2014), (B, 3, H, W) -> (B, 256, H', W').

    Layers are numbered as in torchvision's ``alexnet().features``. As the authors': Xavier's initial weights, biases 0.
    """
    layers = nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
    )
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.get_parameter("bias"))
    return layers


def alexnet_classifier(classes: int) -> nn.Sequential:
    """AlexNet's classifier, which the authors never use, but whose 54 550 532 parameters they count."""
    return nn.Sequential(
        *(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU()),
        *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()),
        nn.Linear(4096, classes),
    )


def load_alexnet(features: nn.Sequential, path: str) -> None:
    """Load the convolutions of torchvision's AlexNet, .safetensors or .pth: ``features.N.weight`` is ``N.weight``.

    Raises:
        UserError: the file is missing, or does not contain AlexNet.
    """
    try:
        safe = Path(path).suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(Path(path), map_location="cpu", weights_only=True)
        prefix = "features."
        features.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    except (OSError, RuntimeError, AttributeError, EOFError, ValueError, LookupError, SafetensorError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise UserError(
            f"alexnet {path}: expected the weights of torchvision's AlexNet: {error}", code="pretrained-weights"
        ) from None


Model = CAMSER
