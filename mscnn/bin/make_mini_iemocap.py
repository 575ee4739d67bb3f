"""Make mini_iemocap: a small synthetic corpus in the layout of IEMOCAP, spoken by espeak-ng; reproducible."""

import time
from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """Parser of the options."""
    p = Parser("mscnn.bin.make_mini_iemocap", __doc__)
    p.add_argument("--out", required=True, type=Path, help="output folder, for IEMOCAP_full_release")
    p.add_argument("--seed", default=0, type=int, help="seed of the dialogues")
    p.add_argument("--counts", type=Path, help="file for the table of expected counts")
    return p


def main() -> None:
    args = parser().parse_args()
    from mscnn.files import atomic
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.synthetic import mini_iemocap, mini_script

    start, logger = time.monotonic(), get_logger("make_mini_iemocap")
    if args.counts:
        with atomic(args.counts) as out:
            out.write(mini_script.counts(mini_script.plan(args.seed)))
    with held(of_folder(args.out), say=logger.info):
        if mini_iemocap.up_to_date(args.out, args.seed):
            logger.info("%s: up to date", args.out)
            return
        number = mini_iemocap.make(args.out, args.seed)
    logger.info("%s: %d utterances in %.1f s", args.out, number, time.monotonic() - start)


if __name__ == "__main__":
    run(main)
