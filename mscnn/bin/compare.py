"""Compare predictions of the same utterances: differences, intervals, tests."""

import json

from mscnn.bin.evaluate import add_columns, columns_of
from mscnn.options import Parser, run


def main() -> None:
    """Compare systems, print the table, and write it with --out."""
    parser = Parser("mscnn.bin.compare", "Compare every pair of systems on the same utterances.")
    parser.add_argument(
        "systems", nargs="+", metavar="EXP", help="folders of finished experiments of one protocol, or CSV or TSV files"
    )
    add_columns(parser)
    parser.add_argument("--out", help="write OUT.md and OUT.json as well; default: none")
    args = parser.parse_args()
    if len(args.systems) < 2:
        parser.error("one system cannot be compared; give two or more")

    from mscnn.evaluation.api import compare
    from mscnn.files import atomic
    from mscnn.log import get_logger
    from mscnn.reporting.compare import render

    comparison = compare(*args.systems, **columns_of(args))
    text = render(comparison)
    print(text)
    if args.out:
        with atomic(f"{args.out}.md") as out:
            out.write(text)
        with atomic(f"{args.out}.json") as out:
            out.write(json.dumps(comparison.to_dict(), indent=1) + "\n")
        get_logger("compare").info("wrote %s.md and %s.json: %d pairs", args.out, args.out, len(comparison.pairs))


if __name__ == "__main__":
    run(main)
