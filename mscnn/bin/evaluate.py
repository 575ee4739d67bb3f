"""Evaluate any toolkit's predictions: metrics, intervals, calibration."""

import json
from argparse import Namespace
from typing import Any

from mscnn.options import Parser, run

ROLES = {
    "utterance": "ids of the utterances",
    "truth": "their classes",
    "prediction": "the predicted classes; default: the most probable ones",
    "speaker": "speakers; intervals are over them",
    "dialogue": "dialogues",
    "fold": "folds of a cross-validation",
    "run": "runs (seeds) that predict the same utterances",
}


def add_columns(parser: Parser) -> None:
    """The options that say which column of a file is what."""
    for role, what in ROLES.items():
        parser.add_argument(
            f"--{role}-column", metavar="NAME", help=f"column with {what}; usual names are found without"
        )
    parser.add_argument(
        "--probability-prefix", metavar="P", help="columns with probabilities are P<class>; default: p_"
    )
    parser.add_argument("--classes", metavar="A,B,C", help="all classes, in order; default: those of the truth")
    parser.add_argument("--data", help="data directory of an experiment; default: that of its config.yaml")
    parser.add_argument(
        "--over",
        choices=("speaker", "dialogue", "utterance"),
        help="what is resampled for intervals, and swapped between two systems; default: the first that is known",
    )


def columns_of(args: Namespace) -> dict[str, Any]:
    """The same options as arguments of ``mscnn.evaluate`` and ``mscnn.compare``."""
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
    """Parse the options, evaluate, print, write where asked to."""
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

    found = evaluate(args.predictions, **columns_of(args))
    print(found)
    if args.out:
        with atomic(f"{args.out}.txt") as out:
            out.write(f"{found}\n")
        with atomic(f"{args.out}.json") as out:
            out.write(json.dumps(found.to_dict(), indent=1) + "\n")
        get_logger("evaluate").info("wrote %s.txt and %s.json: %d utterances", args.out, args.out, found.utterances)


if __name__ == "__main__":
    run(main)
