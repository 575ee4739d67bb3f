"""Do x-vectors tell speakers apart? The equal error rate of cosine verification trials."""

from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.score_trials", __doc__)
    p.add_argument("--xvector", required=True, type=Path, help="xvector.scp with a vector for each utterance")
    p.add_argument("--data", required=True, type=Path, help="data directory; its utt2spk says who speaks")
    p.add_argument("--trials", type=Path, help="lines 'utt1 utt2 target|nontarget'; else all pairs of utterances")
    return p


def main() -> None:
    """Print one line: the equal error rate, raw and with the mean vector subtracted."""
    args = parser().parse_args()
    from mscnn.data.datadir import DataDir
    from mscnn.xvector.trials import score

    result = score(args.xvector, DataDir.load(args.data), args.trials)
    print(result.line(xvector=args.xvector, data=args.data))


if __name__ == "__main__":
    run(main)
