"""Stage 5: train a system under a protocol."""

import time
from pathlib import Path

from mscnn.log import get_logger
from mscnn.options import Parser, flag, positive, run


def _options() -> Parser:
    parser = Parser("mscnn.bin.train", "Train every fold and run of a system under a protocol; select on dev.")
    parser.add_argument("--model", required=True, help="name in conf/models, or a .yaml file")
    parser.add_argument("--data", required=True, type=Path, help="data directory of stage 1")
    parser.add_argument("--labels", required=True, help="its label map: name in conf/labels, or a .yaml file")
    parser.add_argument("--protocol", required=True, help="name in conf/protocols, or a .yaml file")
    parser.add_argument("--exp", required=True, type=Path, help="folder of the experiment, written")
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
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to train")
    parser.add_argument("--tensorboard", default=False, type=flag, help="also write TensorBoard events, true or false")
    parser.add_argument(
        "--overwrite", default=False, type=flag, help="replace an experiment made otherwise: true, false"
    )
    return parser


def main() -> None:
    """Train all folds and runs of one experiment; finished ones are skipped, broken-off ones resumed."""
    args = _options().parse_args()

    from mscnn.training.experiment import Setup
    from mscnn.training.runner import train_experiments
    from mscnn.training.sources import TextOptions

    setup = Setup(
        model=args.model,
        data=args.data,
        labels=args.labels,
        protocol=args.protocol,
        exp=args.exp,
        feature_dirs=tuple(args.feature_dir),
        text=TextOptions(args.text, args.tokens, _given(args.embeddings), args.emb_dim, args.pieces),
        xvector=None if args.xvector == "none" else Path(args.xvector),
        settings=tuple(args.set),
        folds=max(args.folds, 0),
        runs=args.runs,
        seed=args.seed,
        device=args.device,
        tensorboard=args.tensorboard,
    )
    start = time.monotonic()
    trained = train_experiments([setup], nj=args.nj, overwrite=args.overwrite)
    get_logger("train").info("wrote %s: %d trainings in %.1f s", args.exp, trained, time.monotonic() - start)


def _given(value: str) -> str | None:
    return None if value == "none" else value


if __name__ == "__main__":
    run(main)
