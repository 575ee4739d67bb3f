"""Helpers of the tests of the convolutional-recurrent systems."""

import torch
from torch import Tensor, nn

from mscnn.models.inputs import Inputs, Sizes
from tests.unit.models import systems
from tests.unit.models.fingerprint import wave


def build(name: str, audio: int = 120, **changes: object) -> nn.Module:
    """The system ``name`` of conf/models for 4 classes, with some options changed."""
    return systems.build(name, Sizes(classes=4, audio=audio), **changes)


def segments(batch: int = 2, dim: int = 120, frames: int = 300, lengths: list[int] | None = None) -> Inputs:
    """Segments of the fingerprint protocol, flattened (B, D, T); ``lengths`` excludes padding."""
    return Inputs(audio=wave(batch, dim, frames), audio_len=torch.tensor(lengths or [frames] * batch))


def image_inputs(inputs_shape: tuple[int, ...], time_first: bool = False) -> Inputs:
    """Images of the fingerprint protocol, (B, C, F, T) or (B, C, T, F), as the flattened segments that models take."""
    x = wave(*inputs_shape)
    x = x.transpose(2, 3) if time_first else x
    return Inputs(audio=x.flatten(1, 2), audio_len=torch.full((len(x),), x.shape[3]))


def padding_changes(model: nn.Module, frames: int, dim: int = 120, extra: int = 0) -> float:
    """Largest change of the output when padding, longer by ``extra`` frames, contains noise."""
    lengths = torch.tensor([frames, frames - 31])
    clean = wave(2, dim, frames) * (torch.arange(frames) < lengths[:, None])[:, None]
    noisy = nn.functional.pad(clean, (0, extra))
    noisy = torch.where((torch.arange(frames + extra) < lengths[:, None])[:, None], noisy, 99.0)
    with torch.no_grad():
        scores, with_noise = (model(Inputs(audio=audio, audio_len=lengths)) for audio in (clean, noisy))
    return (scores - with_noise).abs().max()


def without_gradient(model: nn.Module, inputs: Inputs) -> list[str]:
    """Names of the parameters that a training step does not change."""
    model.zero_grad()
    model.train().loss(inputs, torch.arange(len(inputs.audio)) % 4).backward()
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]


def lstm_by_hand(x: Tensor, weight: Tensor, bias: Tensor, order: str, forget: float = 0.0) -> Tensor:
    """LSTM outputs (B, T, H) step by step; ``weight`` (4H, D + H) acts on [x, h], its blocks in the given order."""
    units = len(weight) // 4
    h = c = x.new_zeros(len(x), units)
    outputs = []
    for t in range(x.shape[1]):
        gates = dict(zip(order, (torch.cat([x[:, t], h], dim=1) @ weight.T + bias).chunk(4, dim=1), strict=True))
        c = (gates["f"] + forget).sigmoid() * c + gates["i"].sigmoid() * gates["g"].tanh()
        h = gates["o"].sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs, dim=1)


def donghyun_weights(model: nn.Module, modules: dict[str, str]) -> dict[str, Tensor]:
    """Random weights for ``model`` under donghyun's names; ``modules`` maps ours to theirs, except the attention."""
    attention = {"weight": "W_omega", "bias": "b_omega", "scale": "u_omega"}
    theirs = {}
    for name, value in model.state_dict().items():
        module, leaf = name.rsplit(".", 1)
        name = f"attention.{attention[leaf]}" if module == "attention" else f"{modules[module]}.{leaf}"
        theirs[name] = torch.randn(value.shape) if value.is_floating_point() else value
    return theirs
