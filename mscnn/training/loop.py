"""The training loop: optimiser, clipping, selection on dev, patience, exact resume.

All randomness of an epoch (batches, dropout) is seeded by (seed, epoch), so that a killed run resumes exactly from its
last checkpoint. The loop never has test labels.
"""

import copy
import io
import json
import math
import os
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import shorten

import numpy as np
import torch
from torch import Tensor, nn

from mscnn import log
from mscnn.config.training import Training
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, confusion_matrix
from mscnn.files import atomic
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs
from mscnn.training.examples import Examples, balanced, bucketed, padding
from mscnn.training.selection import selection_score

EVAL_BATCH_SIZE = 64


@dataclass
class State:
    """State of training that the next epoch depends on, besides the seed."""

    epoch: int = 0
    steps: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)


def fit(
    model: Classifier, train: Examples, dev: Examples, options: Training, *, seed: int, device: str, directory: Path
) -> State:
    """Train until there is no improvement on dev for ``patience`` epochs, and load the best weights; returns the state.

    Writes ``metrics.jsonl`` (one line per epoch) and ``checkpoint.pt`` in ``directory``; resumes from the latter.

    Raises:
        UserError: the loss is not finite.
    """
    logger = log.get_logger("train")
    optimizer = make_optimizer(model, options)
    state = _resume(directory / "checkpoint.pt", model, optimizer, device)
    if not _is_finite(model):
        raise UserError(
            f"{directory / 'checkpoint.pt'}: its weights are not finite; delete it, and this fold is trained anew",
            code="checkpoint-not-finite",
        )
    subset = sample_subset(train, options, seed)
    if state.epoch:
        logger.info("resumed after epoch %d", state.epoch)
    while not _finished(state, options):
        start = time.monotonic()
        state.epoch += 1
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options, state.epoch)
        loss, padded = _train_epoch(model, train, subset, optimizer, options, [seed, state.epoch], device, state)
        scores = _evaluate(model, dev, device)
        entry = {"epoch": state.epoch, "train_loss": round(loss, 6), **scores}
        state.history.append(entry)
        score = selection_score(options.select, scores)
        if score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch
            state.best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        _save(directory, model, optimizer, state)
        other = "" if options.select in ("wa_ua", "wa", "ua", "loss") else f" {options.select} {score:.2f}"
        logger.info(
            "epoch %d loss %.4f dev loss %.4f WA %.2f UA %.2f%s best %d padding %.1f %% %.1f s",
            state.epoch,
            loss,
            scores["dev_loss"],
            scores["dev_wa"],
            scores["dev_ua"],
            other,
            state.best_epoch,
            100 * padded,
            time.monotonic() - start,
        )
    model.load_state_dict(state.best)
    return state


def predict(model: Classifier, examples: Examples, device: str) -> np.ndarray:
    """Class scores (utterances, classes) in the order of ``examples.utts``."""
    model.eval()
    order = np.argsort(examples.lengths, kind="stable")
    scores: list[Tensor] = []
    with torch.inference_mode():
        for i in range(0, len(order), EVAL_BATCH_SIZE):
            scores.append(model(examples.batch(order[i : i + EVAL_BATCH_SIZE]).to(device)).cpu())
    return examples.aggregate(torch.cat(scores).numpy()[np.argsort(order, kind="stable")])


def make_optimizer(model: nn.Module, options: Training) -> torch.optim.Optimizer:
    """The optimiser selected by the options."""
    lr, decay = options.lr, options.weight_decay
    parameters = [p for p in model.parameters() if p.requires_grad]
    if options.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr, momentum=options.momentum, nesterov=options.nesterov, weight_decay=decay)
    kinds = {"adam": torch.optim.Adam, "nadam": torch.optim.NAdam, "adamw": torch.optim.AdamW}
    return kinds[options.optimizer](parameters, lr=lr, betas=options.betas, weight_decay=decay)


def learning_rate(options: Training, epoch: int) -> float:
    """Learning rate of an epoch, counting from 1."""
    if options.schedule == "none":
        return options.lr
    times = epoch - 1 if options.schedule == "exponential" else (epoch - 1) // options.step_epochs
    return max(options.lr * options.gamma**times, options.min_lr)


def sample_subset(train: Examples, options: Training, seed: int) -> np.ndarray:
    """Indices of the examples used in every epoch: all, or ``balance`` examples per class."""
    if not options.balance.isdecimal():
        return np.arange(len(train))
    return balanced(train.targets, options.balance, np.random.default_rng(seed))


def sample_batches(
    train: Examples, subset: np.ndarray, options: Training, rng: np.random.Generator
) -> list[np.ndarray]:
    """Batches of an epoch, as indices of examples, from ``subset`` unless ``replacement`` or oversampling is on."""
    size = options.batch_size
    if options.replacement:  # evaluated every floor(eval_every * n / size) + 1 steps, as in Yoon et al. 2018
        return [rng.integers(len(train), size=size) for _ in range(int(options.eval_every * len(train) / size) + 1)]
    order = subset
    if options.balance == "oversample":
        order = balanced(train.targets, options.balance, rng, options.balance_power)
    passes = [list(bucketed(train.lengths[order], size, rng)) for _ in range(math.ceil(options.eval_every))]
    batches = [order[batch] for batch in sum(passes, [])]
    return batches[: max(1, round(len(batches) * options.eval_every / math.ceil(options.eval_every)))]


def class_weights(options: Training, targets: np.ndarray, classes: Sequence[str]) -> Tensor | None:
    """Weights of the classes (K,) in the loss, for training labels ``targets`` (n,); None: all are 1."""
    given = options.class_weights
    if given == "none":
        return None
    if isinstance(given, str):  # balanced, as in scikit-learn
        counts = np.bincount(targets, minlength=len(classes))
        return torch.from_numpy(len(targets) / (len(classes) * np.maximum(counts, 1))).float()
    return torch.tensor([given.get(name, 1.0) for name in classes])


def mixup(inputs: Inputs, weight: float) -> Inputs:
    """Inputs with each example mixed with that of the reversed batch (batches are shuffled)."""
    audio = inputs.audio * weight + inputs.audio.flip(0) * (1 - weight)
    return replace(inputs, audio=audio, audio_len=torch.maximum(inputs.audio_len, inputs.audio_len.flip(0)))


def spec_augment(inputs: Inputs, options: Training, rng: np.random.Generator) -> Inputs:
    """Inputs after SpecAugment without time warping (Park et al. 2019); masks have the mean of each bin."""
    audio = inputs.audio.clone()
    for row, length in zip(audio, inputs.audio_len.tolist(), strict=True):
        means = row[:, :length].mean(dim=1, keepdim=True)
        for axis, size, max_width in ((0, len(row), options.mask_bins), (1, length, options.mask_frames)):
            width = int(rng.integers(min(max_width, size) + 1))
            start = int(rng.integers(size - width + 1))
            row[:, :length].narrow(axis, start, width).copy_(means.narrow(0, start, width) if axis == 0 else means)
    return replace(inputs, audio=audio)


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


def _finished(state: State, options: Training) -> bool:
    if options.max_steps and state.steps >= options.max_steps:
        return True
    return state.epoch >= options.max_epochs or state.epoch - state.best_epoch >= options.patience


def _train_epoch(
    model: Classifier,
    train: Examples,
    subset: np.ndarray,
    optimizer: torch.optim.Optimizer,
    options: Training,
    seed: list[int],
    device: str,
    state: State,
) -> tuple[float, float]:
    """Train one epoch; returns the mean loss and the share of padding."""
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    np.random.seed(np.random.SeedSequence(seed).generate_state(2))  # transformers uses it for SpecAugment
    rng = np.random.default_rng(seed)
    batches = sample_batches(train, subset, options, rng)
    if options.max_steps:
        batches = batches[: options.max_steps - state.steps]
    model.train()
    total = 0.0
    for index in batches:
        total += step(model, train, index, optimizer, options, rng, device) * len(index)
        state.steps += 1
    if not np.isfinite(total):
        raise UserError(f"epoch {seed[-1]}: the loss is {total}: {_reason(train, options)}", code="loss-not-finite")
    return total / sum(map(len, batches)), padding(train.lengths, batches)


def _is_finite(model: Classifier) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())


def _reason(train: Examples, options: Training) -> str:
    """Why a loss is not finite: the data, or else the learning rate."""
    for name, stream in train.streams.items():
        if not np.isfinite(stream.frames).all():
            row = int(np.argwhere(~np.isfinite(stream.frames).all(axis=1))[0, 0])
            first = int(np.searchsorted(np.sort(stream.starts), row, side="right")) - 1
            utt = train.utts[int(train.utterance[np.argsort(stream.starts, kind="stable")[first]])]
            return f"the feature {name} of {utt} is not finite; extract the features again with stage 3"
    if train.xvectors is not None and not np.isfinite(train.xvectors).all():
        utt = train.utts[int(np.argwhere(~np.isfinite(train.xvectors).all(axis=1))[0, 0])]
        return f"the x-vector of {utt} is not finite; extract the x-vectors again with stage 2"
    return f"the data are finite, so training diverges: try a learning rate below {options.lr:g} (--set training.lr=…)"


def step(
    model: Classifier,
    train: Examples,
    index: np.ndarray,
    optimizer: torch.optim.Optimizer,
    options: Training,
    rng: np.random.Generator,
    device: str,
) -> float:
    """Update the model from the examples at ``index``; returns the loss."""
    inputs = train.batch(index).to(device)
    labels = torch.from_numpy(train.targets[index]).to(device)
    if options.mask_bins or options.mask_frames:
        inputs = spec_augment(inputs, options, rng)
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=options.precision == "bf16"):
        if options.mixup:
            weight = rng.beta(options.mixup, options.mixup)
            scores = model(mixup(inputs, weight))
            loss = weight * model.criterion(scores, labels) + (1 - weight) * model.criterion(scores, labels.flip(0))
        else:
            loss = model.loss(inputs, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    clip_gradients(model, options)
    optimizer.step()
    return loss.item()


def _evaluate(model: Classifier, dev: Examples, device: str) -> dict[str, float]:
    scores = predict(model, dev, device)
    labels = dev.require_labels()
    matrix = confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1])
    loss = model.criterion(torch.from_numpy(scores), torch.from_numpy(labels)).item()
    metrics = {f"dev_{name}": round(100 * float(metric(matrix)), 4) for name, metric in METRICS.items()}
    return {"dev_loss": round(loss, 6), **metrics}


def _save(directory: Path, model: Classifier, optimizer: torch.optim.Optimizer, state: State) -> None:
    with atomic(directory / "metrics.jsonl") as out:
        out.writelines(json.dumps(entry) + "\n" for entry in state.history)
    content = io.BytesIO()  # torch hides why a file cannot be written
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **vars(state)}, content)
    with atomic(directory / "checkpoint.pt", "wb") as out:
        out.write(content.getbuffer())


def _resume(path: Path, model: Classifier, optimizer: torch.optim.Optimizer, device: str) -> State:
    """State of a checkpoint, loaded into model and optimizer; a checkpoint that cannot be used is set aside."""
    if not path.exists():
        return State()
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    try:
        return _load(path, model, optimizer, device)
    except Exception as error:  # torch, zipfile and pickle raise many kinds for damaged files
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        aside = path.with_suffix(".damaged")
        os.replace(path, aside)
        reason = shorten(f"{type(error).__name__}: {error}", 160, placeholder=" …")
        log.get_logger("train").warning(
            "%s cannot be used (%s): moved to %s, and this run is trained from the start", path, reason, aside.name
        )
        return State()


def _load(path: Path, model: Classifier, optimizer: torch.optim.Optimizer, device: str) -> State:
    with zipfile.ZipFile(path) as archive:
        if name := archive.testzip():  # torch does not compare the checksums
            raise ValueError(f"{name} is damaged")
    saved = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(saved.pop("model"))
    optimizer.load_state_dict(saved.pop("optimizer"))
    state = State(**saved)
    if not 0 < state.epoch == len(state.history) or not all(p.isfinite().all() for p in model.parameters()):
        raise ValueError("its epochs or its weights are not those of a training")
    return state
