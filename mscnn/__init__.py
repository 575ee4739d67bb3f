"""mscnn: recipes and tools for speech emotion recognition.

    data = mscnn.DataDir.load("data/iemocap4")                  # a checked data directory
    folds = mscnn.Protocol.load("loso5").folds(data)            # a named protocol, its folds
    print(mscnn.audit(data, "random10"))                        # what train and test share
    print(mscnn.evaluate("predictions.csv", speaker_column="speaker"))
    print(mscnn.load_model("exp/TAG").predict("a.wav"))         # emotion of a recording
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
    from mscnn.inference.load import load_model
    from mscnn.inference.predictor import Predictor
    from mscnn.inference.result import Result, Segment
    from mscnn.leakage.report import audit

__version__ = "0.2.0.dev0"
__all__ = [
    "DataDir",
    "Predictor",
    "Protocol",
    "Result",
    "Segment",
    "UserError",
    "audit",
    "compare",
    "evaluate",
    "load_model",
]

_MODULES = {
    "DataDir": "mscnn.data.datadir",
    "Predictor": "mscnn.inference.predictor",
    "Protocol": "mscnn.data.protocols",
    "Result": "mscnn.inference.result",
    "Segment": "mscnn.inference.result",
    "UserError": "mscnn.errors",
    "audit": "mscnn.leakage.report",
    "compare": "mscnn.evaluation.api",
    "evaluate": "mscnn.evaluation.api",
    "load_model": "mscnn.inference.load",
}


if not TYPE_CHECKING:  # type checkers know the imports above, and refuse all other names

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'mscnn' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
