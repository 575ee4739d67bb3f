"""Choice of the device, and what its results depend on."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from mscnn.errors import UserError

WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it; read when cuBLAS starts
DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """``cpu`` or ``cuda``; for ``auto``, cuda where there is a GPU.

    Raises:
        UserError: ``cuda`` without a GPU here, or on the cluster that jobs are sent to.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available() and not _elsewhere():
        raise UserError("--device cuda: PyTorch finds no GPU; use --device cpu (or auto)", code="device-missing")
    return name


def _elsewhere() -> bool:
    """Whether ``cmd.sh`` sends jobs to machines with GPUs (:mod:`mscnn.jobs.settings`)."""
    backends = [
        value.replace("=", " ").split() for name, value in os.environ.items() if name.startswith("MSCNN_BACKEND")
    ]
    return any(words[:1] in (["slurm"], ["slurm.pl"]) and "--gpu" in words for words in backends)


@contextlib.contextmanager
def tf32(allowed: bool = True) -> Iterator[None]:
    """Context in which GPUs may, or may not, round the factors of products and convolutions to 10 bits (TF32).

    PyTorch allows it for convolutions by default.
    """
    import torch

    cudnn: Any = torch.backends.cudnn
    new = hasattr(torch.backends.cuda.matmul, "fp32_precision")  # PyTorch 2.9, which warns of the older name
    places = [torch.backends.cuda.matmul, *((cudnn.conv, cudnn.rnn) if new else (cudnn,))]
    name = "fp32_precision" if new else "allow_tf32"
    before = [getattr(place, name) for place in places]
    try:
        for place in places:
            setattr(place, name, ("tf32" if allowed else "ieee") if new else allowed)
        yield
    finally:
        for place, old in zip(places, before, strict=True):
            setattr(place, name, old)
