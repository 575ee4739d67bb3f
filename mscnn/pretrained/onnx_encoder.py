"""Speech encoders in ONNX files: samples (B, n) in, frames (B, T, D) out, as FunASR exports emotion2vec."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.errors import UserError
from mscnn.packages import require
from mscnn.pretrained.hub import reason

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

RATE = 16000
EPSILON = 1e-5  # of the layer norm over all samples, which emotion2vec's authors apply before the network
PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}


class OnnxEncoder:
    """An ONNX file on a device; a recording is normalised to mean 0 and variance 1, and encoded by itself."""

    padded = False

    def __init__(self, path: str, device: str) -> None:
        self.session, self.input, self.output, self.width = _session(path, device)

    def __call__(self, batch: Sequence[np.ndarray], states: Sequence[int]) -> list[Tensor]:
        """Frames (1, T, width) of each recording (n,); all of one length. There are no other hidden states."""
        import numpy as np
        import torch

        samples = np.stack(batch).astype(np.float32)
        mean, variance = samples.mean(axis=1, keepdims=True), samples.var(axis=1, keepdims=True)
        (frames,) = self.session.run([self.output], {self.input: (samples - mean) / np.sqrt(variance + EPSILON)})
        return list(torch.from_numpy(np.asarray(frames, np.float32))[:, None])


@lru_cache(maxsize=2)
def facts(path: str) -> tuple[int, int, int, int]:
    """Values per frame, 0 layers besides the output, samples per frame, samples of the shortest recording.

    Raises:
        UserError: the package is not installed, or the file cannot be read or is no speech encoder.
    """
    import numpy as np

    encoder = OnnxEncoder(path, "cpu")
    try:
        short, long = (encoder([np.zeros(seconds * RATE, np.float32)], [0])[0].shape[1] for seconds in (1, 2))
        hop = round(RATE / (long - short))
    except Exception as error:  # onnxruntime raises many kinds of errors
        raise _unreadable(path, error) from None

    def has_frame(samples: int) -> bool:
        try:
            return encoder([np.zeros(samples, np.float32)], [0])[0].shape[1] > 0
        except Exception:  # too short for its convolutions
            return False

    return encoder.width, 0, hop, bisect_left(range(RATE), True, lo=1, key=has_frame)


@lru_cache(maxsize=2)
def weights(path: str) -> tuple[Path, ...]:
    """The file, and the files besides it that hold its weights; raises UserError where one is missing."""
    onnx = require("onnx", f"speech encoder {path}")
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # of protobuf
        raise _unreadable(path, error) from None
    entries = [entry for tensor in graph.initializer for entry in tensor.external_data if entry.key == "location"]
    files = [Path(path).parent / name for name in sorted({entry.value for entry in entries})]
    if missing := [file for file in files if not file.is_file()]:
        raise _unreadable(path, FileNotFoundError(f"{missing[0].name}, which has its weights, is missing"))
    return Path(path), *files


def _session(path: str, device: str) -> tuple[Any, str, str, int]:
    """The session, the names of its input and output, and values per frame."""
    ort = require("onnxruntime", f"speech encoder {path}")
    providers = [name for name in PROVIDERS[device] if name in ort.get_available_providers()]
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1  # errors are raised
    try:
        session = ort.InferenceSession(path, options, providers)
    except Exception as error:
        raise _unreadable(path, error) from None
    inputs, outputs = session.get_inputs(), [one for one in session.get_outputs() if len(one.shape) == 3]
    found = [f"{one.name} {one.shape}" for one in (*inputs, *session.get_outputs())]
    if len(inputs) != 1 or len(inputs[0].shape) != 2 or not outputs or not isinstance(outputs[0].shape[2], int):
        raise UserError(
            f"speech encoder {path}: expected one input of samples (B, n) and an output of frames (B, T, D), found "
            f"{', '.join(found)}; FunASR writes such a file: AutoModel(model=...).export(type='onnx')",
            code="pretrained-kind",
        )
    return session, inputs[0].name, outputs[0].name, outputs[0].shape[2]


def _unreadable(path: str, error: Exception) -> UserError:
    return UserError(f"speech encoder {path}: cannot be read as ONNX ({reason(error)})", code="pretrained-unreadable")
