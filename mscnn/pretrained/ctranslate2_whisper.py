"""Encoders of Whisper in CTranslate2's format, as faster-whisper takes them: ``model.bin`` in a folder.

The file is read here, so that all hidden states can be had: the package ctranslate2 returns the last only.
Layout (little endian; ctranslate2/specs/model_spec.py): version, name and revision of the specification, number of
variables; of each its name, rank, shape, type, size in bytes and values.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mscnn.errors import UserError
from mscnn.packages import require

if TYPE_CHECKING:
    import numpy as np

FILE = "model.bin"
SPECIFICATION, VERSION = "WhisperSpec", 6
TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # ids of types; 5 is bfloat16
FLOATS = ("<f4", "<f2")
PARTS = {  # module of transformers -> of CTranslate2
    "conv1": "conv1",
    "conv2": "conv2",
    "embed_positions": "position_encodings",
    "layer_norm": "layer_norm",
}
LAYER_PARTS = {
    "self_attn.out_proj": "self_attention/linear_1",
    "self_attn_layer_norm": "self_attention/layer_norm",
    "fc1": "ffn/linear_0",
    "fc2": "ffn/linear_1",
    "final_layer_norm": "ffn/layer_norm",
}
ATTENTION, PROJECTIONS = "self_attention/linear_0", ("q_proj", "k_proj", "v_proj")  # one matrix there, three here


@dataclass(frozen=True)
class Variable:
    """A variable: its shape, its type for numpy (empty: not known), and where its values begin."""

    shape: tuple[int, ...]
    dtype: str
    offset: int


def configuration(folder: str) -> Any:
    """``WhisperConfig`` of the encoder; raises UserError where it cannot be read or the package is not installed."""
    require("transformers", f"Whisper {folder}")
    from transformers import WhisperConfig

    variables = _variables(folder)
    try:
        width, mels, _ = variables["encoder/conv1/weight"].shape
        return WhisperConfig(
            num_mel_bins=mels,
            d_model=width,
            encoder_layers=len(
                {name.split("/")[1] for name in variables if name.startswith("encoder/layer_")} - {"layer_norm"}
            ),
            encoder_attention_heads=int(_values(folder, variables["encoder/num_heads"])),
            encoder_ffn_dim=variables["encoder/layer_0/ffn/linear_0/weight"].shape[0],
            max_source_positions=variables["encoder/position_encodings/encodings"].shape[0],
        )
    except (LookupError, ValueError) as error:
        raise _damaged(folder, error) from None


def network(folder: str) -> Any:
    """The encoder as ``WhisperEncoder`` of transformers, float32, in evaluation mode.

    Raises:
        UserError: the file is damaged, is not a Whisper, or its weights are quantised.
    """
    config = configuration(folder)
    import torch
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    try:
        weights = {name: torch.from_numpy(value.astype("f4")) for name, value in _weights(folder, config)}
        with torch.device("meta"):
            encoder = WhisperEncoder(config)
        encoder.load_state_dict(weights, assign=True)
    except (LookupError, ValueError, RuntimeError) as error:
        raise _damaged(folder, error) from None
    return encoder.eval()


def _weights(folder: str, config: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Weights of the encoder under their names in transformers."""
    import numpy as np

    variables = _variables(folder)
    layers = range(config.encoder_layers)
    places = {**PARTS, **{f"layers.{i}.{k}": f"layer_{i}/{v}" for i in layers for k, v in LAYER_PARTS.items()}}
    for ours, theirs in places.items():
        for name in ("weight", "bias", "gamma", "beta", "encodings"):
            if variable := variables.get(f"encoder/{theirs}/{name}"):
                yield f"{ours}.{'bias' if name in ('bias', 'beta') else 'weight'}", _values(folder, variable)
    for i in layers:
        for name in ("weight", "bias"):
            values = np.split(_values(folder, variables[f"encoder/layer_{i}/{ATTENTION}/{name}"]), 3)
            for part, value in zip(PROJECTIONS, values, strict=True):
                if (part, name) != ("k_proj", "bias"):  # zeros: Whisper has none
                    yield f"layers.{i}.self_attn.{part}.{name}", value


@lru_cache(maxsize=2)
def _variables(folder: str) -> dict[str, Variable]:
    """All variables of the file by name; raises UserError where it is not a Whisper or is truncated."""
    path = Path(folder, FILE)
    try:
        with path.open("rb") as file:
            (version,) = _read(file, "<I")
            name = _text(file)
            if (version, name) != (VERSION, SPECIFICATION):
                raise ValueError(f"expected {SPECIFICATION} of version {VERSION}, found {name[:40]} of {version}")
            _, count = _read(file, "<II")
            return {name: variable for name, variable in (_variable(file, os.path.getsize(path)) for _ in range(count))}
    except (OSError, ValueError, struct.error) as error:
        raise _damaged(folder, error) from None


def _variable(file: BinaryIO, size: int) -> tuple[str, Variable]:
    name = _text(file)
    (rank,) = _read(file, "<B")
    *shape, kind, length = _read(file, f"<{rank}IBI")
    start = file.tell()
    if start + length > size:
        raise ValueError(f"truncated at {name}")
    file.seek(length, os.SEEK_CUR)
    return name, Variable(tuple(shape), TYPES.get(kind, ""), start)


def _values(folder: str, variable: Variable) -> np.ndarray:
    import numpy as np

    if variable.shape and variable.dtype not in FLOATS:
        raise ValueError(
            f"weights of type {variable.dtype or 'bfloat16'}; convert with --quantization float16 or float32"
        )
    with Path(folder, FILE).open("rb") as file:
        file.seek(variable.offset)
        return np.fromfile(file, variable.dtype, int(np.prod(variable.shape))).reshape(variable.shape)


def _read(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _text(file: BinaryIO) -> str:
    return file.read(_read(file, "<H")[0])[:-1].decode()  # ends with a zero byte


def _damaged(folder: str, error: Exception) -> UserError:
    return UserError(
        f"Whisper {folder}: {FILE} cannot be read ({error}); expected a Whisper in CTranslate2's format, as of "
        "faster-whisper",
        code="pretrained-unreadable",
    )
