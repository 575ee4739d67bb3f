"""Put an x-vector model in place; tools/download_xvector_model.sh calls this with the archive that it has fetched."""

from mscnn.options import Parser, run


def main() -> None:
    """Check the archive, take the model out of it, say what it is."""
    parser = Parser("mscnn.bin.install_xvector_model", "Take an x-vector model out of a tar archive, and check it.")
    parser.add_argument("--archive", required=True, help="tar archive with final.raw, as Kaldi's public models")
    parser.add_argument("--sha256", default="", help="digest that it must have (hex); empty: any")
    parser.add_argument("--source", default="", help="where it comes from, noted beside the model")
    parser.add_argument("--out", required=True, help="folder that the model becomes")
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
