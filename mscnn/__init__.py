"""mscnn: recipes and tools for speech emotion recognition.

    data = mscnn.DataDir.load("data/iemocap4")                  # a checked data directory
    folds = mscnn.Protocol.load("loso5").folds(data)            # a named protocol, its folds
    print(mscnn.audit(data, "random10"))                        # what train and test share
    print(mscnn.evaluate("predictions.csv", speaker_column="speaker"))
    print(mscnn.compare("a.csv", "b.csv", speaker_column="speaker"))

Names are imported when they are first used: ``import mscnn`` loads nothing else. All functions are safe to call from a
script without a ``__main__`` guard, from a notebook and from a thread: no process is started unless ``nj`` asks for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mscnn.data.datadir import DataDir
    from mscnn.data.protocols import Protocol
    from mscnn.errors import UserError
    from mscnn.evaluation.api import compare, evaluate
    from mscnn.leakage.report import audit

__version__ = "0.2.0.dev0"
__all__ = ["DataDir", "Protocol", "UserError", "audit", "compare", "evaluate"]

_MODULES = {
    "DataDir": "mscnn.data.datadir",
    "Protocol": "mscnn.data.protocols",
    "UserError": "mscnn.errors",
    "audit": "mscnn.leakage.report",
    "compare": "mscnn.evaluation.api",
    "evaluate": "mscnn.evaluation.api",
}


if not TYPE_CHECKING:  # type checkers know the imports above, and refuse all other names

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'mscnn' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
