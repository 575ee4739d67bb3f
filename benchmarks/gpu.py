"""What a GPU does, as a table in Markdown: benchmarks/gpu.sh runs this.

* Each system takes one step from the same weights, on the CPU and on the GPU in single precision: the largest relative
  deviation of loss and gradients. Dropout is off, because devices draw other numbers. A further step on the GPU must
  not wait for it: PyTorch raises an error where one does.
* The protocol of the MSCNN-SPU paper, ten folds and three runs of mscnn_spu_att, on made-up data as large as IEMOCAP.
* X-vectors: a GPU against one core, from frames to vectors.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mscnn.options import Parser, flag, run

TOLERANCE = 1e-3  # of deviations, relative to the largest value of a tensor
FRAMES = {"raw16k": 16000}  # of other features without segments: 300


def main() -> None:
    """Measure, print each row, write ``gpu.md``."""
    parser = Parser("benchmarks/gpu.py", "Check and time training and x-vectors on a GPU.")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder for gpu.md")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="device that is measured")
    parser.add_argument("--tiny", type=flag, default=False, help="few and short examples, true or false")
    parser.add_argument("--systems", nargs="+", default=[], help="names in conf/models; default: all with a network")
    parser.add_argument("--nj", type=int, nargs="+", default=[1, 4, 8], help="trainings at a time; the best counts")
    args = parser.parse_args()

    import torch

    from mscnn.device import choose_device
    from mscnn.files import atomic

    choose_device(args.device)
    name = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    lines = [f"# {name}", "", f"PyTorch {torch.__version__}; written by `benchmarks/gpu.sh`.", ""]
    for section in (systems, protocol, xvectors):
        start = time.monotonic()
        for line in section(args.device, args):
            print(line, flush=True)
            lines.append(line)
        lines += ["", f"Measured in {time.monotonic() - start:.0f} s.", ""]
    args.out.mkdir(parents=True, exist_ok=True)
    with atomic(args.out / "gpu.md") as out:
        out.write("\n".join(lines))


def systems(device: str, args) -> Iterator[str]:
    """A row per configuration of a network."""
    from mscnn.config.model import ModelSpec
    from mscnn.paths import names
    from mscnn.training.network import reproducible

    yield "| system | loss | gradients | waits for the GPU | ms per step |"
    yield "|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        speech = speech_model(folder)
        for name in args.systems or names("models"):
            spec = ModelSpec.load(name)
            if spec.family == "baseline":
                continue
            if "wav2vec2" in {*spec.options, *spec.extra} and not speech:
                yield f"| {name} | – | – | – | transformers is missing |"
                continue
            try:
                with reproducible(device):
                    yield f"| {name} | {' | '.join(one_system(spec, speech, device, args.tiny))} |"
            except Exception as error:  # the table of the others goes on
                yield f"| {name} | failed | {' '.join(str(error).split())[:200]} | – | – |"


def speech_model(folder: str) -> str:
    """A folder with a small wav2vec 2.0 of random weights; empty where the package is missing."""
    try:
        from tests import tiny_wav2vec2

        tiny_wav2vec2.write(folder)
    except ImportError:
        return ""
    return folder


def one_system(spec, speech: str, device: str, tiny: bool) -> list[str]:
    """Deviations of loss and gradients, whether a step waits, and its milliseconds."""
    import copy

    import torch

    from mscnn import models

    if spec.options.get("wav2vec2"):
        spec = replace(spec, options={**spec.options, "wav2vec2": speech})
    examples, sizes = made_up_examples(spec, speech, 3 if tiny else 16)
    torch.manual_seed(0)
    model = models.build(spec, sizes)
    other = copy.deepcopy(model).to(device)
    cpu, gpu = (first_step(network, examples, spec, place) for network, place in ((model, "cpu"), (other, device)))
    loss = abs(cpu - gpu) / max(abs(cpu), 1e-12)
    gradient = max(
        float((a.grad - b.grad.cpu()).abs().max() / a.grad.abs().max().clamp(min=1e-12))
        for a, b in zip(model.parameters(), other.parameters(), strict=True)
        if a.grad is not None and a.grad.any()
    )
    waits, milliseconds = time_steps(other, examples, spec, device, 2 if tiny else 10)
    marks = ["" if value <= TOLERANCE else " (!)" for value in (loss, gradient)]
    return [f"{loss:.1e}{marks[0]}", f"{gradient:.1e}{marks[1]}", waits, f"{milliseconds:.1f}"]


def first_step(model, examples, spec, device: str) -> float:
    """Loss of a step without dropout; its gradients stay in the model."""
    import numpy as np
    from torch import nn

    from mscnn.training import loop
    from mscnn.training.feed import Feed
    from mscnn.training.optimizer import make_optimizer

    model.eval()
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            module.train()  # cuDNN has gradients in this mode only; these layers have no dropout
    ((inputs, labels),) = Feed(examples, device).labelled([np.arange(len(examples))])
    options = replace(spec.training, clip=0.0, precision="single", mask_bins=0, mask_frames=0)
    return float(loop.step(model, inputs, labels, make_optimizer(model, options), options, np.random.default_rng(0)))


def time_steps(model, examples, spec, device: str, steps: int) -> tuple[str, float]:
    """Whether a step waits for the device, and milliseconds of a step."""
    import numpy as np
    import torch

    from mscnn.training import loop
    from mscnn.training.feed import Feed
    from mscnn.training.optimizer import make_optimizer

    feed, optimizer, rng = Feed(examples, device), make_optimizer(model, spec.training), np.random.default_rng(0)
    batches = [np.arange(len(examples))] * steps
    loop.train_epoch(model, feed, batches, optimizer, spec.training, rng)
    waits = "no"
    inputs = list(feed.labelled(batches[:1]))
    if device == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        loop.step(model, *inputs[0], optimizer, spec.training, rng)
    except RuntimeError as error:
        waits = f"yes: {' '.join(str(error).split())[:80]}"
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    start = time.perf_counter()
    loop.train_epoch(model, feed, batches, optimizer, spec.training, rng)
    return waits, 1000 * (time.perf_counter() - start) / steps


def made_up_examples(spec, speech: str, number: int):
    """Examples of noise with the inputs of a system, and the sizes of its network."""
    import numpy as np

    from mscnn.features.config import Feature
    from mscnn.features.store import Frames
    from mscnn.models.inputs import Sizes
    from mscnn.training.examples import Examples, Stream, TokenIds

    rng, dims = np.random.default_rng(0), {}
    examples = Examples([f"u{i}" for i in range(number)], labels=np.arange(number) % 4)
    for name, feature in spec.features.items():
        settings = [f"model={speech}"] if feature == "wav2vec2" else []
        dims[name] = Feature.load(feature, settings).extractor.dim
        size = FRAMES.get(feature, 300)
        if spec.segments:
            size = spec.segments.streams.get(name, spec.segments.frames)
        elif name != "audio" and feature == "prosody35":
            size = 1
        lengths = np.full(number, size) if spec.segments else rng.integers(max(1, size - size // 3), size + 1, number)
        values = rng.standard_normal((lengths.sum(), dims[name]), np.float32)
        examples.streams[name] = Stream.whole(Frames.flat(values, lengths))
    if spec.text:
        examples.tokens = TokenIds.of([rng.integers(1, 500, n).tolist() for n in rng.integers(5, 21, number)])
    if spec.xvector:
        examples.xvectors = rng.standard_normal((number, 512), np.float32)
    audio = {"audio": dims.pop("audio")} if spec.audio else {}
    return examples, Sizes(classes=4, vocabulary=500, extra=dims, **audio)


def protocol(device: str, args) -> Iterator[str]:
    """Seconds of all folds and runs, for each number of trainings at a time and precision."""
    from benchmarks import made_up
    from mscnn import jobs
    from mscnn.training.experiment import ExperimentConfig
    from mscnn.training.runner import train_experiments

    utterances, frames, folds, runs = (80, (5, 9), 2, 1) if args.tiny else (5531, (150, 750), 0, 3)
    small = ("max_epochs=2", "filters=4", "fc_dim=8") if args.tiny else ()
    yield "| system | precision | trainings at a time | trainings | epochs | seconds |"
    yield "|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = made_up.make_data(work / "data" / "set", utterances, 10)
        made_up.make_features(work / "feats", "mfcc96", data, 96, frames)
        vectors = made_up.make_xvectors(work / "xvector", data)
        cases = [(precision, nj) for precision in ("single", "tf32", "bf16") for nj in args.nj]
        for number, (precision, nj) in enumerate(cases):
            setup = ExperimentConfig(
                "mscnn_spu_att",
                data.path,
                "iemocap4",
                "random10",
                work / "exp" / str(number),
                feature_dirs=(work / "feats",),
                xvector=vectors,
                settings=(f"precision={precision}", *small),
                folds=folds,
                runs=runs,
                device=device,
            )
            start = time.perf_counter()
            trained = train_experiments([setup], nj=nj, devices=jobs.gpus() if device == "cuda" else ())
            seconds = time.perf_counter() - start
            epochs = sum(len(file.read_text().splitlines()) for file in setup.exp.glob("fold*/run*/metrics.jsonl"))
            yield f"| mscnn_spu_att | {precision} | {nj} | {trained} | {epochs} | {seconds:.1f} |"


def xvectors(device: str, args) -> Iterator[str]:
    """Frames per second of one core and of the device, and their ratio."""
    import numpy as np
    import torch

    from benchmarks.xvector import make_model
    from mscnn.paths import ROOT
    from mscnn.xvector.modeldir import XvectorModel
    from mscnn.xvector.native import BATCH_FRAMES, embed

    torch.set_num_threads(1)
    rng, speeds, vectors = np.random.default_rng(0), [], []
    with tempfile.TemporaryDirectory() as folder:
        model = XvectorModel.load(make_model(Path(folder, "model"), ROOT / "conf/xvector/espeak/conf"))
        for place, number in (("cpu", 2 if args.tiny else 20), (device, 4 if args.tiny else 4000)):
            frames = {str(i): rng.standard_normal((400, 30), np.float32) for i in range(number)}
            network, options = model.network().to(place), {"chunk_size": 10000, "min_chunk": 25}
            known = {"0": np.ones((400, 30), np.float32)}
            vectors.append(embed(network, known, batch=BATCH_FRAMES[place], **options)["0"])
            embed(network, dict(list(frames.items())[:300]), batch=BATCH_FRAMES[place], **options)  # warm up
            start = time.perf_counter()
            embed(network, frames, batch=BATCH_FRAMES[place], **options)
            speeds.append(400 * number / (time.perf_counter() - start))
    deviation = np.abs(vectors[0] - vectors[1]).max() / np.abs(vectors[0]).max()
    yield "| x-vectors | frames per second | times one core | deviation |"
    yield "|---|---|---|---|"
    yield f"| one core | {speeds[0]:.0f} | 1 | |"
    yield f"| {device} | {speeds[1]:.0f} | {speeds[1] / speeds[0]:.1f} | {deviation:.1e} |"


if __name__ == "__main__":
    run(main)
