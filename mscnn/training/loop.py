"""The training loop: Adam, clipping, selection on dev, patience, exact resume.

Everything random in an epoch (batches, dropout) is seeded by (seed, epoch), so a run that was killed goes on from its
last checkpoint as if nothing had happened. Nothing here is ever given a test label.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mscnn import log
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.models import Training
from mscnn.scoring.metrics import confusion_matrix, ua, wa
from mscnn.training.examples import Examples, bucketed, padding

EVAL_BATCH = 64


@dataclass
class State:
    """All that the next epoch depends on, besides the seed."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)


def fit(
    model: nn.Module, train: Examples, dev: Examples, options: Training, *, seed: int, device: str, directory: Path
) -> State:
    """Train until dev (WA + UA) / 2 has not risen for ``patience`` epochs; leave the best weights in the model.

    Writes ``metrics.jsonl`` (one line an epoch) and ``checkpoint.pt`` in ``directory``; resumes from the latter.

    Raises:
        UserError: the loss is no longer finite.
    """
    logger = log.get_logger("train")
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    state = _resume(directory / "checkpoint.pt", model, optimizer, device)
    if state.epoch:
        logger.info("resumed after epoch %d", state.epoch)
    while state.epoch < options.max_epochs and state.epoch - state.best_epoch < options.patience:
        start = time.monotonic()
        state.epoch += 1
        loss, padded = _train_epoch(model, train, optimizer, options, [seed, state.epoch], device)
        scores = _evaluate(model, dev, device)
        entry = {"epoch": state.epoch, "train_loss": round(loss, 6), **scores}
        state.history.append(entry)
        score = (scores["dev_wa"] + scores["dev_ua"]) / 2
        if score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch
            state.best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        _save(directory, model, optimizer, state)
        logger.info(
            "epoch %d loss %.4f dev loss %.4f WA %.2f UA %.2f best %d padding %.1f %% %.1f s", state.epoch, loss,
            scores["dev_loss"], scores["dev_wa"], scores["dev_ua"], state.best_epoch, 100 * padded,
            time.monotonic() - start,
        )  # fmt: skip
    model.load_state_dict(state.best)
    return state


def predict(model: nn.Module, examples: Examples, device: str) -> np.ndarray:
    """Class logits (n, classes) of every example, in its order."""
    model.eval()
    order = np.argsort(examples.lengths, kind="stable")
    logits: list[torch.Tensor] = []
    with torch.inference_mode():
        for i in range(0, len(order), EVAL_BATCH):
            logits.append(model(examples.batch(order[i : i + EVAL_BATCH]).to(device)).cpu())
    return torch.cat(logits).numpy()[np.argsort(order, kind="stable")]


def _train_epoch(model, train, optimizer, options, seed: list[int], device) -> tuple[float, float]:
    """One pass; returns the mean loss and the share of padding."""
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    batches = list(bucketed(train.lengths, options.batch_size, np.random.default_rng(seed)))
    labels = torch.from_numpy(train.labels)
    model.train()
    total = 0.0
    for index in batches:
        loss = F.cross_entropy(model(train.batch(index).to(device)), labels[index].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), options.clip)
        optimizer.step()
        total += loss.item() * len(index)
    if not np.isfinite(total):
        raise UserError(f"epoch {seed[-1]}: the loss is {total}; try a smaller learning rate (--set lr=1e-4)")
    return total / len(train), padding(train.lengths, batches)


def _evaluate(model: nn.Module, dev: Examples, device: str) -> dict[str, float]:
    logits = predict(model, dev, device)
    matrix = confusion_matrix(dev.labels, logits.argmax(axis=1), logits.shape[1])
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(dev.labels)).item()
    return {"dev_loss": round(loss, 6), "dev_wa": round(100 * wa(matrix), 4), "dev_ua": round(100 * ua(matrix), 4)}


def _save(directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> None:
    with atomic(directory / "metrics.jsonl") as out:
        out.writelines(json.dumps(entry) + "\n" for entry in state.history)
    with atomic(directory / "checkpoint.pt", "wb") as out:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **vars(state)}, out)


def _resume(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, device: str) -> State:
    if not path.exists():
        return State()
    saved = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(saved.pop("model"))
    optimizer.load_state_dict(saved.pop("optimizer"))
    return State(**saved)
