"""What systems cost: parameters, GFLOP per second of speech, and, on a corpus, seconds per epoch, all in one run.

    . ./path.sh; python3 benchmarks/systems.py --model glam audio_cnn mscnn_spu_att
    python3 benchmarks/systems.py --model glam audio_cnn --data egs/ravdess/data/ravdess8 --dump egs/ravdess/dump \
        --protocol ravdess6 --out costs.tsv

GFLOP: floating-point operations (a multiply-add counts two) of products and convolutions in the forward pass of one
utterance of 4.5 s and 15 words, IEMOCAP's mean, over 4.5; word embeddings and features are not counted. Seconds per
epoch: CPU seconds of a pass over the training part of fold 1 on one core, from a few steps; the time that an
evaluation on dev takes is not in it. Yardsticks cost next to nothing and have a dash.
"""

import tempfile
import time
from pathlib import Path

from mscnn.options import Parser, positive, run

SECONDS, WORDS = 4.5, 15
CLASSES = ["angry", "happy", "sad", "neutral"]


def main() -> None:
    """Measure, print a line a system, write them where asked to."""
    parser = Parser("benchmarks/systems.py", "Count and time systems on one core.")
    parser.add_argument("--model", required=True, nargs="+", help="names in conf/models, or .yaml files")
    parser.add_argument("--data", type=Path, help="data directory to time epochs on; default: none, counts only")
    parser.add_argument("--dump", type=Path, help="its features: DUMP/<feature>/<name of the data directory>")
    parser.add_argument("--protocol", default="random10", help="name in conf/protocols; its first fold is used")
    parser.add_argument("--steps", type=positive, default=4, help="steps to time, after one that is not counted")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes of the configurations")
    parser.add_argument("--out", help="tab-separated file to write; default: none")
    args = parser.parse_args()

    import torch

    from mscnn.files import atomic
    from mscnn.models import ModelSpec

    torch.set_num_threads(1)
    rows = [("model", "parameters", "gflop_per_second", "seconds_per_epoch")]
    for name in args.model:
        spec = ModelSpec.load(name, args.set)
        row = (spec.name, "-", "-", "-")
        if spec.family != "yardstick":
            parameters, gflop = count(spec)
            epoch = f"{time_epoch(spec, args):.1f}" if args.data else "-"
            row = (spec.name, str(parameters), f"{gflop:.3f}", epoch)
        rows.append(row)
        print("\t".join(row), flush=True)
    if args.out:
        with atomic(args.out) as out:
            out.writelines("\t".join(row) + "\n" for row in rows)


def count(spec) -> tuple[int, float]:
    """Parameters without word embeddings, and GFLOP a second of speech."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from mscnn.data.protocols import Fold

    with tempfile.TemporaryDirectory() as folder:
        data = noise(Path(folder))
        features = {name: extracted(data, feature, Path(folder)) for name, feature in spec.features.items()}
        parts, model = built(spec, data, Fold(1, *[tuple(data.utts)] * 3), CLASSES, features, Path(folder))
    dev = parts.dev
    # oneDNN's recurrent layers are one operation that the counter does not know: without, they are sums of products
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        model.eval()(dev.batch(range(len(dev))))
    own = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("embedding."))
    return own, counter.get_total_flops() / len(dev.utts) / SECONDS / 1e9


def noise(folder: Path):
    """A data directory with two utterances of noise and words, and their x-vectors."""
    import numpy as np
    import soundfile

    from mscnn.data.datadir import DataDir
    from mscnn.features.archive import write_archive

    rng, utts = np.random.default_rng(0), ["a-1", "a-2"]
    for utt in utts:
        soundfile.write(folder / f"{utt}.wav", 0.1 * rng.standard_normal(int(SECONDS * 16000)), 16000, subtype="PCM_16")
    tables = {
        "wav.scp": {utt: folder / f"{utt}.wav" for utt in utts},
        "text": {utt: " ".join(f"word{i}" for i in range(WORDS)) for utt in utts},
        "utt2spk": dict.fromkeys(utts, "a"),
        "utt2emo": dict.fromkeys(utts, CLASSES[0]),
        "utt2dur": dict.fromkeys(utts, str(SECONDS)),
    }
    DataDir.write(folder / "data", tables)
    write_archive(folder / "xvector", [(utt, rng.standard_normal(512).astype(np.float32)) for utt in utts])
    return DataDir.load(folder / "data")


def extracted(data, name: str, folder: Path):
    """Features of the noise."""
    from mscnn.features.archive import FeatureDir
    from mscnn.features.config import Feature
    from mscnn.features.extract import extract

    extract(data, Feature.load(name), folder / name, nj=1, convert=False)
    return FeatureDir.load(folder / name)


def built(spec, data, fold, classes: list[str], features: dict, folder: Path):
    """Examples of a fold, and the network for them."""
    import torch

    from mscnn.training.parts import TextOptions, make_parts

    parts = make_parts(spec, data, fold, classes, features=features, text=TextOptions(),
                       xvector=folder / "xvector.scp" if spec.xvector else None, cache=folder, seed=0)  # fmt: skip
    torch.manual_seed(0)
    return parts, spec.build(parts.sizes)


def time_epoch(spec, args) -> float:
    """Seconds of a pass over the training part."""
    import numpy as np
    import torch

    from mscnn.data.datadir import DataDir
    from mscnn.data.protocols import Protocol, make_folds
    from mscnn.features.archive import FeatureDir
    from mscnn.training import loop

    data = DataDir.load(args.data)
    fold = make_folds(Protocol.load(args.protocol), data)[0]
    features = {name: FeatureDir.load(args.dump / feature / data.path.name) for name, feature in spec.features.items()}
    parts, model = built(spec.without_xvector(), data, fold, sorted(set(data.emo.values())), features, args.data)
    optimizer, state = loop.make_optimizer(model, spec.training), loop.State()
    batches = loop.draw(parts.train, spec.training, np.random.default_rng(0))
    model.train()
    torch.manual_seed(0)
    for batch in batches[: args.steps + 1]:
        if state.steps == 1:
            start = time.process_time()
        loop.step(model, parts.train, batch, optimizer, spec.training, np.random.default_rng(0), "cpu")
        state.steps += 1
    return (time.process_time() - start) / args.steps * len(parts.train) / spec.training.batch_size


if __name__ == "__main__":
    run(main)
