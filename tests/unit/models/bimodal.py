"""Helpers of the tests of systems of audio and text: batches, padding, gradients."""

import torch
from torch import nn

from mscnn.models.inputs import Inputs


def batch(audio: int, *, vocabulary: int, prosody: int = 0, frames=(17, 25, 9), tokens=(6, 3, 8)) -> Inputs:
    """Random utterances, float64, zero in the padding."""
    torch.manual_seed(1)
    size, audio_len, token_len = len(frames), torch.tensor(frames), torch.tensor(tokens)
    features = torch.randn(size, audio, max(frames), dtype=torch.float64)
    ids = torch.randint(1, vocabulary, (size, max(tokens)))
    return Inputs(
        audio=features * (torch.arange(max(frames)) < audio_len[:, None])[:, None],
        audio_len=audio_len,
        tokens=ids * (torch.arange(max(tokens)) < token_len[:, None]),
        token_len=token_len,
        extra={"prosody": torch.randn(size, prosody, 1, dtype=torch.float64)} if prosody else {},
        extra_len={"prosody": torch.ones(size, dtype=torch.long)} if prosody else {},
    )


def padded(inputs: Inputs, frames: int = 11, tokens: int = 5) -> Inputs:
    """The same utterances with more padding, all of which has arbitrary values instead of zeros."""
    frame_mask = torch.arange(inputs.audio.shape[2] + frames) < inputs.audio_len[:, None]
    token_mask = torch.arange(inputs.tokens.shape[1] + tokens) < inputs.token_len[:, None]
    audio = nn.functional.pad(inputs.audio, (0, frames)).masked_fill(~frame_mask[:, None], 99.0)
    ids = nn.functional.pad(inputs.tokens, (0, tokens)).masked_fill(~token_mask, 3)
    return Inputs(audio, inputs.audio_len, ids, inputs.token_len, None, inputs.extra, inputs.extra_len)


def parameters(model: nn.Module) -> tuple[int, int]:
    """Numbers of parameters with and without the word embeddings."""
    counts = {name: p.numel() for name, p in model.named_parameters()}
    return sum(counts.values()), sum(n for name, n in counts.items() if name != "embedding.weight")


def unmoved(model: nn.Module, inputs: Inputs) -> list[str]:
    """Names of the parameters that a training step would not change."""
    model.loss(inputs, torch.tensor([0, 3, 1])).backward()
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
