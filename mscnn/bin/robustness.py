"""Robustness of systems to ASR errors."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, print the table and write it."""
    parser = Parser(
        "mscnn.bin.robustness",
        "Compare experiments with reference transcripts, with ASR transcripts and without text in one table.",
    )
    parser.add_argument(
        "--exp",
        required=True,
        nargs="+",
        help="folders of experiments under one protocol; word error rates are read from asr_ENGINE/SET beside them",
    )
    parser.add_argument("--out", required=True, metavar="STEM", help="write STEM.md, STEM.csv, STEM.tex and STEM.html")
    args = parser.parse_args()

    from mscnn.evaluation.experiment import Experiment
    from mscnn.evaluation.robustness import robustness
    from mscnn.log import get_logger
    from mscnn.reporting.robustness import write_robustness

    print(write_robustness(robustness([Experiment.load(path) for path in args.exp]), args.out))
    get_logger("robustness").info("wrote %s.{md,csv,tex,html}: %d experiments", args.out, len(args.exp))


if __name__ == "__main__":
    run(main)
