"""Augmentation of a batch on its device, without synchronisation: mixup and SpecAugment."""

from dataclasses import replace

import torch
from torch import Tensor

from mscnn.config.training import Training
from mscnn.models.inputs import Inputs
from mscnn.models.layers import length_mask, masked_mean


def mixup(inputs: Inputs, weight: float) -> Inputs:
    """Inputs with each example mixed with that of the reversed batch (batches are shuffled)."""
    audio = inputs.audio * weight + inputs.audio.flip(0) * (1 - weight)
    return replace(inputs, audio=audio, audio_len=torch.maximum(inputs.audio_len, inputs.audio_len.flip(0)))


def spec_augment(inputs: Inputs, options: Training) -> Inputs:
    """Inputs after SpecAugment without time warping (Park et al. 2019); masks have the mean of each bin.

    Widths and places are drawn from the random state of the device, which training seeds in every epoch.
    """
    audio, lengths = inputs.audio, inputs.audio_len
    valid = length_mask(lengths, audio.shape[2])
    bins = _interval(torch.full_like(lengths, audio.shape[1]), options.mask_bins, audio.shape[1])
    frames = _interval(lengths, options.mask_frames, audio.shape[2])
    masked = (bins[:, :, None] | frames[:, None]) & valid[:, None]
    return replace(inputs, audio=torch.where(masked, masked_mean(audio, valid)[:, :, None], audio))


def _interval(sizes: Tensor, max_width: int, size: int) -> Tensor:
    """True in one random interval of at most ``max_width`` of the first ``sizes`` (B,) places: (B, size)."""
    width, start = torch.rand(2, len(sizes), device=sizes.device, dtype=torch.float64)
    width = (width * (sizes.clamp(max=max_width) + 1)).long()
    start = (start * (sizes - width + 1)).long()
    places = torch.arange(size, device=sizes.device)
    return (places >= start[:, None]) & (places < (start + width)[:, None])
