"""Fold lists: write those of a protocol, or import those of EmoBox and others."""

from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.folds", __doc__)
    p.add_argument("--data", required=True, type=Path, help="data directory of stage 1")
    p.add_argument("--out", required=True, type=Path, help="folder to write: fold01.train, …, PROTOCOL.yaml, hash")
    choice = p.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "--protocol", help="write the folds of this protocol: a name in conf/protocols, or a .yaml file"
    )
    choice.add_argument(
        "--import", dest="source", type=Path, help="folder with fold lists of EmoBox, or with plain ones"
    )
    p.add_argument(
        "--name", default="imported", help="with --import: name of the protocol OUT/NAME.yaml that reads them"
    )
    return p


def main() -> None:
    """Write the lists, the protocol file and the hash for score lines."""
    args = parser().parse_args()
    from mscnn.corpora import emobox
    from mscnn.data.datadir import DataDir
    from mscnn.data.foldexport import export_folds, standalone
    from mscnn.data.foldimport import import_folds
    from mscnn.data.protocols import Protocol
    from mscnn.log import get_logger
    from mscnn.paths import conf

    data = DataDir.load(args.data)
    if args.source:
        protocol, folds, text = import_folds(args.source, data, args.name, args.out, emobox.utterances)
    else:
        protocol = Protocol.load(args.protocol)
        folds, text = protocol.folds(data), standalone(conf("protocols", args.protocol))
    title = export_folds(protocol, folds, text, args.out)
    get_logger("folds").info("wrote %s: %s, %d folds of %s", args.out, title, len(folds), data.path)


if __name__ == "__main__":
    run(main)
