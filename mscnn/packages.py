"""Packages that come with an extra of this one: whoever needs one gets it here, or is told what to install."""

import importlib
import importlib.util
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
        raise _missing(module, user, str(error), otherwise) from None


def check(module: str, user: str) -> None:
    """Raise what :func:`require` raises where a module is not installed, without the time that importing it takes."""
    try:
        there = importlib.util.find_spec(module)
    except (ModuleNotFoundError, ValueError):  # of the package that it is part of; or barred from being imported
        there = None
    if there is None:
        raise _missing(module, user, f"no module {module}", "")


def _missing(module: str, user: str, why: str, otherwise: str) -> UserError:
    advice = f'pip install "mscnn[{EXTRAS[module.partition(".")[0]]}]"' + (f", or {otherwise}" if otherwise else "")
    return UserError(f"{user}: a package is not installed ({why}): {advice}", code="package-missing")
