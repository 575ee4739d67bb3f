"""A training step of every network on the meta device: nothing waits for the device, nothing is made elsewhere.

Tensors of this device have no values, so that whatever reads one fails; an operation that mixes it with another device
fails as well. No GPU is needed.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.inputs import Sizes
from mscnn.paths import names
from mscnn.training import loop
from mscnn.training.optimizer import make_optimizer
from tests.unit.models.contract import batch
from tests.unit.models.systems import SMALL, spec_of, widths

NETWORKS = [name for name in names("models") if ModelSpec.load(name).family != "baseline"]
RAISING = {  # on a GPU, under torch.use_deterministic_algorithms; see its documentation
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_ctc_loss_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "bincount",
    "cumsum",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "histc",
    "kthvalue",
    "max_unpool2d",
    "max_unpool3d",
    "median",
    "nll_loss2d_forward",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "upsample_trilinear3d_backward",
}
READING = {"_local_scalar_dense", "equal", "is_nonzero", "item", "masked_select", "nonzero", "unique2", "_unique2"}


class Watch(TorchDispatchMode):
    """Refuses operations that wait for a GPU, copy from or to it, or raise there in deterministic mode."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, given = func.overloadpacket.__name__, tensors((args, kwargs))
        if any(tensor.is_meta for tensor in given):
            assert name not in READING | RAISING, func
        result = func(*args, **(kwargs or {}))
        places = {tensor.device.type for tensor in given + tensors(result) if tensor.dim()}
        assert places <= {"meta"}, f"{func} of the CPU"  # a scalar of the CPU is an argument of a kernel
        return result


def tensors(values: object) -> list[torch.Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_waits_for_nothing_and_stays_on_the_device(name, wav2vec2_folder):
    spec, sizes = configured(name, wav2vec2_folder)
    with torch.device("cpu" if "wav2vec2" in spec.options else "meta"):  # transformers loads weights on the CPU
        model = models.build(spec, sizes)
    model.to("meta").class_weights = torch.ones(4, device="meta")
    if "wav2vec2" in model._modules:
        model.wav2vec2.config.mask_time_prob = 0.0  # transformers draws these masks on the processor, and copies them
    longest = 9000 if spec.audio == "raw16k" else int(spec.options.get("frames", 30))
    inputs = batch(spec, sizes, (longest, longest - longest // 3, longest // 2)).mapped(in_single).to("meta")
    labels, optimizer = torch.zeros(3, dtype=torch.long, device="meta"), make_optimizer(model, spec.training)
    with Watch():
        model.train()
        loss = loop.step(model, inputs, labels, optimizer, spec.training, np.random.default_rng(0))
        optimizer.step()  # with a state
        model.eval()
        with torch.inference_mode():
            scores = model(inputs)
    assert loss.device.type == scores.device.type == "meta" and scores.shape == (3, 4) and loss.shape == ()


def configured(name: str, wav2vec2_folder: Path) -> tuple[ModelSpec, Sizes]:
    """A configuration with small options, and the sizes of its network."""
    spec = ModelSpec.load(name)
    changes = SMALL.get(spec.family, {}) | ({"wav2vec2": str(wav2vec2_folder)} if spec.options.get("wav2vec2") else {})
    changes |= {"samples": 40000} if spec.options.get("samples") else {}
    spec = spec_of(name, **{key: value for key, value in changes.items() if key in spec.options})
    dims = widths(spec, wav2vec2_folder)
    audio = {"audio": dims.pop("audio")} if spec.audio else {}
    return spec, Sizes(classes=4, vocabulary=20, embedding=6, xvector=5, extra=dims, **audio)


def in_single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
