"""Layers of GLAM and of the models compared with it: attention, gating, helpers."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm_relu(
    inputs: int, outputs: int, kernel: tuple[int, int], padding: str | tuple[int, int] = "same"
) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU(True))


class AreaAttention(nn.Module):
    """Attention to areas, that is 1 to ``width`` adjacent tokens (Li et al., "Area Attention", ICML 2019).

    The key of an area is the mean of its keys, its value the sum of its values. q·k is not scaled. No parameters.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Queries (B, Q, D), keys (B, T, D), values (B, T, V) -> (B, Q, V)."""
        keys = torch.cat([total / n for n, total in enumerate(area_sums(keys, self.width), start=1)], dim=1)
        values = torch.cat(area_sums(values, self.width), dim=1)
        weights = self.dropout((queries @ keys.transpose(1, 2)).softmax(dim=-1))
        return weights @ values


def area_sums(x: Tensor, width: int) -> list[Tensor]:
    """Sums of 1, 2, … ``width`` adjacent tokens: (B, T, D) -> [(B, T, D), (B, T - 1, D), …].

    They are differences of cumulative sums, as in GLAM's code, to reproduce its rounding: with unscaled scores, logits
    in single precision differed in the third digit otherwise. A matrix product computes the cumulative sums, as cumsum
    is not deterministic on a GPU.
    """
    size = x.shape[1]
    totals = torch.ones(size, size, dtype=torch.float64, device=x.device).tril() @ x.double()
    totals = F.pad(totals.to(torch.promote_types(x.dtype, torch.float32)), (0, 0, 1, 0))
    return [(totals[:, n:] - totals[:, :-n]).to(x) for n in range(1, min(width, size) + 1)]


class ChannelAttention(nn.Module):
    """Heads that attend to channels: at each position softmax over the channels of q⊙k, times v (Xu et al., 2020).

    q, k and v are 1×1 convolutions of the input.
    """

    def __init__(self, channels: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            nn.ModuleList(nn.Conv2d(channels, hidden, 1) for _ in range(heads)) for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, hidden, heads · H, W): heads are concatenated along the height."""
        heads = zip(self.query, self.key, self.value, strict=True)
        return torch.cat([(q(x) * k(x)).softmax(dim=1) * v(x) for q, k, v in heads], dim=2)


class SpatialGatingUnit(nn.Module):
    """One half of the features gates the other half and mixes tokens: r ⊙ tanh(W LN(g) + b), [r, g] = x.

    Liu et al., "Pay Attention to MLPs", NeurIPS 2021, section 2.1; the tanh is GLAM's. Initially every gate is
    nearly tanh(1). W and b have a leading axis of size 1 (heads of the implementation that GLAM uses).
    """

    def __init__(self, dim: int, tokens: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim // 2)
        self.weight = nn.Parameter(torch.empty(1, tokens, tokens).uniform_(-1e-3 / tokens, 1e-3 / tokens))
        self.bias = nn.Parameter(torch.ones(1, tokens))

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, dim) -> (B, tokens, dim / 2)."""
        values, gates = x.chunk(2, dim=-1)
        return values * (self.weight @ self.norm(gates) + self.bias[..., None]).tanh()


class GatedMLP(nn.Module):
    """One gMLP block with its shortcut (Liu et al., 2021); the hidden layer is ``expansion`` times as wide."""

    def __init__(self, dim: int, tokens: int, expansion: int = 4) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, expansion * dim)
        self.gate = SpatialGatingUnit(expansion * dim, tokens)
        self.contract = nn.Linear(expansion * dim // 2, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, dim) -> (B, tokens, dim)."""
        return x + self.contract(self.gate(F.gelu(self.expand(self.norm(x)))))
