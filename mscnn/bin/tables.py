"""Published tables with our results beside them."""

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, print the table, write it where asked to."""
    parser = Parser("mscnn.bin.tables", "Print a published table with our results beside it, protocols named.")
    parser.add_plan("write the tables of its grid, and print the score line of each experiment")
    parser.add_argument("--table", help="name of a table in the published results; list: their names")
    parser.add_argument("--exp-root", default="exp", help="folder of our scored experiments")
    parser.add_argument(
        "--published", help="YAML file of published results; default: the repository's conf/published.yaml"
    )
    parser.add_argument("--out", help="Markdown file to write as well; default: none")
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
