"""The state of training after an epoch: its file, from which a killed run resumes exactly, and ``metrics.jsonl``."""

import copy
import io
import json
import math
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

import torch
from torch import Tensor

from mscnn import log
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.models.base import Classifier


@dataclass
class State:
    """State of training that the next epoch depends on, besides the seed."""

    epoch: int = 0
    steps: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)


def save(directory: Path, model: Classifier, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write ``metrics.jsonl`` and ``checkpoint.pt``."""
    with atomic(directory / "metrics.jsonl") as out:
        out.writelines(json.dumps(entry) + "\n" for entry in state.history)
    content = io.BytesIO()  # torch hides why a file cannot be written
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **vars(state)}, content)
    with atomic(directory / "checkpoint.pt", "wb") as out:
        out.write(content.getbuffer())


def resume(directory: Path, model: Classifier, optimizer: torch.optim.Optimizer) -> State:
    """State of the checkpoint, loaded into model and optimizer; a checkpoint that cannot be used is set aside.

    Raises:
        UserError: the weights are not finite.
    """
    path = directory / "checkpoint.pt"
    state = _resume(path, model, optimizer) if path.exists() else State()
    if not is_finite(model):
        raise UserError(
            f"{path}: its weights are not finite; delete it, and this fold is trained anew",
            code="checkpoint-not-finite",
        )
    if state.epoch:
        log.get_logger("train").info("resumed after epoch %d", state.epoch)
    return state


def is_finite(model: Classifier) -> bool:
    """Whether all parameters are finite."""
    return bool(torch.stack([parameter.isfinite().all() for parameter in model.parameters()]).all())


def _resume(path: Path, model: Classifier, optimizer: torch.optim.Optimizer) -> State:
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    try:
        return _load(path, model, optimizer)
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


def _load(path: Path, model: Classifier, optimizer: torch.optim.Optimizer) -> State:
    with zipfile.ZipFile(path) as archive:
        if name := archive.testzip():  # torch does not compare the checksums
            raise ValueError(f"{name} is damaged")
    saved = torch.load(path, map_location="cpu", weights_only=True)  # loading moves what belongs on the device
    model.load_state_dict(saved.pop("model"))
    optimizer.load_state_dict(saved.pop("optimizer"))
    state = State(**saved)
    if not 0 < state.epoch == len(state.history) or not is_finite(model):
        raise ValueError("its epochs or its weights are not those of a training")
    return state
