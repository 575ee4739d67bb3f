"""One table of many experiments."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, write the table three times, print it."""
    parser = Parser("mscnn.bin.overview", "Put scored experiments into one table a protocol; Markdown, CSV and LaTeX.")
    parser.add_argument("--exp", required=True, nargs="+", help="folders of experiments; those not scored are listed")
    parser.add_argument("--costs", help="what systems cost, by benchmarks/systems.py --out; default: not shown")
    parser.add_argument("--title", default="Results", help="first line of the table")
    parser.add_argument("--out", required=True, help="STEM of STEM.md, STEM.csv and STEM.tex, written")
    args = parser.parse_args()

    from mscnn.log import get_logger
    from mscnn.scoring.overview import read_costs, read_rows, write_overview

    rows = read_rows(args.exp, read_costs(args.costs) if args.costs else {})
    print(write_overview(rows, args.out, args.title))
    get_logger("overview").info("wrote %s.{md,csv,tex}: %d experiments", args.out, len(rows))


if __name__ == "__main__":
    run(main)
