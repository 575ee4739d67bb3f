"""Show a resolved configuration: every value, and the file or setting that states it."""

from mscnn.options import Parser, run


def main() -> None:
    """Print the resolved configuration of a model, a feature, a label map, a protocol or a grid, as YAML."""
    parser = Parser("mscnn.bin.config", "Print a resolved configuration as YAML, each value with its origin.")
    parser.add_argument("what", choices=["show"], help="show: print it")
    parser.add_argument(
        "name",
        help="a model: its name in conf/models, or a .yaml file; else features/, labels/, protocols/ or grids/NAME",
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="changes, as training takes them"
    )
    args = parser.parse_args()

    from mscnn.config import schema, show
    from mscnn.config.labels import LabelMap
    from mscnn.data.protocols import Protocol
    from mscnn.errors import UserError
    from mscnn.paths import conf
    from mscnn.recipe.grid import Grid

    checks = {
        "labels": LabelMap.load,
        "protocols": Protocol.load,
        "grids": lambda name: schema.load(conf("grids", name), Grid),
    }
    kind, _, name = args.name.partition("/")
    if kind == "features":
        from mscnn.features.config import Feature

        options = Feature.load(name, args.set).options
        print(show.annotated(options, show.origin(conf(kind, name), args.set)), end="")
    elif kind in checks:
        if args.set:
            raise UserError(f"--set: {args.name} has no options to set", code="option-unknown")
        checks[kind](name)
        print(show.file(kind, name), end="")
    else:
        print(show.model(args.name.removeprefix("models/"), args.set), end="")


if __name__ == "__main__":
    run(main)
