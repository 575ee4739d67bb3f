"""Train an x-vector network on the speakers of a data directory, and write it as Kaldi's nnet3."""

import os
import time
from pathlib import Path

from mscnn.device import DEVICES, WORKSPACE
from mscnn.options import Parser, flag, positive, run


def parser() -> Parser:
    """Parser of the options; the defaults are those of Kaldi's egs/voxceleb/v2."""
    p = Parser("mscnn.bin.train_xvector", __doc__)
    p.add_argument("--data", required=True, type=Path, help="data directory with many speakers")
    p.add_argument(
        "--feature-conf",
        required=True,
        type=Path,
        help="folder of mfcc.conf and vad.conf, which are copied into the model",
    )
    p.add_argument(
        "--widths", nargs=5, type=positive, default=[512, 512, 512, 512, 1500], help="dimensions of tdnn1 to tdnn5"
    )
    p.add_argument("--embedding-dim", type=positive, default=512, help="dimension of x-vectors and of tdnn7")
    p.add_argument(
        "--chunk", nargs=2, type=positive, default=[200, 400], help="minimum and maximum voiced frames per chunk"
    )
    p.add_argument("--min-frames", type=positive, default=400, help="minimum voiced frames per utterance")
    p.add_argument("--min-utts", type=positive, default=8, help="minimum number of such utterances per speaker")
    p.add_argument("--epochs", type=positive, default=3, help="epochs, each with as many frames as the data")
    p.add_argument("--batch", type=positive, default=64, help="chunks per minibatch")
    p.add_argument(
        "--lr", nargs=2, type=float, default=[1e-3, 1e-4], help="learning rates of the first and the last step"
    )
    p.add_argument("--seed", type=int, default=0, help="seed of weights, chunks and held-out utterances, 0 or more")
    p.add_argument("--device", default="auto", choices=DEVICES, help="device of training")
    p.add_argument(
        "--convert", type=flag, default=False, help="resample and mix down recordings of another format, true or false"
    )
    p.add_argument("--out", required=True, type=Path, help="output folder of the model")
    return p


def main() -> None:
    """Train, unless the model is up to date; log the accuracy on held-out utterances."""
    args = parser().parse_args()
    os.environ.setdefault(*WORKSPACE)
    import torch

    from mscnn.data.datadir import DataDir
    from mscnn.device import choose_device
    from mscnn.log import get_logger
    from mscnn.xvector.train import TrainingOptions, train

    device = choose_device(args.device)
    torch.set_deterministic_debug_mode("error")
    options = TrainingOptions(
        widths=tuple(args.widths),
        embedding=args.embedding_dim,
        chunk=tuple(args.chunk),
        min_frames=args.min_frames,
        min_utts=args.min_utts,
        epochs=args.epochs,
        batch=args.batch,
        lr=tuple(args.lr),
        seed=args.seed,
    )
    start, logger = time.monotonic(), get_logger("train_xvector")
    accuracy = train(DataDir.load(args.data), args.feature_conf, args.out, options, device=device, convert=args.convert)
    if accuracy is None:
        logger.info("%s: up to date: same data, options and code", args.out)
    else:
        size, seconds = (args.out / "final.raw").stat().st_size, time.monotonic() - start
        logger.info("%s: %.0f kB, held-out accuracy %.2f %%, in %.1f s", args.out, size / 1000, 100 * accuracy, seconds)


if __name__ == "__main__":
    run(main)
