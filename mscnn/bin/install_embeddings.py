"""Install word vectors; tools/download_glove.sh calls this with the downloaded archive."""

from mscnn.options import Parser, count, flag, run

DAMAGED = ("size-differs", "digest-differs", "archive-unreadable")  # errors of an archive that is useless


def main() -> None:
    """Check the archive, install its vectors, and log their properties."""
    parser = Parser("mscnn.bin.install_embeddings", "Install word vectors from a zip archive, and check them.")
    parser.add_argument("--name", required=True, help="name of the vectors: of conf/embeddings, or of the text file")
    parser.add_argument("--archive", required=True, help="zip archive with the text file NAME.txt")
    parser.add_argument("--words", type=count, default=0, help="keep the first N words, the most frequent; 0: all")
    parser.add_argument("--size", type=count, help="expected bytes of the archive; default: that in conf/embeddings")
    parser.add_argument("--sha256", help="expected digest (hex), empty: any; default: that in conf/embeddings")
    parser.add_argument("--source", default="", help="origin of the archive, recorded with the vectors")
    parser.add_argument(
        "--remove", type=flag, default=False, help="remove the archive when it is installed, or damaged: true or false"
    )
    parser.add_argument("--out", required=True, help="folder of folders of vectors; these go to OUT/NAME")
    args = parser.parse_args()

    from pathlib import Path

    from mscnn.config.embeddings import VectorFile, known
    from mscnn.errors import UserError
    from mscnn.log import get_logger
    from mscnn.text.install import install

    facts = VectorFile.load(args.name) if args.name in known() else None
    try:
        file = install(
            args.archive,
            Path(args.out, args.name),
            words=args.words,
            size=facts.size if facts and args.size is None else args.size or 0,
            sha256=facts.sha256 if facts and args.sha256 is None else args.sha256 or "",
            dim=facts.dim if facts else 0,
            source=args.source,
        )
    except UserError as error:
        if args.remove and error.code in DAMAGED:
            Path(args.archive).unlink(missing_ok=True)
        raise
    if args.remove:
        Path(args.archive).unlink()
    digest, words = (line.split()[1] for line in (file.parent / "SOURCE").read_text(encoding="utf-8").splitlines()[1:])
    get_logger("install_embeddings").info("%s: %s words; archive sha256 %s", file, f"{int(words):,}", digest)


if __name__ == "__main__":
    run(main)
