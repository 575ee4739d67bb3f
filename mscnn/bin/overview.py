"""Overview of experiments in one table per protocol."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, print the tables and write them."""
    summary = "Write one table of scored experiments per protocol, as Markdown, CSV, LaTeX and HTML."
    parser = Parser("mscnn.bin.overview", summary)
    parser.add_argument("--exp", required=True, nargs="+", help="folders of experiments; unscored ones are listed")
    parser.add_argument("--costs", help="table of computing costs, by benchmarks/systems.py --out; default: none")
    parser.add_argument(
        "--out",
        required=True,
        metavar="STEM",
        help="write STEM.md, STEM.csv, STEM.tex and STEM.html, and STEM_published.md if conf/published.yaml has a "
        "table with the name of STEM",
    )
    args = parser.parse_args()

    from mscnn.log import get_logger
    from mscnn.recipe.tables import overview_table
    from mscnn.reporting.formats import counted

    text, written = overview_table(args.exp, args.out, costs=args.costs)
    print(text)
    get_logger("overview").info("wrote %s: %s", written, counted(len(args.exp), "experiment"))


if __name__ == "__main__":
    run(main)
