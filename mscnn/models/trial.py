"""A network before it is trained: its size, and whether its options fit what it takes.

Layers compute their sizes from options and inputs; a kernel or a pool that is larger than its input, or a network
larger than memory, is one error here, and not the end of every training.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn import heap
from mscnn.config.model import ModelSpec
from mscnn.config.schema import shown
from mscnn.errors import UserError
from mscnn.jobs.machine import memory
from mscnn.models import families

if TYPE_CHECKING:
    from mscnn.models.base import Classifier
    from mscnn.models.inputs import Inputs, Sizes

BYTES = 4  # of a weight
MISFITS = (
    ArithmeticError,
    IndexError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)  # what layers raise where sizes do not fit


@contextmanager
def without_memory() -> Iterator[None]:
    """A context in which networks have shapes, but neither values nor memory.

    Random initial values are not drawn: on the meta device they would load PyTorch's compiler, for a second.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class WithoutValues(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func.__name__ in ("normal_", "uniform_"):
                return args[0] if args else kwargs["tensor"]
            return func(*args, **kwargs)

    with torch.device("meta"), WithoutValues():
        yield


def build(spec: ModelSpec, sizes: Sizes) -> Classifier:
    """A new network, as :func:`mscnn.models.build`, whose weights fit in memory.

    Raises:
        UserError: they are more than the available memory (``model-too-large``), its options do not fit the sizes
            (``model-shape``), or as :func:`mscnn.models.build`.
    """
    if not families.pretrained(spec):  # those are loaded, and were trained somewhere
        with fitting(spec), without_memory():
            weights = sum(value.numel() for value in families.build(spec, sizes).state_dict().values())
        if BYTES * weights > memory():
            raise _too_large(spec, f"{weights:,} weights of {BYTES} bytes")
    with fitting(spec):
        return families.build(spec, sizes)


def check_segments(spec: ModelSpec, sizes: Sizes) -> None:
    """Check, before there are features, that a network of segments takes whole ones; raises as :func:`build`."""
    import torch

    if spec.segments is None:
        return
    model = build(spec, sizes).eval()
    with fitting(spec, f"a segment of {spec.segments.frames} frames"), torch.inference_mode():
        model(_segment(spec, sizes))


@contextmanager
def fitting(spec: ModelSpec, taken: str = "its inputs") -> Iterator[None]:
    """A context in which errors of layers are errors of the user: options that do not fit the input ``taken``.

    Raises:
        UserError: they do not fit it (``model-shape``), or memory (``model-too-large``).
    """
    try:
        with heap.limited(memory()), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of layers of size 0
            yield
    except MISFITS as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, MemoryError) or "allocate" in reason:
            raise _too_large(spec, f"{taken}: {shown(reason)}") from error
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{spec.name}{_settings(spec)}: its options do not fit {taken}: {shown(reason)} "
            f"({Path(last.filename).name}:{last.lineno}). Most often a kernel, a pool or a window is larger than what "
            "is left of the input there: make it smaller, or the input (frames, segments.frames, bins) larger",
            code="model-shape",
        ) from error


def _too_large(spec: ModelSpec, what: str) -> UserError:
    return UserError(
        f"{spec.name}{_settings(spec)}: more than the {memory() / 1e9:.1f} GB of memory that are available: {what}; "
        "give layers or inputs of smaller sizes",
        code="model-too-large",
    )


def _settings(spec: ModelSpec) -> str:
    """The settings of the user, for messages."""
    given = dict.fromkeys(str(origin) for origin in spec.origins.values() if not isinstance(origin, Path))
    return f" ({shown(', '.join(given))})" if given else ""


def _segment(spec: ModelSpec, sizes: Sizes) -> Inputs:
    """A batch of one segment, of zeros."""
    import torch

    from mscnn.models.inputs import Inputs

    assert spec.segments is not None
    frames, inputs = spec.segments.frames, Inputs()
    inputs.audio, inputs.audio_len = torch.zeros(1, sizes.audio, frames), torch.tensor([frames])
    for name, dim in sizes.extra.items():
        length = spec.segments.streams.get(name, frames)
        inputs.extra[name], inputs.extra_len[name] = torch.zeros(1, dim, length), torch.tensor([length])
    if spec.text:
        inputs.tokens, inputs.token_len = torch.zeros(1, 1, dtype=torch.long), torch.tensor([1])
    if spec.xvector:
        inputs.xvector = torch.zeros(1, sizes.xvector)
    return inputs
