"""Make mini_iemocap: a small invented corpus in IEMOCAP's layout, spoken by espeak-ng voices; always the same bytes."""

import time
from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.make_mini_iemocap", __doc__)
    p.add_argument("--out", required=True, type=Path, help="folder to write; IEMOCAP_full_release will be in it")
    p.add_argument("--seed", default=0, type=int, help="another number gives other dialogues")
    p.add_argument("--counts", type=Path, help="also write the table of expected counts to this file")
    return p


def main() -> None:
    args = parser().parse_args()
    from mscnn.files import atomic
    from mscnn.log import get_logger
    from mscnn.synthetic import mini_iemocap, mini_script

    start, logger = time.monotonic(), get_logger("make_mini_iemocap")
    if args.counts:
        with atomic(args.counts) as out:
            out.write(mini_script.counts(mini_script.plan(args.seed)))
    if mini_iemocap.up_to_date(args.out, args.seed):
        logger.info("%s: already made, nothing to do", args.out)
        return
    number = mini_iemocap.make(args.out, args.seed)
    logger.info("%s: %d utterances in %.1f s", args.out, number, time.monotonic() - start)


if __name__ == "__main__":
    run(main)
