"""Import of optional packages; where one is missing, the error says which extra to install."""

import importlib
import importlib.util
from types import ModuleType

from mscnn.errors import UserError

EXTRAS = {  # package, as it is imported -> extra of pyproject.toml
    "av": "video",
    "espeakng_loader": "demo",
    "fastapi": "serve",
    "faster_whisper": "asr",
    "google": "google",
    "huggingface_hub": "hub",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "opensmile": "opensmile",
    "pocketsphinx": "demo",
    "python_multipart": "serve",
    "pyarrow": "tables",
    "silero_vad": "vad",
    "tensorboard": "tensorboard",
    "transformers": "ssl",
    "uvicorn": "serve",
    "websockets": "serve",
}


def require(module: str, user: str, otherwise: str = "") -> ModuleType:
    """Import a module of one of the ``EXTRAS``.

    Args:
        module: name of the module.
        user: what needs it, for the message.
        otherwise: alternative to installing it, if any.

    Raises:
        UserError: the module cannot be imported (``package-missing``).
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(module, user, str(error), otherwise) from None


def check(module: str, user: str) -> None:
    """Raise as :func:`require` where a module is not installed, without importing it."""
    try:
        spec = importlib.util.find_spec(module)
    except (ModuleNotFoundError, ValueError):  # its package is missing, or its import is blocked
        spec = None
    if spec is None:
        raise _missing(module, user, f"no module {module}", "")


def _missing(module: str, user: str, why: str, otherwise: str) -> UserError:
    advice = f'pip install "mscnn[{EXTRAS[module.partition(".")[0]]}]"' + (f", or {otherwise}" if otherwise else "")
    return UserError(f"{user}: a package is not installed ({why}): {advice}", code="package-missing")
