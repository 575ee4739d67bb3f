"""Costs of systems: parameters, GFLOP per second of speech and, on a corpus, seconds per epoch, all in one run.

    . ./path.sh; python3 benchmarks/systems.py --model glam audio_cnn mscnn_spu_att
    python3 benchmarks/systems.py --model glam audio_cnn --data egs/ravdess/data/ravdess8 --dump egs/ravdess/dump \
        --protocol ravdess6 --out costs.tsv

GFLOP per second: floating-point operations (a multiply-add counts two) of matrix products and convolutions in the
forward pass of an utterance of 4.5 s and 15 words, the mean of IEMOCAP, divided by 4.5; word embeddings and features
are not counted. Seconds per epoch: CPU seconds for the training part of fold 1 on one core, extrapolated from a few
steps, without evaluation on dev. Baselines cost almost nothing and have a dash; a failed measurement has its reason in
place of the value. python3 -m mscnn.bin.overview --costs costs.tsv shows the numbers beside scores.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mscnn.options import Parser, positive, run

COLUMNS = ("model", "parameters", "gflop_per_second", "seconds_per_epoch")
UTTERANCE_SECONDS, UTTERANCE_WORDS = 4.5, 15
CLASSES = ["angry", "happy", "sad", "neutral"]


def main() -> None:
    """Measure, print one line per system, write them to --out."""
    parser = Parser("benchmarks/systems.py", "Count and time systems on one core.")
    parser.add_argument("--model", required=True, nargs="+", help="names in conf/models, or .yaml files")
    parser.add_argument("--data", type=Path, help="data directory to time epochs on; default: none, counts only")
    parser.add_argument(
        "--dump",
        type=Path,
        help="folder of its features, DUMP/<feature>/<name of the data directory>; default: that of its recipe",
    )
    parser.add_argument("--protocol", default="random10", help="name in conf/protocols; its first fold is used")
    parser.add_argument(
        "--steps", type=positive, default=4, help="number of timed steps, after one that is not counted"
    )
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes of the configurations")
    parser.add_argument("--out", help="tab-separated file to write; default: none")
    args = parser.parse_args()

    from mscnn.config.model import ModelSpec
    from mscnn.data.datadir import DataDir
    from mscnn.data.protocols import Protocol, make_folds
    from mscnn.files import atomic
    from mscnn.jobs.inprocess import one_thread
    from mscnn.training.systems import SYSTEMS

    specs = [ModelSpec.load(name, args.set) for name in args.model]
    if args.data:
        data, dump = DataDir.load(args.data), args.dump or args.data.parent.parent / "dump"
        fold = make_folds(Protocol.load(args.protocol), data)[0]
    rows = [COLUMNS]
    for spec in specs:
        row = [spec.name]
        if spec.family not in SYSTEMS:
            row += attempt(["d", ".3f"], count, spec)
            with one_thread():
                row += attempt([".1f"], time_epoch, spec, data, fold, dump, args.steps) if args.data else []
        rows.append(row + ["-"] * (len(COLUMNS) - len(row)))
        print("\t".join(rows[-1]), flush=True)
    if args.out:
        with atomic(args.out) as out:
            out.writelines("\t".join(row) + "\n" for row in rows)


def attempt(formats: Sequence[str], measure: Callable[..., Sequence[float]], *arguments: object) -> list[str]:
    """Formatted values of a measurement, or the reason of its failure, so that the table of the others continues."""
    try:
        return [f"{value:{spec}}" for value, spec in zip(measure(*arguments), formats, strict=True)]
    except Exception as error:
        return [f"failed: {' '.join(str(error).split()) or repr(error)}", *["-"] * (len(formats) - 1)]


def count(spec) -> tuple[int, float]:
    """Number of parameters without word embeddings, and GFLOP per second of speech."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from mscnn.data.protocols import Fold

    with tempfile.TemporaryDirectory() as folder:
        data = make_noise(Path(folder))
        features = {name: extract_noise(data, feature, Path(folder)) for name, feature in spec.features.items()}
        splits, model = build(spec, data, Fold(1, *[tuple(data.utts)] * 3), CLASSES, features, Path(folder))
    dev = splits.dev
    # the counter does not know oneDNN's recurrent layers; without oneDNN they consist of matrix products
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        model.eval()(dev.batch(range(len(dev))))
    return model.num_parameters(), counter.get_total_flops() / len(dev.utts) / UTTERANCE_SECONDS / 1e9


def make_noise(folder: Path):
    """A data directory of two utterances of noise with text, and their x-vectors."""
    import numpy as np
    import soundfile

    from mscnn.data.datadir import DataDir
    from mscnn.features.archive import write_archive

    rng, utts = np.random.default_rng(0), ["a-1", "a-2"]
    for utt in utts:
        soundfile.write(
            folder / f"{utt}.wav", 0.1 * rng.standard_normal(int(UTTERANCE_SECONDS * 16000)), 16000, subtype="PCM_16"
        )
    tables = {
        "wav.scp": {utt: folder / f"{utt}.wav" for utt in utts},
        "text": {utt: " ".join(f"word{i}" for i in range(UTTERANCE_WORDS)) for utt in utts},
        "utt2spk": dict.fromkeys(utts, "a"),
        "utt2emo": dict.fromkeys(utts, CLASSES[0]),
        "utt2dur": dict.fromkeys(utts, str(UTTERANCE_SECONDS)),
    }
    DataDir.write(folder / "data", tables)
    write_archive(folder / "xvector", [(utt, rng.standard_normal(512).astype(np.float32)) for utt in utts])
    return DataDir.load(folder / "data")


def extract_noise(data, name: str, folder: Path):
    """Features of the noise: a FeatureDir."""
    from mscnn.features.archive import FeatureDir
    from mscnn.features.config import Feature
    from mscnn.features.extract import extract

    out = folder / Path(name).stem  # the name may be a YAML file
    extract(data, Feature.load(name), out, nj=1, convert=False)
    return FeatureDir.load(out)


def build(spec, data, fold, classes: list[str], features: dict, folder: Path):
    """Examples of a fold, and a network for them."""
    import torch

    from mscnn import models
    from mscnn.training.sources import Sources, TextOptions
    from mscnn.training.splits import make_splits

    sources = Sources(data, features, TextOptions(), folder / "xvector.scp" if spec.xvector else None)
    splits = make_splits(spec, sources, fold, classes, cache=folder, seed=0)
    torch.manual_seed(0)
    return splits, models.build(spec, splits.sizes)


def time_epoch(spec, data, fold, dump: Path, steps: int) -> tuple[float]:
    """Seconds for the whole training part, without x-vectors, which cost almost nothing."""
    import numpy as np
    import torch

    from mscnn.features.archive import FeatureDir
    from mscnn.training import loop
    from mscnn.training.feed import Feed, sample_batches, sample_subset
    from mscnn.training.optimizer import make_optimizer

    features = {name: FeatureDir.load(dump / feature / data.path.name) for name, feature in spec.features.items()}
    spec = spec.without_xvector() if spec.xvector else spec
    splits, model = build(spec, data, fold, sorted(set(data.emo.values())), features, data.path)
    optimizer, rng = make_optimizer(model, spec.training), np.random.default_rng(0)
    subset = sample_subset(splits.train, spec.training, seed=0)
    batches = sample_batches(splits.train, subset, spec.training, rng)
    timed = batches[1 : steps + 1] or batches  # an epoch with a single batch: time it again
    torch.manual_seed(0)
    feed = Feed(splits.train, "cpu")
    loop.train_epoch(model, feed, batches[:1], optimizer, spec.training, rng)
    start = time.process_time()
    loop.train_epoch(model, feed, timed, optimizer, spec.training, rng)
    return ((time.process_time() - start) * len(splits.train) / sum(map(len, timed)),)


if __name__ == "__main__":
    run(main)
