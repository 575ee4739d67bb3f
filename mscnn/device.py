"""Choice of the device."""

from mscnn.errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """``cpu`` or ``cuda``; for ``auto``, cuda where there is a GPU.

    Raises:
        UserError: ``cuda`` without a GPU.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no GPU; use --device cpu (or auto)", code="device-missing")
    return name
