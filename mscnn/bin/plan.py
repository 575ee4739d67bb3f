"""What a recipe is to train, for the stage script."""

from mscnn.options import Parser, positive, run


def main() -> None:
    """Print an experiment a line, tab separated: tag, model, text, protocol, folds, runs, x-vector, features, ...

    ... what it is tested on, changes. x-vector is true or false, features have blanks between, each change is a column
    of its own; a dash stands for no features, and for a test on the words of the training.
    """
    parser = Parser("mscnn.bin.plan", "Print the experiments of a recipe, one a line.")
    parser.add_argument("--model", nargs="*", default=[], help="names in conf/models, or .yaml files")
    parser.add_argument("--text", nargs="*", default=[], help="words: gt, ASR engines, none")
    parser.add_argument("--protocol", nargs="*", default=[], help="names in conf/protocols, or .yaml files")
    parser.add_argument(
        "--grid", default="", help="name in conf/grids, or a .yaml file, in place of --model and --text"
    )
    parser.add_argument("--engine", nargs="*", default=[], help="ASR engines that a grid calls asr")
    parser.add_argument("--folds", type=int, default=0, help="do the first N folds only; 0: all")
    parser.add_argument("--runs", type=positive, default=1, help="repetitions of every fold")
    parser.add_argument(
        "--xvector", default="", help="none: a grid goes without systems that are audio and x-vectors only"
    )
    parser.add_argument(
        "--wav2vec2", default="", help="wav2vec 2.0 of the systems that train one along; none: not at hand"
    )
    parser.add_argument("--tag", default="", help="name of the experiment; default: model, text and protocol")
    parser.add_argument("--suffix", default="", help="end of every name that is made")
    args = parser.parse_args()

    from mscnn.recipe.plan import Cell, from_options, read_grid, resolved

    common = Cell(folds=args.folds, runs=args.runs, tag=args.tag)
    if args.grid:
        cells = read_grid(args.grid, common, args.protocol, args.engine, xvector=args.xvector != "none")
    else:
        cells = from_options(args.model, args.text, args.protocol, common)
    for cell, spec in resolved(cells, args.suffix, args.wav2vec2):
        features = " ".join(spec.features.values())
        row = (cell.tag, cell.model, cell.text, cell.protocol, cell.folds, cell.runs, str(spec.xvector).lower(),
               features or "-", cell.tested_on or "-", *cell.settings)  # fmt: skip
        print(*row, sep="\t")


if __name__ == "__main__":
    run(main)
