#!/usr/bin/env python3
"""Vectors without a network: mean and standard deviation of the voiced MFCC of each utterance, as xvector.scp.

Any x-vector network should tell speakers better apart; mscnn.bin.score_trials says whether it does.
"""

from pathlib import Path

from mscnn.options import Parser, flag, run


def parser() -> Parser:
    """The options of this script."""
    p = Parser("mfcc_statistics.py", __doc__)
    p.prog = "mfcc_statistics.py"
    p.add_argument("--data", required=True, type=Path, help="data directory")
    p.add_argument("--feature-conf", required=True, type=Path, help="folder of mfcc.conf and vad.conf")
    p.add_argument(
        "--sliding-mean", type=flag, default=True, help="take the mean of 3 s off, as a network gets it, true or false"
    )
    p.add_argument("--convert", type=flag, default=False, help="resample and mix down other recordings, true or false")
    p.add_argument("--out", required=True, type=Path, help="folder of xvector.scp and xvector.ark, written")
    return p


def main() -> None:
    """Write the vectors; an utterance without a voiced frame gets zeros, which score_trials counts."""
    args = parser().parse_args()
    import numpy as np

    from mscnn.data.datadir import DataDir
    from mscnn.features.archive import write_archive
    from mscnn.xvector.frontend import Frontend, sliding_cmn
    from mscnn.xvector.train import read_mfcc

    def statistics(mfcc: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        frames = (sliding_cmn(mfcc) if args.sliding_mean else mfcc)[voiced]
        return np.concatenate([frames.mean(0), frames.std(0)]) if len(frames) else np.zeros(2 * mfcc.shape[1], "f4")

    utterances = read_mfcc(DataDir.load(args.data), Frontend.load(args.feature_conf), args.convert)
    write_archive(args.out / "xvector", ((utt, statistics(mfcc, voiced)) for utt, mfcc, voiced in utterances))


if __name__ == "__main__":
    run(main)
