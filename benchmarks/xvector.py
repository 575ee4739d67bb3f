"""Speed of stage 2: the native backend against Kaldi's programs, and a GPU against one CPU core, as ratios in one run.

    . ./path.sh; python3 benchmarks/xvector.py [--data DIR] [--nj 2] [--utterances 100]

The network has the size of Kaldi's public VoxCeleb model (512/1500/512, random weights); without --data the utterances
are 2 to 12 seconds of noise. Comparisons that need something unavailable (Kaldi, a GPU) are skipped with a message.
"""

import tempfile
import time
from pathlib import Path

from mscnn.options import Parser, positive, run
from mscnn.paths import ROOT


def main() -> None:
    """Measure, print one line per comparison."""
    parser = Parser("benchmarks/xvector.py", "Time the backends of stage 2 on the same utterances.")
    parser.add_argument("--data", default="", help="data directory; empty: noise")
    parser.add_argument("--utterances", type=positive, default=100, help="number of noise utterances, without --data")
    parser.add_argument("--nj", type=positive, default=2, help="processes")
    parser.add_argument(
        "--feature-conf", default=str(ROOT / "conf/xvector/espeak/conf"), help="folder with mfcc.conf and vad.conf"
    )
    args = parser.parse_args()

    from mscnn.data.datadir import DataDir
    from mscnn.xvector import kaldi
    from mscnn.xvector.modeldir import XvectorModel

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = XvectorModel.load(make_model(work / "model", Path(args.feature_conf)))
        data = DataDir.load(args.data or make_noise(work / "data", args.utterances))
        hours = sum(data.dur.values()) / 3600
        print(f"{len(data.utts)} utterances, {hours:.2f} h, {args.nj} processes")
        seconds = {"native": time_backend("native", data, model, work, args.nj)}
        if missing := kaldi.missing():
            print(f"Kaldi: not measured, missing: {', '.join(missing)}")
        else:
            seconds["kaldi"] = time_backend("kaldi", data, model, work, args.nj)
            print(f"ratio kaldi / native, wave files to vectors: {seconds['kaldi'] / seconds['native']:.2f}")
        time_devices(model)


def time_backend(backend, data, model, work: Path, nj: int) -> float:
    """Seconds of stage 2, including the start of its processes."""
    from mscnn.xvector.extract import extract

    start = time.perf_counter()
    options = {"unvoiced": "all-frames", "chunk_size": 0, "convert": True, "device": "cpu", "nj": nj}
    extract(data, model, work / backend, backend=backend, **options)
    seconds = time.perf_counter() - start
    print(f"{backend}: {seconds:.1f} s, {sum(data.dur.values()) / seconds:.0f} times real time")
    return seconds


def time_devices(model) -> None:
    """Print the speed of one CPU core and of a GPU, from frames to vectors."""
    import numpy as np
    import torch

    from mscnn.xvector.native import BATCH_FRAMES, embed

    rng, speeds = np.random.default_rng(0), {}
    for device, utterances in (("cpu", 20), ("cuda", 4000)):
        if device == "cuda" and not torch.cuda.is_available():
            print("GPU: not measured, PyTorch finds none")
            return
        torch.set_num_threads(1)
        frames = {str(i): rng.normal(size=(400, 30)).astype(np.float32) for i in range(utterances)}
        network = model.network().to(device)
        options = {"chunk_size": 10000, "min_chunk": 25, "batch": BATCH_FRAMES[device]}
        embed(network, dict(list(frames.items())[:300]), **options)  # warm up
        start = time.perf_counter()
        embed(network, frames, **options)
        speeds[device] = 400 * utterances / (time.perf_counter() - start)
        print(f"{device}: {speeds[device]:.0f} frames per second")
    print(f"ratio GPU / one CPU core, frames to vectors: {speeds['cuda'] / speeds['cpu']:.1f}")


def make_model(folder: Path, conf: Path) -> Path:
    """Folder of a model with the size of the public one, and random weights."""
    import shutil

    import numpy as np

    from mscnn.xvector import components, nnet3

    rng, lines, parts = np.random.default_rng(0), ["input-node name=input dim=30"], {}

    def add(component: nnet3.Component, source: str) -> str:
        parts[component.name] = component
        lines.append(f"component-node name={component.name} component={component.name} input={source}")
        return component.name

    def layer(name: str, source: str, inputs: int, outputs: int) -> str:
        weight = rng.normal(size=(outputs, inputs)) / np.sqrt(inputs)
        source = add(components.affine(f"{name}.affine", weight, rng.normal(size=outputs)), source)
        source = add(components.relu(f"{name}.relu", outputs), source)
        return add(components.batchnorm(f"{name}.bn", np.full(outputs, 0.4), np.full(outputs, 0.3), 1e6), source)

    def context(source: str, *offsets: int) -> str:
        return f"Append({', '.join(f'Offset({source}, {n})' for n in offsets)})"

    node = layer("tdnn1", context("input", -2, -1, 0, 1, 2), 150, 512)
    node = layer("tdnn2", context(node, -2, 0, 2), 1536, 512)
    node = layer("tdnn3", context(node, -3, 0, 3), 1536, 512)
    node = layer("tdnn5", layer("tdnn4", node, 512, 512), 512, 1500)
    node = add(components.stats_pooling("pooling", 1500), add(components.stats_extraction("statistics", 1500), node))
    layer("tdnn6", f"Round({node}, 1)", 3000, 512)
    lines.append("output-node name=output input=tdnn6.affine")
    nnet3.write(nnet3.Nnet(tuple(lines), parts), folder / "final.raw")
    shutil.copytree(conf, folder / "conf")
    (folder / "min_chunk_size").write_text("25\n")
    (folder / "max_chunk_size").write_text("10000\n")
    return folder


def make_noise(folder: Path, utterances: int) -> Path:
    """A data directory of bursts of noise."""
    import numpy as np
    import soundfile

    from mscnn.data.datadir import DataDir

    rng, tables = np.random.default_rng(0), {}
    folder.mkdir()
    for i in range(utterances):
        samples = rng.normal(size=int(rng.uniform(2, 12) * 16000))
        samples *= 0.1 * (np.sin(np.arange(len(samples)) / 4000) > -0.7)
        utt, wav = f"noise-{i:04d}", folder / f"{i:04d}.wav"
        soundfile.write(wav, samples, 16000, subtype="PCM_16")
        row = {
            "wav.scp": wav,
            "text": "noise",
            "utt2spk": "noise",
            "utt2emo": "neutral",
            "utt2dur": len(samples) / 16000,
        }
        for name, value in row.items():
            tables.setdefault(name, {})[utt] = value
    DataDir.write(folder / "set", tables)
    return folder / "set"


if __name__ == "__main__":
    run(main)
