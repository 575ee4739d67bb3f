"""What the tests of systems of audio and text share: batches, padding, gradients."""

import torch
from torch import nn

from mscnn.models.inputs import Inputs


def batch(audio: int, *, vocabulary: int, prosody: int = 0, frames=(17, 25, 9), words=(6, 3, 8)) -> Inputs:
    """Random utterances, float64; zero beyond each one's own frames and words."""
    torch.manual_seed(1)
    size, frame_len, word_len = len(frames), torch.tensor(frames), torch.tensor(words)
    sound = torch.randn(size, audio, max(frames), dtype=torch.float64)
    tokens = torch.randint(1, vocabulary, (size, max(words)))
    return Inputs(
        audio=sound * (torch.arange(max(frames)) < frame_len[:, None])[:, None],
        audio_len=frame_len,
        tokens=tokens * (torch.arange(max(words)) < word_len[:, None]),
        token_len=word_len,
        extra={"prosody": torch.randn(size, prosody, 1, dtype=torch.float64)} if prosody else {},
        extra_len={"prosody": torch.ones(size, dtype=torch.long)} if prosody else {},
    )


def padded(inputs: Inputs, frames: int = 11, words: int = 5) -> Inputs:
    """The same utterances with junk appended, and over what was zero beyond their own frames and words."""
    own_frames = torch.arange(inputs.audio.shape[2] + frames) < inputs.audio_len[:, None]
    own_words = torch.arange(inputs.tokens.shape[1] + words) < inputs.token_len[:, None]
    audio = nn.functional.pad(inputs.audio, (0, frames)).masked_fill(~own_frames[:, None], 99.0)
    tokens = nn.functional.pad(inputs.tokens, (0, words)).masked_fill(~own_words, 3)
    return Inputs(audio, inputs.audio_len, tokens, inputs.token_len, None, inputs.extra, inputs.extra_len)


def parameters(model: nn.Module) -> tuple[int, int]:
    """Parameters with the embedding table and without."""
    counts = {name: p.numel() for name, p in model.named_parameters()}
    return sum(counts.values()), sum(n for name, n in counts.items() if name != "embedding.weight")


def unmoved(model: nn.Module, inputs: Inputs) -> list[str]:
    """Parameters that a step of training would not change."""
    model.loss(inputs, torch.tensor([0, 3, 1])).backward()
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
