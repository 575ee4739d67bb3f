"""Export a trained network to ONNX, with a script that uses it without this package."""

from pathlib import Path

from mscnn.options import Parser, flag, positive, run


def main() -> None:
    """Parse the options, export, and log the outputs."""
    parser = Parser("mscnn.bin.export", "Export a trained network to ONNX. See docs/howto/onnx.md.")
    parser.add_argument("--onnx", required=True, metavar="MODEL", help="bundle, or folder exp/TAG of an experiment")
    parser.add_argument("--out", required=True, type=Path, help="the .onnx file; a script with suffix .py is beside it")
    parser.add_argument("--fold", default="best-dev", help="the network: best-dev, or number of its fold")
    parser.add_argument("--run", default=1, type=positive, help="of an experiment: the run of the fold")
    parser.add_argument(
        "--int8",
        default=False,
        type=flag,
        help="8-bit products and tables: half the size; refused unless 99.9%% of dev have the same class",
    )
    args = parser.parse_args()

    from mscnn.inference.onnx_export import export_model, summary
    from mscnn.log import get_logger

    exported = export_model(args.onnx, args.out, fold=args.fold, run=args.run, int8=args.int8)
    for line in summary(exported):
        get_logger("export").info(line)


if __name__ == "__main__":
    run(main)
