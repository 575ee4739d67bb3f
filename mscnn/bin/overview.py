"""One table of many experiments."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, print the table and write it, also beside published numbers where there are any."""
    parser = Parser("mscnn.bin.overview", "Put scored experiments into a table a protocol: Markdown, CSV, LaTeX, HTML.")
    parser.add_argument("--exp", required=True, nargs="+", help="folders of experiments; those not scored are listed")
    parser.add_argument("--costs", help="what systems cost, by benchmarks/systems.py --out; default: not shown")
    parser.add_argument(
        "--out",
        required=True,
        help="STEM of STEM.md, STEM.csv, STEM.tex and STEM.html, written; and STEM_published.md, where "
        "conf/published.yaml has a table of the name that STEM ends with",
    )
    args = parser.parse_args()

    from mscnn.log import get_logger
    from mscnn.recipe.tables import overview_table

    text, written = overview_table(args.exp, args.out, costs=args.costs)
    print(text)
    get_logger("overview").info("wrote %s: %d experiments", written, len(args.exp))


if __name__ == "__main__":
    run(main)
