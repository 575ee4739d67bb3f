"""The training loop: epochs of steps, selection on dev, patience, exact resume.

All randomness of an epoch (batches, dropout) is seeded by (seed, epoch), so that a killed run resumes exactly from its
last checkpoint. The loop never has test labels. A step does not wait for the device: losses are summed there, and read
once per epoch.
"""

import contextlib
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mscnn import log
from mscnn.config.training import Training
from mscnn.device import tf32
from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, confusion_matrix
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs
from mscnn.training import checkpoint
from mscnn.training.augment import mixup, spec_augment
from mscnn.training.checkpoint import State
from mscnn.training.examples import Examples, padding
from mscnn.training.feed import Feed, sample_batches, sample_subset
from mscnn.training.optimizer import clip_gradients, learning_rate, make_optimizer
from mscnn.training.selection import selection_score

EVAL_BATCH_SIZE = 64


def fit(
    model: Classifier, train: Examples, dev: Examples, options: Training, *, seed: int, device: str, directory: Path
) -> State:
    """Train until there is no improvement on dev for ``patience`` epochs, and load the best weights; returns the state.

    Writes ``metrics.jsonl`` (one line per epoch) and ``checkpoint.pt`` in ``directory``; resumes from the latter.

    Raises:
        UserError: the loss, or a weight of the checkpoint, is not finite.
    """
    optimizer = make_optimizer(model, options)
    state = checkpoint.resume(directory, model, optimizer)
    subset = sample_subset(train, options, seed)
    feed, dev_feed = Feed(train, device), Feed(dev, device)
    while not _finished(state, options):
        start = time.monotonic()
        state.epoch += 1
        rng = _seeded([seed, state.epoch])
        batches = sample_batches(train, subset, options, rng)
        if options.max_steps:
            batches = batches[: options.max_steps - state.steps]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options, state.epoch)
        loss = train_epoch(model, feed, batches, optimizer, options, rng)
        if not math.isfinite(loss):
            raise UserError(
                f"epoch {state.epoch}: the loss is {loss}: {_reason(train, options)}", code="loss-not-finite"
            )
        state.steps += len(batches)
        scores = _evaluate(model, dev_feed)
        state.history.append({"epoch": state.epoch, "train_loss": round(loss, 6), **scores})
        score = selection_score(options.select, scores)
        if score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch
            state.best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        checkpoint.save(directory, model, optimizer, state)
        _log_epoch(state, options, score, padding(train.lengths, batches), time.monotonic() - start)
    model.load_state_dict(state.best)
    return state


def train_epoch(
    model: Classifier,
    feed: Feed,
    batches: list[np.ndarray],
    optimizer: torch.optim.Optimizer,
    options: Training,
    rng: np.random.Generator,
) -> float:
    """Update the model from every batch, as indices of examples; returns the mean loss."""
    model.train()
    total = torch.zeros((), dtype=torch.float64, device=feed.device)
    for inputs, labels in feed.labelled(batches):
        total += step(model, inputs, labels, optimizer, options, rng).double() * len(labels)
    return total.item() / sum(map(len, batches))


def step(
    model: Classifier,
    inputs: Inputs,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    options: Training,
    rng: np.random.Generator,
) -> Tensor:
    """Update the model from one batch on its device; returns the loss there, a scalar."""
    if options.mask_bins or options.mask_frames:
        inputs = spec_augment(inputs, options)
    with tf32() if options.precision == "tf32" else contextlib.nullcontext():
        with (
            torch.autocast(labels.device.type, torch.bfloat16)
            if options.precision == "bf16"
            else contextlib.nullcontext()
        ):
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
    return loss.detach()


def predict(model: Classifier, examples: Examples, device: str) -> np.ndarray:
    """Class scores (utterances, classes) in the order of ``examples.utts``."""
    return _scores(model, Feed(examples, device))


def _scores(model: Classifier, feed: Feed) -> np.ndarray:
    order = np.argsort(feed.examples.lengths, kind="stable")
    batches = [order[i : i + EVAL_BATCH_SIZE] for i in range(0, len(order), EVAL_BATCH_SIZE)]
    scores = predict_batches(model, feed, batches).cpu().numpy()
    return feed.examples.aggregate(scores[np.argsort(order, kind="stable")])


def predict_batches(model: Classifier, feed: Feed, batches: list[np.ndarray]) -> Tensor:
    """Class scores (examples, classes) of batches, as indices of examples, on the device."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(inputs) for inputs in feed.inputs(batches)])


def _evaluate(model: Classifier, dev: Feed) -> dict[str, float]:
    scores = _scores(model, dev)
    labels = dev.examples.require_labels()
    matrix = confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1])
    loss = model.criterion(torch.from_numpy(scores), torch.from_numpy(labels)).item()
    metrics = {f"dev_{name}": round(100 * float(metric(matrix)), 4) for name, metric in METRICS.items()}
    return {"dev_loss": round(loss, 6), **metrics}


def _seeded(seed: list[int]) -> np.random.Generator:
    """The random generator of an epoch; dropout and transformers draw from the states of torch and NumPy."""
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    np.random.seed(np.random.SeedSequence(seed).generate_state(2))  # transformers uses it for SpecAugment
    return np.random.default_rng(seed)


def _finished(state: State, options: Training) -> bool:
    if options.max_steps and state.steps >= options.max_steps:
        return True
    return state.epoch >= options.max_epochs or state.epoch - state.best_epoch >= options.patience


def _log_epoch(state: State, options: Training, score: float, padded: float, seconds: float) -> None:
    scores = state.history[-1]
    other = "" if options.select in ("wa_ua", "wa", "ua", "loss") else f" {options.select} {score:.2f}"
    log.get_logger("train").info(
        "epoch %d loss %.4f dev loss %.4f WA %.2f UA %.2f%s best %d padding %.1f %% %.1f s",
        state.epoch,
        scores["train_loss"],
        scores["dev_loss"],
        scores["dev_wa"],
        scores["dev_ua"],
        other,
        state.best_epoch,
        100 * padded,
        seconds,
    )


def _reason(train: Examples, options: Training) -> str:
    """Why a loss is not finite: the data, or else the learning rate."""
    for name, stream in train.streams.items():
        if (wrong := stream.frames.not_finite()) is not None:
            return f"the feature {name} of {train.utts[wrong]} is not finite; extract the features again with stage 3"
    if train.xvectors is not None and not np.isfinite(train.xvectors).all():
        utt = train.utts[int(np.argwhere(~np.isfinite(train.xvectors).all(axis=1))[0, 0])]
        return f"the x-vector of {utt} is not finite; extract the x-vectors again with stage 2"
    return f"the data are finite, so training diverges: try a learning rate below {options.lr:g} (--set training.lr=…)"
