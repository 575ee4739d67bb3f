"""Read a table or folder of recordings: how it is understood, its problems, a label map, and a protocol that fits."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.options import Parser, run

if TYPE_CHECKING:
    from mscnn.corpora.tables.source import OwnCorpus, Source

OPTIONS = "options.conf"  # in the folder: values for run.sh, as --config reads them


def add_options(p: Parser) -> None:
    """Add the options that say how a table is read."""
    from mscnn.corpora.common import ON_BAD

    p.add_argument("table", help="table (CSV, TSV, JSON, parquet, …) or folder of recordings")
    p.add_argument("--audio-root", default="", help="folder that paths are relative to; empty: that of the table")
    p.add_argument("--columns", default="", help="path=NAME,label=NAME,speaker=NAME,…; empty: as understood")
    p.add_argument("--name-pattern", default="", help="regular expression with named groups, found in each path")
    p.add_argument("--speaker-from", default="", help="regular expression that finds the speaker in each path")
    p.add_argument("--labels", default="", help="label map: a name in conf/labels, or a .yaml file; empty: all labels")
    p.add_argument(
        "--protocol", nargs="*", default=[], help="names in conf/protocols, or .yaml files; none: one that fits"
    )
    p.add_argument("--caller", default="", help="second folder that relative paths are looked up in")
    p.add_argument("--on-bad", default="stop", choices=ON_BAD, help="rows with problems: stop, or skip them")


def source_of(args: argparse.Namespace) -> Source:
    """The options in the form that the reader takes, with absolute paths."""
    from mscnn.corpora.tables.source import Source

    def here(name: str) -> str:
        there = os.path.join(args.caller, name)
        return os.path.abspath(there if not os.path.exists(name) and os.path.exists(there) else name) if name else ""

    def conf(name: str) -> str:
        return here(name) if name.endswith((".yaml", ".yml")) else name

    return Source(
        table=Path(here(args.table)),
        audio_root=here(args.audio_root),
        columns=args.columns,
        name_pattern=args.name_pattern,
        speaker_from=args.speaker_from,
        labels=conf(args.labels),
        protocols=tuple(map(conf, args.protocol)),
        skip=args.on_bad == "skip",
    )


def read_shown(source: Source, out: Path) -> OwnCorpus:
    """The corpus of a table; prints how it is understood, also where rows have problems or no protocol fits."""
    from mscnn.corpora.tables.source import read_source

    lines: list[str] = []
    try:
        return read_source(source, out, lines)
    finally:
        print("".join(f"{line}\n" for line in lines), end="", flush=True)


def main() -> None:
    """Print how the table is understood, and write the corpus."""
    p = Parser("mscnn.bin.read_table", __doc__)
    add_options(p)
    p.add_argument("--out", type=Path, help="folder to write; default: own_NAME, NAME from the table")
    args = p.parse_args()

    from mscnn.corpora.tables.source import name_of
    from mscnn.log import get_logger

    source = source_of(args)
    out = args.out or Path(f"own_{name_of(source.table)}")
    own = read_shown(source, out)
    _write_options(own, out)
    get_logger("read_table").info("wrote %s: %d utterances", out, len(own.corpus.items))


def _write_options(own: OwnCorpus, out: Path) -> None:
    from mscnn.files import atomic

    with atomic(out / OPTIONS) as file:
        file.write(f'corpus="{out}"\nlabels="{own.labels}"\nprotocol="{" ".join(own.protocols)}"\n')


if __name__ == "__main__":
    run(main)
