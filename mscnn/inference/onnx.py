"""ONNX files of trained networks, for onnxruntime and other runtimes.

A graph takes features as the extractors compute them, in batches padded with zeros; their normalisation is inside, and
batch, frames and tokens are dynamic. It returns the scores of the network. Features, segmentation, the maximum of
``relative`` segments, tokens and the average over segments stay outside: ``metadata_props`` state them, and
:mod:`mscnn.inference.onnx_example` has code.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from mscnn.errors import UserError
from mscnn.packages import require

if TYPE_CHECKING:
    import numpy as np

    from mscnn.config.model import ModelSpec
    from mscnn.models.base import Classifier
    from mscnn.models.inputs import Sizes
    from mscnn.training.examples import Examples

OPSET = 17  # the first with what the networks need; runtimes since 2022 have it
TOLERANCE = 1e-5  # largest difference of a score from that of PyTorch, relative to the largest score where that is > 1
OUTPUT = "scores"
GRID = ((1,), (7, 1), (40, 13, 29), (2, 100))  # frames of the utterances of each batch on which parity is checked
QUANTISED = ("MatMul", "Gemm", "Gather")  # operators with fast integer kernels on CPUs; a convolution has none

Arrays = dict[str, "np.ndarray"]


def input_names(spec: ModelSpec) -> list[str]:
    """Names of the graph's inputs, in order; a feature has its frames and the number of frames, ``NAME_len``."""
    text = ["tokens", "token_len"] if spec.words else []
    xvector = ["xvector"] if spec.xvector else []
    return [part for name in spec.features for part in (name, f"{name}_len")] + text + xvector


def convert(model: Classifier, spec: ModelSpec, statistics: Mapping[str, np.ndarray]) -> tuple[bytes, float]:
    """A network with its normalisation as ONNX, and the largest difference of its scores from PyTorch's.

    Args:
        model: the network, on the CPU, in eval mode; it is not changed.
        statistics: those of normalisation, by their names in ``model.safetensors``.

    Raises:
        UserError: a package is missing (``package-missing``); the network has an operation that ONNX lacks or a branch
            that depends on values (``onnx-unsupported``), or its scores differ (``onnx-parity``).
    """
    require("onnx", "export")
    require("onnxruntime", "export")
    from mscnn.inference.onnx_layers import Graph, exportable

    names, network = input_names(spec), exportable(copy.deepcopy(model)).eval()
    content = _trace(Graph(network, spec, statistics, names), spec, example(spec, model.sizes, GRID[2]))
    return content, parity(Graph(model, spec, statistics, names), content, spec, model.sizes)


def example(spec: ModelSpec, sizes: Sizes, frames: Sequence[int], seed: int = 0) -> Arrays:
    """Random inputs for a graph: utterances (or segments) of so many frames of audio, with 1, 2, … tokens."""
    import numpy as np

    from mscnn.config.model import TEXT_ENCODER

    rng, segments, batch = np.random.default_rng(seed), spec.segments, len(frames)
    most = segments.frames if segments else max(frames)
    lengths = np.minimum(frames, most).astype(np.int64)
    arrays: Arrays = {}
    for name in spec.features:
        dim, own = (sizes.audio, lengths) if name == "audio" else (sizes.extra[name], lengths)
        if name == TEXT_ENCODER:
            own = np.arange(1, batch + 1)  # one row per token, or per text
        elif name != "audio" and not segments:
            own = np.ones(batch, np.int64)  # one row per utterance
        elif name != "audio" and segments and segments.streams.get(name) != segments.frames:
            own = np.full(batch, segments.streams.get(name, 1), np.int64)  # states of a network: as many per segment
        mask = np.arange(own.max()) < own[:, None]
        arrays[name] = (rng.standard_normal((batch, own.max(), dim)) * mask[:, :, None]).astype(np.float32)
        arrays[f"{name}_len"] = own
    if spec.words:
        arrays["token_len"] = np.arange(1, batch + 1)
        mask = np.arange(batch) < arrays["token_len"][:, None]
        arrays["tokens"] = rng.integers(1, sizes.vocabulary, (batch, batch)) * mask
    if spec.xvector:
        arrays["xvector"] = rng.standard_normal((batch, sizes.xvector)).astype(np.float32)
    return {name: arrays[name] for name in input_names(spec)}


def parity(graph: Any, content: bytes, spec: ModelSpec, sizes: Sizes) -> float:
    """Largest difference of the scores of ONNX from those of PyTorch, over batches of 1 to 3 utterances of GRID.

    Raises:
        UserError: it is above TOLERANCE (``onnx-parity``), or the graph does not run (``onnx-unsupported``).
    """
    import numpy as np
    import torch

    session, worst = open_session(content), 0.0
    for frames in GRID:
        inputs = example(spec, sizes, frames)
        try:
            got = session.run([OUTPUT], inputs)[0]
        except Exception as error:  # onnxruntime has a class of its own for every status
            raise _unsupported(spec, f"onnxruntime fails on {frames} frames: {error}") from None
        with torch.no_grad():
            expected = graph(*map(torch.from_numpy, inputs.values())).numpy()
        worst = max(worst, float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max())))
        if not worst <= TOLERANCE:
            raise UserError(
                f"{spec.name}: scores of ONNX differ by {worst:.1e} from those of PyTorch for {frames} frames, more "
                f"than {TOLERANCE:g}: the network computes something else than its graph; use the bundle instead",
                code="onnx-parity",
            )
    return worst


def open_session(content: bytes | str, threads: int = 1) -> Any:
    """An onnxruntime session on the CPU of a graph, its bytes or its path; raises where the package is missing."""
    runtime = require("onnxruntime", "ONNX")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 4
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def scores(session: Any, examples: Examples) -> np.ndarray:
    """Scores (n, classes) of utterances by a graph, one at a time; ``examples`` are not normalised."""
    import numpy as np

    rows = []
    for i in range(len(examples)):
        batch = examples.batch(np.array([i]))
        streams = {"audio": (batch.audio, batch.audio_len)} if batch.audio is not None else {}
        streams |= {name: (frames, batch.extra_len[name]) for name, frames in batch.extra.items()}
        inputs = {name: frames.transpose(1, 2).numpy() for name, (frames, _) in streams.items()}
        inputs |= {f"{name}_len": lengths.numpy() for name, (_, lengths) in streams.items()}
        rest = {"tokens": batch.tokens, "token_len": batch.token_len, "xvector": batch.xvector}
        inputs |= {name: value.numpy() for name, value in rest.items() if value is not None}
        rows.append(session.run([OUTPUT], inputs)[0][0])
    return examples.aggregate(np.stack(rows))


def quantised(content: bytes) -> bytes:
    """The graph with 8-bit weights of its products and tables (QUANTISED); activations are quantised as they come.

    Convolutions and recurrent layers keep single precision: integer ones are slower on a CPU.
    """
    import tempfile

    quantization = require("onnxruntime.quantization", "int8")
    with tempfile.TemporaryDirectory() as folder:
        single, small = Path(folder, "single.onnx"), Path(folder, "int8.onnx")
        single.write_bytes(content)
        with _quiet():
            quantization.quantize_dynamic(single, small, op_types_to_quantize=[*QUANTISED])
        return small.read_bytes()


def with_metadata(content: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The graph with these ``metadata_props``, whose values are written as JSON."""
    onnx = require("onnx", "export")
    graph = onnx.load_from_string(content)
    onnx.helper.set_model_props(graph, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def _trace(graph: Any, spec: ModelSpec, inputs: Arrays) -> bytes:
    import torch

    from mscnn.inference.onnx_layers import symbolics

    axes = {name: {0: "batch"} for name in (*inputs, OUTPUT)}
    for name, value in inputs.items():
        if name == "tokens" or value.ndim == 3:
            axes[name][1] = f"{name}_frames" if value.ndim == 3 else "tokens"
    content = io.BytesIO()
    try:
        with symbolics(torch, OPSET), _quiet():
            torch.onnx.export(
                graph,
                tuple(map(torch.from_numpy, inputs.values())),
                content,  # type: ignore[arg-type]
                input_names=[*inputs],
                output_names=[OUTPUT],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        raise _unsupported(spec, str(error)) from None
    return content.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings, messages and graphs that the exporters print: the results are checked instead."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(level)


def _unsupported(spec: ModelSpec, why: str) -> UserError:
    reason = shorten(why, 300, placeholder=" …")
    return UserError(
        f"{spec.name}: cannot be exported to ONNX: {reason}; use the bundle (mscnn bundle), which runs every network",
        code="onnx-unsupported",
    )
