"""Compare experiments on the same utterances: differences, intervals, tests."""

import json

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, compare, print the table, write it where asked to."""
    parser = Parser("mscnn.bin.compare", "Compare finished experiments of one protocol, every pair of them.")
    parser.add_argument("exps", nargs="+", metavar="EXP", help="folders of two or more experiments, made by stage 5")
    parser.add_argument("--data", help="data directory that knows the clusters; default: that of the first experiment")
    parser.add_argument(
        "--over",
        choices=("speaker", "dialogue"),
        default="speaker",
        help="clusters that are resampled, and swapped between two systems: new ones are what interval and p speak of",
    )
    parser.add_argument("--out", help="write OUT.md and OUT.json as well; default: none")
    args = parser.parse_args()
    if len(args.exps) < 2:
        parser.error("one experiment cannot be compared: name two or more")

    from mscnn.evaluation.compare import compare
    from mscnn.evaluation.experiment import Experiment
    from mscnn.files import atomic
    from mscnn.log import get_logger
    from mscnn.reporting.compare import render

    found = compare([Experiment.load(path) for path in args.exps], args.data, args.over)
    text = render(found)
    print(text)
    if args.out:
        with atomic(f"{args.out}.md") as out:
            out.write(text)
        with atomic(f"{args.out}.json") as out:
            out.write(json.dumps(found.to_dict(), indent=1) + "\n")
        get_logger("compare").info("wrote %s.md and %s.json: %d pairs", args.out, args.out, len(found.pairs))


if __name__ == "__main__":
    run(main)
