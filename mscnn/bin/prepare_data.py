"""Stage 1: make a data directory from a corpus as released."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.options import Parser, count, flag, run

if TYPE_CHECKING:
    from mscnn.data.datadir import DataDir


def parser() -> Parser:
    """The options of this entry point."""
    from mscnn.corpora.common import ON_BAD, SUBSETS

    p = Parser("mscnn.bin.prepare_data", __doc__)
    p.add_argument(
        "--corpus",
        required=True,
        type=_corpus,
        help="corpus: a name in conf/corpora or mscnn/corpora, or a file: .yaml (description) or .py (parser)",
    )
    p.add_argument("--root", required=True, type=Path, help="folder of the release, or its file; it is only read")
    p.add_plan("make all its data directories, in place of one")
    p.add_argument("--labels", help="label map: a name in conf/labels, or a .yaml file")
    p.add_argument("--subset", default="all", choices=SUBSETS, help="style of the recordings to select")
    p.add_argument("--out", type=Path, help="data directory to write")
    p.add_argument(
        "--on-bad",
        default="stop",
        choices=ON_BAD,
        help="issues in the corpus: list all of them and stop, or exclude unusable utterances (OUT/excluded.tsv)",
    )
    p.add_argument("--expected-counts", type=Path, help="table of published counts (tab separated) to compare with")
    p.add_argument("--strict-counts", type=flag, default=False, help="true: stop where counts differ; false: warn")
    p.add_argument("--rate", type=count, default=0, help="sampling rate that the corpus is specified as, Hz; 0: any")
    p.add_argument("--channels", type=count, default=0, help="channels that the corpus is specified as; 0: any")
    p.add_argument(
        "--convert",
        type=flag,
        default=True,
        help="true: recordings of any rate and channels, which stage 3 converts; false: others than --rate and "
        "--channels (default: 16000 and 1) are issues",
    )
    return p


def _corpus(name: str) -> str:
    from mscnn.config.schema import nearest
    from mscnn.corpora import is_corpus, names

    if not is_corpus(name):
        raise argparse.ArgumentTypeError(f"no corpus {name!r}; {nearest(name, names())}")
    return name


def main() -> None:
    """Make one data directory, or those of a plan."""
    args = parser().parse_or_plan("labels", "out")
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan

    log = get_logger("prepare_data")
    if args.plan:
        plan = Plan.load(args.plan)
        for data in plan.data_sets:
            with held(of_folder(data.path), say=log.info):
                made = _prepare(args, data.labels, data.subset, Path(data.path))
            if any("gt" in (row.text, row.tested_on) for row in plan.rows if row.data == data.path):
                made.text_of("gt")  # raises where no transcript has words, before the other stages run
    else:
        with held(of_folder(args.out), say=log.info):
            _prepare(args, args.labels, args.subset, args.out)


def _prepare(args: argparse.Namespace, label_map: str, subset: str, out: Path) -> DataDir:
    from mscnn.config.labels import LabelMap
    from mscnn.corpora import corpus_name, read
    from mscnn.corpora.prepare import AudioForm, prepare, report_counts
    from mscnn.errors import UserError
    from mscnn.log import get_logger

    start = time.monotonic()
    labels = LabelMap.load(label_map)
    if labels.corpus != corpus_name(args.corpus):
        raise UserError(
            f"label map {labels.name} is for {labels.corpus}, not {args.corpus}; choose from conf/labels",
            code="labels-of-another-corpus",
        )
    corpus = read(args.corpus, args.root)
    report_counts(corpus, labels, args.expected_counts, strict=args.strict_counts)
    form = AudioForm(args.rate, args.channels, args.convert)
    data = prepare(corpus.labelled_by(labels.field), labels, subset, form, out, skip=args.on_bad == "skip")
    get_logger("prepare_data").info("%s: %d utterances in %.1f s", data.path, len(data.utts), time.monotonic() - start)
    return data


if __name__ == "__main__":
    run(main)
