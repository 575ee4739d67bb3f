"""Make mini_voices: many invented speakers, spoken by espeak-ng voices that mini_iemocap has not; always the same."""

import time
from pathlib import Path

from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.make_mini_voices", __doc__)
    p.add_argument("--wavs", required=True, type=Path, help="folder for the recordings, 16 kHz: about 550 MB")
    p.add_argument("--seed", default=0, type=int, help="another number gives other speakers and other words")
    p.add_argument("--out", required=True, type=Path, help="folder for the data directories train and test")
    return p


def main() -> None:
    """Make both parts, unless they are there."""
    args = parser().parse_args()
    from mscnn.log import get_logger
    from mscnn.synthetic import mini_voices

    start, logger = time.monotonic(), get_logger("make_mini_voices")
    for part, number in mini_voices.make(args.wavs, args.out, args.seed).items():
        logger.info("%s/%s: %d utterances, %.1f s", args.out, part, number, time.monotonic() - start)


if __name__ == "__main__":
    run(main)
