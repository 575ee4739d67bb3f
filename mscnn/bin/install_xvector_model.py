"""Install an x-vector model; tools/download_xvector_model.sh calls this with the downloaded archive."""

from mscnn.options import Parser, run


def main() -> None:
    """Check the archive, install its model, and log its properties."""
    parser = Parser(
        "mscnn.bin.install_xvector_model", "Install an x-vector model from a tar archive or checkpoint, and check it."
    )
    parser.add_argument(
        "--archive",
        required=True,
        help="tar archive with final.raw, as those of Kaldi's public models, or pretrained.pt of Resemblyzer",
    )
    parser.add_argument("--sha256", default="", help="expected digest (hex); empty: any")
    parser.add_argument("--source", default="", help="origin of the archive, recorded with the model")
    parser.add_argument("--out", required=True, help="output folder of the model")
    args = parser.parse_args()

    from mscnn.log import get_logger
    from mscnn.xvector.install import install

    model = install(args.archive, args.out, sha256=args.sha256, source=args.source)
    network = model.network()
    source = (model.path / "SOURCE").read_text(encoding="utf-8").split()
    get_logger("install_xvector_model").info(
        "%s: x-vectors of %d values from %d coefficients, %s parameters; archive sha256 %s",
        args.out,
        network.dim,
        network.input_dim,
        f"{sum(p.numel() for p in network.parameters()):,}",
        source[-1],
    )


if __name__ == "__main__":
    run(main)
