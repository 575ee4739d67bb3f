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

    from pathlib import Path

    from mscnn.files import atomic
    from mscnn.log import get_logger
    from mscnn.paths import CONF, current
    from mscnn.reporting.overview import read_costs, read_rows, write_overview
    from mscnn.reporting.published import read_published
    from mscnn.reporting.tables import make_table

    rows = read_rows(args.exp, read_costs(args.costs) if args.costs else None)
    print(write_overview(rows, args.out))
    published = read_published(CONF / "published.yaml")
    written, name = [f"{args.out}.{{md,csv,tex,html}}"], current("tables", Path(args.out).name)
    if name in published.tables:
        written.append(f"{args.out}_published.md")
        with atomic(written[-1]) as out:
            out.write(make_table(name, published, Path(args.exp[0]).parent))
    get_logger("overview").info("wrote %s: %d experiments", ", ".join(written), len(rows))


if __name__ == "__main__":
    run(main)
