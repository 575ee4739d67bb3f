"""Packages that come with an extra of this one: whoever needs one gets it here, or is told what to install."""

import importlib
from types import ModuleType

from mscnn.errors import UserError

EXTRAS = {  # package, as it is imported -> extra of pyproject.toml
    "espeakng_loader": "demo",
    "faster_whisper": "asr",
    "google": "google",
    "opensmile": "opensmile",
    "pocketsphinx": "demo",
    "tensorboard": "tensorboard",
    "transformers": "ssl",
}


def require(module: str, user: str, otherwise: str = "") -> ModuleType:
    """Import a module of one of the ``EXTRAS``.

    Args:
        module: its name.
        user: what needs it, for the message.
        otherwise: what can be done without it, if anything.

    Raises:
        UserError: it cannot be imported (``package-missing``).
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRAS[module.partition(".")[0]]
        advice = f'pip install "mscnn[{extra}]"' + (f", or {otherwise}" if otherwise else "")
        raise UserError(f"{user}: a package is not installed ({error}): {advice}", code="package-missing") from None
