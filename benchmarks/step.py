"""CPU time of training steps on one core, beside matrix products, the paper's layers as they are, and official code.

    python3 benchmarks/step.py [--official GLAM]

Everything takes turns in one process, in the settings of a training, and the least of the repeats counts: other work on
the machine slows all down. The limit is the number of operations of the convolutions and products of a step, over the
rate of a product of two 2048 x 2048 matrices. Matrices are multiplied by PyTorch, and by NumPy: MKL, which PyTorch has,
uses AVX2 only on processors of AMD, OpenBLAS and oneDNN (convolutions) all that a processor has.
"""

import sys
import time
from collections.abc import Callable

from mscnn.options import Parser, positive, run

SYSTEMS = {"audio_cnn": (64, 450), "mscnn_spu_att": (64, 450), "glam": (32, 57), "cnn_attn_pooling": (8, 197)}
TOKENS = 24
SIZE = 2048
GEMM = ("torch single", "torch bf16", "NumPy single")

Step = Callable[[], object]


def main() -> None:
    """Measure, and print two tables."""
    parser = Parser("benchmarks/step.py", "CPU time of training steps on one core.")
    parser.add_argument("--models", nargs="+", default=[*SYSTEMS], choices=SYSTEMS, help="systems to measure")
    parser.add_argument("--repeats", type=positive, default=7, help="repeats, of which the fastest counts")
    parser.add_argument("--official", help="clone of github.com/lixiangucas01/GLAM; needs the package g-mlp-pytorch")
    args = parser.parse_args()

    from mscnn.jobs.inprocess import one_thread
    from mscnn.training.network import reproducible

    steps: dict[tuple[str, str], Step] = {("product", name): step for name, step in products().items()}
    work = {}
    for name in args.models:
        work[name], made = systems(name, args.official)
        steps |= {(name, kind): step for kind, step in made.items()}
    with one_thread(), reproducible("cpu"):  # waiting threads of a library would take CPU time too
        seconds = fastest(steps, args.repeats)
    print("\n".join(table(seconds, work)))


def products() -> dict[str, Step]:
    """A product of two matrices, in each of the ways of GEMM."""
    import torch

    a = torch.randn(SIZE, SIZE)
    half, array = a.bfloat16(), a.numpy()
    return dict(zip(GEMM, (lambda: a @ a, lambda: half @ half, lambda: array @ array), strict=True))


def systems(name: str, official: str | None) -> tuple[float, dict[str, Step]]:
    """Operations of a step, in units of 1e9, and the steps by kind."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.as_written import AsWritten
    from mscnn import models
    from mscnn.config.model import ModelSpec
    from mscnn.features.config import Feature
    from mscnn.models.inputs import Sizes

    spec = ModelSpec.load(name)
    torch.manual_seed(0)
    model = models.build(spec, Sizes(4, audio=Feature.load(spec.features["audio"]).extractor.dim)).train()
    batch, frames = SYSTEMS[name]
    inputs, labels = random_inputs(model.sizes, batch, frames), torch.randint(0, 4, (batch,))
    with FlopCounterMode(display=False) as counter:
        model.loss(inputs, labels).backward()
    made = {"single": step(model, inputs, labels, spec), "bf16": step(model, inputs, labels, spec, "bf16")}
    if spec.family == "mscnn":
        made["as written"] = step(AsWritten(model), inputs, labels, spec)
    elif name == "glam" and official:
        made["official"] = step(official_glam(official, frames), inputs, labels, spec)
    return counter.get_total_flops() / 1e9, made


def random_inputs(sizes, batch: int, frames: int):
    """A batch of random values; audio as long as ``frames``, or up to a tenth shorter where lengths may differ."""
    import torch

    from mscnn.models.inputs import Inputs
    from mscnn.models.layers import length_mask

    full = torch.full((batch,), frames)
    lengths = full - torch.randint(frames // 10 + 1, (batch,)) if frames == 450 else full
    audio = torch.rand(batch, frames, sizes.audio) * length_mask(lengths, frames)[:, :, None]
    tokens = torch.randint(1, sizes.vocabulary, (batch, TOKENS))
    return Inputs(audio.transpose(1, 2), lengths, tokens, torch.tensor([TOKENS] * batch), torch.randn(batch, 512))


def step(model, inputs, labels, spec, precision: str = "single") -> Step:
    """A training step of a network, with the options of the configuration."""
    from dataclasses import replace

    import numpy as np

    from mscnn.training import loop

    options, rng = replace(spec.training, precision=precision), np.random.default_rng(0)
    optimizer = loop.make_optimizer(model, options)
    return lambda: loop.step(model, inputs, labels, optimizer, options, rng)


def official_glam(folder: str, frames: int):
    """The network of the authors' code, for steps."""
    from torch import nn
    from torch.nn import functional as F

    sys.path.insert(0, folder)
    from models import GLAM  # type: ignore[attr-defined, import-not-found]  # of the clone

    class Official(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = GLAM(shape=(26, frames))

        def forward(self, inputs):
            return self.network(inputs.audio[:, None])

        def criterion(self, scores, labels):
            return F.cross_entropy(scores, labels)

        def loss(self, inputs, labels):
            return self.criterion(self(inputs), labels)

    return Official()


def fastest(steps: dict[tuple[str, str], Step], repeats: int) -> dict[tuple[str, str], float]:
    """CPU seconds of each step, the least of ``repeats`` after one that is not counted."""
    seconds = dict.fromkeys(steps, float("inf"))
    for repeat in range(repeats + 1):
        for name, action in steps.items():
            start = time.process_time()
            action()
            if repeat:
                seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


def table(seconds: dict[tuple[str, str], float], work: dict[str, float]) -> list[str]:
    """Lines of Markdown: rates of products, then a line per system."""
    rates = {name: 2 * SIZE**3 / 1e9 / seconds["product", name] for name in GEMM}
    lines = ["| product | GFLOP/s |", "|---|--:|", *(f"| {name} | {rate:.0f} |" for name, rate in rates.items()), ""]
    lines += [
        "| system | GFLOP | single, ms | of torch's product | of NumPy's | bf16, ms | single / bf16 | plain, ms |"
    ]
    lines += ["|---" + "|--:" * 9 + "|"]
    lines[-2] += " plain / single | plain / bf16 |"
    for name, operations in work.items():
        single, half = seconds[name, "single"], seconds[name, "bf16"]
        shares = [f"{operations / single / rates[of]:.0%}" for of in ("torch single", "NumPy single")]
        cells = [name, f"{operations:.1f}", f"{1e3 * single:.0f}", *shares, f"{1e3 * half:.0f}", f"{single / half:.2f}"]
        plain = seconds.get((name, "as written"), seconds.get((name, "official")))
        cells += [f"{1e3 * plain:.0f}", f"{plain / single:.2f}", f"{plain / half:.2f}"] if plain else ["–"] * 3
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    run(main)
