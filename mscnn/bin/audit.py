"""Audit protocols: what train and test share, and what memorising it would earn."""

import time
from pathlib import Path

from mscnn.log import get_logger
from mscnn.options import Parser, positive, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.audit", __doc__)
    p.add_argument("--data", required=True, type=Path, help="data directory of stage 1")
    p.add_argument("--protocol", required=True, nargs="+", help="names in conf/protocols, or .yaml files")
    p.add_argument("--feature-dir", type=Path, help="archives of stage 3: also score what the sound alone earns")
    p.add_argument("--nj", default=1, type=positive, help="parallel processes; results do not depend on it")
    p.add_argument("--out", required=True, type=Path, help="folder to write: PROTOCOL.json and PROTOCOL.md of each")
    return p


def main() -> None:
    """Write the audits; a recording on both sides of a fold, or a broken promise, ends with status 1."""
    args = parser().parse_args()
    from mscnn.leakage.report import write_audits

    start = time.monotonic()
    write_audits(args.protocol, args.data, args.out, feature_dir=args.feature_dir, nj=args.nj)
    get_logger("audit").info("wrote %s: %d protocols in %.1f s", args.out, len(args.protocol), time.monotonic() - start)


if __name__ == "__main__":
    run(main)
