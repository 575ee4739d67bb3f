"""The fingerprint protocol: parameters and inputs are given by formulas; implementations must have equal outputs."""

import torch
from torch import Tensor, nn


def wave(*shape: int, step: float = 0.37, offset: float = 0.1) -> Tensor:
    """sin(step·i + offset) over the flat index, float64."""
    return torch.sin(step * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + offset).view(shape)


def filled(model: nn.Module) -> nn.Module:
    """The model in float64 and eval mode: scales of norms 1, vectors 0.1 · wave, the rest wave / sqrt(fan-in)."""
    kinds = nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm
    scales = {id(m.weight) for m in model.double().eval().modules() if isinstance(m, kinds)}
    for p in model.parameters():
        x = wave(*p.shape, step=0.7, offset=0.3)
        vector = torch.ones_like(x) if id(p) in scales else 0.1 * x
        p.data = x / (p.numel() / len(p)) ** 0.5 if p.dim() > 1 else vector
    return model
