"""Count what train and test of EmoBox's folds share: speakers, and sentences where names tell them."""

from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.leaks", __doc__)
    p.add_argument(
        "--lists",
        required=True,
        type=Path,
        help="folder data/ of EmoBox, with CORPUS/fold_1/CORPUS_train_fold_1.jsonl …, or one of tables CORPUS.tsv.gz",
    )
    p.add_argument(
        "--data",
        nargs="*",
        default=[],
        metavar="CORPUS=DIR",
        help="data directories of corpora of EmoBox, as in meld=data/meld7, which tell more than the names: their "
        "speakers and texts are counted",
    )
    p.add_argument("--out", required=True, type=Path, help="table to write, tab separated: a row per corpus and fold")
    return p


def main() -> None:
    """Write the table."""
    args = parser().parse_args()
    from mscnn.corpora import emobox
    from mscnn.data.datadir import DataDir
    from mscnn.errors import UserError
    from mscnn.leakage import emobox as leaks
    from mscnn.log import get_logger

    logger, entries = get_logger("leaks"), emobox.entries()
    folders = dict(value.split("=", 1) for value in args.data if "=" in value)
    if strange := next((value for value in args.data if value.partition("=")[0] not in entries.keys() & folders), None):
        raise UserError(
            f"--data {strange}: expected CORPUS=DIR, a corpus of conf/emobox.yaml", code="emobox-corpus-unknown"
        )
    known = {name: DataDir.load(folder) for name, folder in folders.items()}
    rows: list[leaks.Leak] = []
    for name, recordings in emobox.read_lists(args.lists).items():
        if name not in entries:
            logger.warning("%s: not in conf/emobox.yaml, so its names cannot be read: skipped", name)
            continue
        rows += leaks.count(name, entries[name], recordings, known.get(name))
    leaks.write(rows, args.out)
    shared = len({row.corpus for row in rows if row.shared_speakers})
    corpora = len({row.corpus for row in rows})
    logger.info("wrote %s: %d folds of %d corpora; %d corpora share speakers", args.out, len(rows), corpora, shared)


if __name__ == "__main__":
    run(main)
