"""Stage 5: train a system under a protocol."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.device import DEVICES
from mscnn.log import get_logger
from mscnn.options import Parser, count, flag, positive, run
from mscnn.text import TOKENS

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig


def parser() -> Parser:
    """Parser of the options."""
    parser = Parser("mscnn.bin.train", "Train every fold and run of a model under a protocol; select on dev.")
    parser.add_plan("train all its experiments")
    parser.add_argument("--model", help="name in conf/models, or a .yaml file")
    parser.add_argument("--data", type=Path, help="data directory of stage 1")
    parser.add_argument("--labels", help="label map of the data: name in conf/labels, or a .yaml file")
    parser.add_argument("--protocol", help="name in conf/protocols, or a .yaml file")
    parser.add_argument("--exp", type=Path, help="output folder of the experiment")
    parser.add_argument("--feature-dir", default=[], nargs="*", type=Path, help="feature folders of stage 3")
    parser.add_argument("--text", default="gt", help="transcripts: gt, or the ASR engine of text.<engine>")
    parser.add_argument("--tokens", default="word", choices=TOKENS, help="unit of text")
    parser.add_argument("--pieces", default=1000, type=positive, help="sentencepiece vocabulary, pieces")
    parser.add_argument(
        "--embeddings",
        default="word2vec",
        help="GloVe, word2vec or fastText file, text or binary, plain or .gz, or a name in conf/embeddings; "
        "word2vec: vectors trained on the training split of each fold",
    )
    parser.add_argument("--emb-dim", default=300, type=positive, help="dimension of word2vec")
    parser.add_argument(
        "--emb-words",
        default=50_000,
        type=count,
        help="frequent words of the file that a model also knows in new texts",
    )
    parser.add_argument("--xvector", default="none", help="xvector.scp; none: no x-vectors")
    parser.add_argument("--folds", default=0, type=count, help="train the first N folds only, marked partial; 0: all")
    parser.add_argument("--runs", default=1, type=positive, help="runs per fold, each with its own seed")
    parser.add_argument(
        "--seed", default=0, type=int, help="base seed; seeds of runs also depend on protocol, fold and run"
    )
    parser.add_argument(
        "--set",
        default=[],
        nargs="+",
        action="extend",
        metavar="KEY=VALUE",
        help="changes of the configuration of the model",
    )
    parser.add_argument("--nj", default=1, type=positive, help="runs trained at a time, in processes")
    parser.add_argument("--jobs-per-device", default=0, type=count, help="runs trained at a time per GPU; 0: what fits")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="device of training")
    parser.add_argument("--tensorboard", default=False, type=flag, help="also write TensorBoard events, true or false")
    parser.add_argument(
        "--overwrite",
        default=False,
        type=flag,
        help="replace an experiment of another configuration, true or false",
    )
    parser.add_argument("--shard", default="1/1", help="train a share of the runs: 2/3 is the second of three machines")
    return parser


def main() -> None:
    """Train all folds and runs of one experiment, or of a plan; finished runs are skipped, interrupted runs resumed."""
    args = parser().parse_or_plan("model", "data", "labels", "protocol", "exp")

    from mscnn.errors import UserError
    from mscnn.jobs import Settings
    from mscnn.lock import held
    from mscnn.recipe.cost import needs
    from mscnn.recipe.plan import Plan
    from mscnn.recipe.resources import fit
    from mscnn.training.runner import train_experiments
    from mscnn.training.shard import Shard

    start, shard = time.monotonic(), Shard.parse(args.shard)
    experiments = [row.setup() for row in Plan.load(args.plan).trained] if args.plan else [_options(args)]
    placed = fit(experiments, args.nj, args.jobs_per_device)
    good = [experiment for experiment in experiments if experiment.exp not in placed.failed]
    if good:
        with held(*(shard.lock(experiment.exp) for experiment in good)):
            trained = train_experiments(
                experiments,
                nj=placed.nj,
                overwrite=args.overwrite,
                devices=placed.devices,
                needs=needs(experiments) if Settings.of("train").elsewhere else None,
                shard=shard,
                failed=placed.failed,
            )
        what = args.exp or f"{len(good)} experiments"
        get_logger("train").info("wrote %s: %d runs trained in %.1f s", what, trained, time.monotonic() - start)
    if placed.failed:
        raise UserError(
            f"not trained, for the errors above: {', '.join(map(str, placed.failed))}; fix them, then run the same "
            "command again",
            code="experiments-failed",
        )


def _options(args: argparse.Namespace) -> ExperimentConfig:
    from mscnn.config.embeddings import WORD2VEC
    from mscnn.paths import current
    from mscnn.training.experiment import ExperimentConfig
    from mscnn.training.sources import TextOptions

    vectors = current("embeddings", args.embeddings)
    return ExperimentConfig(
        model=args.model,
        data=args.data,
        labels=args.labels,
        protocol=args.protocol,
        exp=args.exp,
        feature_dirs=tuple(args.feature_dir),
        text=TextOptions(
            args.text,
            args.tokens,
            None if vectors == WORD2VEC else vectors,
            args.emb_dim,
            args.pieces,
            args.emb_words,
        ),
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
