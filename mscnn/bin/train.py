"""Stage 5: train a system under a protocol."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.log import get_logger
from mscnn.options import Parser, flag, positive, run

if TYPE_CHECKING:
    from mscnn.training.experiment import Setup


def parser() -> Parser:
    """The options of this entry point."""
    parser = Parser("mscnn.bin.train", "Train every fold and run of a model under a protocol; select on dev.")
    parser.add_plan("train all its experiments, in place of one")
    parser.add_argument("--model", help="name in conf/models, or a .yaml file")
    parser.add_argument("--data", type=Path, help="data directory of stage 1")
    parser.add_argument("--labels", help="its label map: name in conf/labels, or a .yaml file")
    parser.add_argument("--protocol", help="name in conf/protocols, or a .yaml file")
    parser.add_argument("--exp", type=Path, help="folder of the experiment, written")
    parser.add_argument("--feature-dir", default=[], nargs="*", type=Path, help="features of stage 3 that it reads")
    parser.add_argument("--text", default="gt", help="transcripts: gt, or the ASR engine of text.<engine>")
    parser.add_argument("--tokens", default="word", choices=("word", "sentencepiece"), help="unit of text")
    parser.add_argument("--pieces", default=1000, type=positive, help="sentencepiece vocabulary, pieces")
    parser.add_argument(
        "--embeddings",
        default="none",
        help="GloVe, word2vec or fastText file, text or binary, plain or .gz; "
        "none: word2vec trained on the training part of each fold",
    )
    parser.add_argument("--emb-dim", default=300, type=positive, help="word2vec dimension where no file is given")
    parser.add_argument("--xvector", default="none", help="xvector.scp; none: models do without")
    parser.add_argument("--folds", default=0, type=int, help="do the first N folds only, marked partial; 0: all")
    parser.add_argument("--runs", default=1, type=positive, help="repetitions of every fold, each with its own seed")
    parser.add_argument("--seed", default=0, type=int, help="mixed into the seed of every (protocol, fold, run)")
    parser.add_argument(
        "--set",
        default=[],
        nargs="+",
        action="extend",
        metavar="KEY=VALUE",
        help="changes of the model's configuration",
    )
    parser.add_argument("--nj", default=1, type=positive, help="trainings at a time, processes")
    parser.add_argument("--jobs-per-device", default=1, type=positive, help="trainings at a time on each GPU")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to train")
    parser.add_argument("--tensorboard", default=False, type=flag, help="also write TensorBoard events, true or false")
    parser.add_argument(
        "--overwrite", default=False, type=flag, help="replace an experiment made otherwise: true, false"
    )
    return parser


def main() -> None:
    """Train all folds and runs of one experiment, or of a plan; finished ones are skipped, broken-off ones resumed."""
    args = parser().parse_or_plan("model", "data", "labels", "protocol", "exp")

    from mscnn.recipe.plan import Plan
    from mscnn.recipe.resources import fit
    from mscnn.training.runner import train_experiments

    start = time.monotonic()
    setups = [row.setup() for row in Plan.load(args.plan).trained] if args.plan else [_setup(args)]
    nj, devices = fit(setups, args.nj, args.jobs_per_device)
    trained = train_experiments(setups, nj=nj, overwrite=args.overwrite, devices=devices)
    what = args.exp or f"{len(setups)} experiments"
    get_logger("train").info("wrote %s: %d trainings in %.1f s", what, trained, time.monotonic() - start)


def _setup(args: argparse.Namespace) -> Setup:
    from mscnn.training.experiment import Setup
    from mscnn.training.sources import TextOptions

    return Setup(
        model=args.model,
        data=args.data,
        labels=args.labels,
        protocol=args.protocol,
        exp=args.exp,
        feature_dirs=tuple(args.feature_dir),
        text=TextOptions(args.text, args.tokens, _given(args.embeddings), args.emb_dim, args.pieces),
        xvector=Path(args.xvector) if _given(args.xvector) else None,
        settings=tuple(args.set),
        folds=max(args.folds, 0),
        runs=args.runs,
        seed=args.seed,
        device=args.device,
        tensorboard=args.tensorboard,
    )


def _given(value: str) -> str | None:
    return None if value == "none" else value


if __name__ == "__main__":
    run(main)
