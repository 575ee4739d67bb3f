"""Tables of published results beside our results."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, print the table, write it if a file is given."""
    parser = Parser("mscnn.bin.tables", "Print a table of published results with our results and their protocols.")
    parser.add_plan("write the tables of its grid, and print the score line of each experiment")
    parser.add_argument("--table", help="name of a table of published results; list: print the names")
    parser.add_argument("--exp-root", default="exp", help="folder of our scored experiments")
    parser.add_argument("--published", help="YAML file of published results; default: conf/published.yaml of mscnn")
    parser.add_argument("--out", help="Markdown file to write in addition; default: none")
    args = parser.parse_or_plan("table")

    from mscnn.files import atomic
    from mscnn.log import get_logger
    from mscnn.paths import CONF
    from mscnn.recipe.plan import Plan
    from mscnn.recipe.tables import headlines, write_tables
    from mscnn.reporting.published import read_published
    from mscnn.reporting.tables import make_table

    if args.plan:
        plan = Plan.load(args.plan)
        for text, path in write_tables(plan):
            print(text)
            get_logger("tables").info("wrote %s", path)
        print("\n".join(headlines(plan)))
        return
    published = read_published(args.published or CONF / "published.yaml")
    text = published.listing() if args.table == "list" else make_table(args.table, published, args.exp_root)
    print(text)
    if args.out:
        with atomic(args.out) as out:
            out.write(text)
        get_logger("tables").info("wrote %s", args.out)


if __name__ == "__main__":
    run(main)
