"""Evaluate any toolkit's predictions: metrics, intervals, calibration."""

import json
from argparse import Namespace
from typing import Any

from mscnn.options import Parser, run

ROLES = {
    "utterance": "utterance ids",
    "truth": "reference classes",
    "prediction": "predicted classes, by default the most probable ones",
    "speaker": "speakers, which are resampled for intervals",
    "dialogue": "dialogues",
    "fold": "folds of a cross-validation",
    "run": "runs (seeds) that predict the same utterances",
}


def add_columns(parser: Parser) -> None:
    """Add the options for the columns of a file."""
    for role, what in ROLES.items():
        parser.add_argument(f"--{role}-column", metavar="NAME", help=f"column with {what}; common names are recognised")
    parser.add_argument(
        "--probability-prefix", metavar="P", help="columns with probabilities are P<class>; default: p_"
    )
    parser.add_argument("--classes", metavar="A,B,C", help="all classes, in order; default: those of the truth")
    parser.add_argument("--data", help="data directory of an experiment; default: that of its config.yaml")
    parser.add_argument(
        "--over",
        choices=("speaker", "dialogue", "utterance"),
        help="clusters that are resampled for intervals and swapped in tests; default: the first that is known",
    )


def columns_of(args: Namespace) -> dict[str, Any]:
    """The options of :func:`add_columns` as arguments of ``mscnn.evaluate`` and ``mscnn.compare``."""
    given = {f"{role}_column": vars(args)[f"{role}_column"] for role in ROLES}
    classes = None if args.classes is None else [name.strip() for name in args.classes.split(",")]
    return {
        **{key: name for key, name in given.items() if name is not None},
        "probability_prefix": args.probability_prefix,
        "classes": classes,
        "data": args.data,
        "over": args.over,
    }


def main() -> None:
    """Evaluate, print the result, and write it with --out."""
    parser = Parser("mscnn.bin.evaluate", "Evaluate predictions in a CSV or TSV file, or those of an experiment.")
    parser.add_argument("predictions", help="file with a line of column names, or the folder of an experiment")
    add_columns(parser)
    parser.add_argument(
        "--out", metavar="STEM", help="write STEM.txt (as printed) and STEM.json as well; default: none"
    )
    args = parser.parse_args()

    from mscnn.evaluation.api import evaluate
    from mscnn.files import atomic
    from mscnn.log import get_logger

    evaluation = evaluate(args.predictions, **columns_of(args))
    print(evaluation)
    if args.out:
        with atomic(f"{args.out}.txt") as out:
            out.write(f"{evaluation}\n")
        with atomic(f"{args.out}.json") as out:
            out.write(json.dumps(evaluation.to_dict(), indent=1) + "\n")
        get_logger("evaluate").info(
            "wrote %s.txt and %s.json: %d utterances", args.out, args.out, evaluation.utterances
        )


if __name__ == "__main__":
    run(main)
