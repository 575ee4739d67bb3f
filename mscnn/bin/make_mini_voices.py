"""Make mini_voices: a synthetic corpus of many speakers that mini_iemocap does not have; reproducible."""

import time
from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """Parser of the options."""
    p = Parser("mscnn.bin.make_mini_voices", __doc__)
    p.add_argument("--wavs", required=True, type=Path, help="output folder of the recordings, 16 kHz, about 550 MB")
    p.add_argument("--seed", default=0, type=int, help="seed of speakers and texts")
    p.add_argument("--out", required=True, type=Path, help="output folder of the data directories train and test")
    return p


def main() -> None:
    """Write both splits, unless they are up to date."""
    args = parser().parse_args()
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.synthetic import mini_voices

    start, logger = time.monotonic(), get_logger("make_mini_voices")
    with held(of_folder(args.out), say=logger.info):
        made = mini_voices.make(args.wavs, args.out, args.seed)
    for split, number in made.items():
        logger.info("%s/%s: %d utterances, %.1f s", args.out, split, number, time.monotonic() - start)


if __name__ == "__main__":
    run(main)
