"""Equal error rate of speaker verification by cosine scores of x-vectors."""

from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """Parser of the options."""
    p = Parser("mscnn.bin.score_trials", __doc__)
    p.add_argument("--xvector", required=True, type=Path, help="xvector.scp with one vector per utterance")
    p.add_argument("--data", required=True, type=Path, help="data directory, for its utt2spk")
    p.add_argument(
        "--trials", type=Path, help="file of lines 'utt1 utt2 target|nontarget'; default: all pairs of utterances"
    )
    return p


def main() -> None:
    """Print the equal error rate, raw and after subtraction of the mean vector, on one line."""
    args = parser().parse_args()
    from mscnn.data.datadir import DataDir
    from mscnn.xvector.trials import score
    from mscnn.xvector.vectors import model_name

    result = score(args.xvector, DataDir.load(args.data), args.trials)
    print(result.line(xvector=args.xvector, data=args.data, model=model_name(args.xvector)))


if __name__ == "__main__":
    run(main)
