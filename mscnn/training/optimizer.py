"""Optimiser, learning rates, clipping and class weights, as the options of training state them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mscnn.config.training import Training

FUSED = ("adam", "adamw", "sgd")  # NAdam and RMSprop have no fused kernel


def make_optimizer(model: nn.Module, options: Training) -> torch.optim.Optimizer:
    """The optimiser selected by the options; on a GPU one kernel updates all parameters, where PyTorch has it."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    on_gpu = any(p.device.type == "cuda" for p in parameters)
    common: dict[str, Any] = {"lr": options.lr, "weight_decay": options.weight_decay}
    if on_gpu and options.optimizer in FUSED:
        common["fused"] = True
    if options.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=options.momentum, nesterov=options.nesterov, **common)
    if options.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, momentum=options.momentum, **common)
    kinds = {"adam": torch.optim.Adam, "nadam": torch.optim.NAdam, "adamw": torch.optim.AdamW}
    return kinds[options.optimizer](parameters, betas=options.betas, **common)


def learning_rate(options: Training, epoch: int) -> float:
    """Learning rate of an epoch, counting from 1."""
    if options.schedule == "none":
        return options.lr
    if options.schedule == "linear":
        up, last = options.warmup_epochs, options.max_epochs
        return options.lr * (epoch / up if epoch <= up else (last + 1 - epoch) / (last + 1 - up))
    if options.schedule == "cyclic":
        share = 1 - abs((epoch - 1) / options.step_epochs % 2 - 1)
        return options.lr + (options.max_lr - options.lr) * share
    times = epoch - 1 if options.schedule == "exponential" else (epoch - 1) // options.step_epochs
    return max(options.lr * options.gamma**times, options.min_lr)


def class_weights(options: Training, targets: np.ndarray, classes: Sequence[str]) -> Tensor | None:
    """Weights of the classes (K,) in the loss, for training labels ``targets`` (n,); None: all are 1."""
    given = options.class_weights
    if given == "none":
        return None
    if isinstance(given, str):  # balanced, as in scikit-learn
        counts = np.bincount(targets, minlength=len(classes))
        return torch.from_numpy(len(targets) / (len(classes) * np.maximum(counts, 1))).float()
    return torch.tensor([given.get(name, 1.0) for name in classes])


def clip_gradients(model: nn.Module, options: Training) -> None:
    """Clip the gradients as selected by the options."""
    if not options.clip:
        return
    if options.clip_mode == "norm":
        nn.utils.clip_grad_norm_(model.parameters(), options.clip)
    elif options.clip_mode == "value":
        nn.utils.clip_grad_value_(model.parameters(), options.clip)
    else:
        for parameter in model.parameters():
            nn.utils.clip_grad_norm_(parameter, options.clip)
