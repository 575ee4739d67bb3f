"""Layers shared by the convolutional-recurrent systems (ACRNN, ADRNN, ASRNN, ADSRNN, Satt 2017): input, blocks, losses.

They take segments of a fixed size: shorter ones are padded with zeros, and the padding counts, as in the papers.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import UserError
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import fixed_length, length_mask

SCORE_ACTIVATIONS = {"linear": nn.Identity, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}

# Weights that the ACRNN, ADRNN and ASRNN of donghyun1234/speech_emotion_recognition share: {theirs: ours}
DONGHYUN_SHARED = {
    "linear1": "project.0",
    "batch1": "project.2",
    "bilstm": "lstm",
    "attention.W_omega": "attention.weight",
    "attention.b_omega": "attention.bias",
    "attention.u_omega": "attention.scale",
    "linear2": "head.0",
    "batch2": "head.2",
    "linear3": "head.4",
}


def bins_per_channel(sizes: Sizes, channels: int) -> int:
    """Number of bins per channel of the audio feature.

    Raises:
        UserError: the dimension of the feature is not a multiple of ``channels``.
    """
    if sizes.audio % channels:
        raise UserError(
            f"the audio feature has {sizes.audio} values per frame: expected a multiple of channels, {channels}",
            code="feature-size",
        )
    return sizes.audio // channels


def stack_channels(inputs: Inputs, channels: int, frames: int) -> Tensor:
    """Images (B, C, F, T) of segments with flattened features, for example static, delta and delta-delta as C = 3.

    Raises:
        UserError: the segments are longer than ``frames``.
    """
    x = inputs.audio * length_mask(inputs.audio_len, inputs.audio.shape[2])[:, None]
    return fixed_length(x, frames).reshape(x.shape[0], channels, -1, frames)


def dense_head(size: int, units: int, classes: int, *, norm: bool = True, dropout: float = 0.0) -> nn.Sequential:
    """Dense layer, LeakyReLU, batch normalisation, dropout, classifier: (B, size) -> (B, classes)."""
    return nn.Sequential(
        nn.Linear(size, units),
        nn.LeakyReLU(),
        nn.BatchNorm1d(units) if norm else nn.Identity(),
        nn.Dropout(dropout),
        nn.Linear(units, classes),
    )


class PerFrame(nn.Sequential):
    """Layers applied to each frame: (B, T, D) -> (B, T, D'); batch statistics are taken over all frames."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).reshape(x.shape[0], x.shape[1], -1)


def frame_layer(size: int, units: int) -> PerFrame:
    """Dense layer, LeakyReLU and batch normalisation, applied to each frame."""
    return PerFrame(nn.Linear(size, units), nn.LeakyReLU(), nn.BatchNorm1d(units))


def he_init(model: nn.Module) -> None:
    """Initialise as donghyun's networks: He's and Glorot's normal weights, and a nearly uniform attention."""
    for name in ("project.0.weight", "head.0.weight"):
        nn.init.kaiming_normal_(model.get_parameter(name), nonlinearity="leaky_relu")
    nn.init.xavier_normal_(model.get_parameter("head.4.weight"))
    attention = model.get_parameter("attention.weight")  # (D, 1): PyTorch takes 1 for the fan in
    nn.init.kaiming_normal_(attention, nonlinearity="relu")
    nn.init.normal_(model.get_parameter("attention.bias"), std=0.01)
    nn.init.normal_(model.get_parameter("attention.scale"), std=0.01)


class UFLB(nn.Sequential):
    """Utterance feature learning block (Meng et al. 2019): 3×3 convolution of dilation 2, batch norm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, *, activation: bool = True) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=2, dilation=2),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU() if activation else nn.Identity(),
        )


class ScoreAttention(nn.Module):
    """Weighted sum over time, a_t = softmax(score(h_t)): (B, T, D) -> (B, D).

    The score is w·h (``linear``, Chen et al. 2018) or u·f(w·h + b) with one hidden unit (``sigmoid``, ``relu``: the
    codes). ``mean`` averages a_t h_t instead of summing it, which makes the result T times smaller.
    """

    def __init__(self, size: int, score: str = "linear", *, mean: bool = False) -> None:
        super().__init__()
        self.activation, self.mean = SCORE_ACTIVATIONS[score](), mean
        self.weight = nn.Parameter(0.1 * torch.randn(size, 1))
        if score != "linear":
            self.bias = nn.Parameter(0.1 * torch.randn(1))
            self.scale = nn.Parameter(0.1 * torch.randn(1))

    def forward(self, x: Tensor) -> Tensor:
        scores = x @ self.weight
        if not isinstance(self.activation, nn.Identity):
            scores = self.scale * self.activation(scores + self.bias)
        weighted = scores.softmax(dim=1) * x
        return weighted.mean(dim=1) if self.mean else weighted.sum(dim=1)


class CenterLoss(nn.Module):
    """½·mean |f − c_y|² (Wen et al., ECCV 2016); its gradient for f is (f − c_y) / B.

    Each call in training mode then moves the centres: c_j -= rate · sum_{y=j}(c_j − f) / (1 + count_j).
    """

    centers: Tensor

    def __init__(self, classes: int, size: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("centers", torch.zeros(classes, size))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of features (B, size) with labels (B,)."""
        deviation = features - self.centers[labels]
        if self.training:
            one_hot = F.one_hot(labels, len(self.centers)).to(deviation)  # (B, classes)
            self.centers += self.rate * (one_hot.T @ deviation.detach()) / (1 + one_hot.sum(dim=0)[:, None])
        return 0.5 * deviation.square().sum(dim=1).mean()


def one_hot_mse(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error, over all B · classes values, between scores (B, classes) and one-hot labels (B,)."""
    return F.mse_loss(scores, F.one_hot(labels, scores.shape[1]).to(scores))
