"""Where to compute."""

from mscnn.errors import UserError


def choose_device(name: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` is cuda where there is a GPU.

    Raises:
        UserError: cuda is wanted and there is none.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no GPU here; use --device cpu (or auto)", code="device-missing")
    return name
