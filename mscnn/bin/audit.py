"""Audit protocols: what train and test share, and scores of baselines."""

import time
from collections.abc import Sequence
from pathlib import Path

from mscnn.log import get_logger
from mscnn.options import Parser, count, flag, positive, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.audit", __doc__)
    p.add_argument("--data", type=Path, help="data directory of stage 1")
    p.add_plan("audit all its data sets and protocols")
    p.add_argument("--audio-baseline", type=flag, default=False, help="with --plan: true: also the audio baseline")
    p.add_argument("--protocol", nargs="+", default=[], help="names in conf/protocols, or .yaml files")
    p.add_argument(
        "--labels", help="label map (a name in conf/labels, or a .yaml file): every part must have every class"
    )
    p.add_argument(
        "--folds", type=count, default=0, help="with --labels: check only the first N folds, which are trained; 0: all"
    )
    p.add_argument("--feature-dir", type=Path, help="features of stage 3, for the audio baseline; default: none")
    p.add_argument("--nj", default=1, type=positive, help="parallel processes; results do not depend on it")
    p.add_argument("--out", type=Path, help="folder for PROTOCOL.json and PROTOCOL.md")
    return p


def main() -> None:
    """Write the audits; exit with status 1 where a recording is in two parts of a fold or parts are not disjoint."""
    args = parser().parse_or_plan("data", "protocol", "out")
    if not args.plan:
        audit(args.protocol, args.data, args.out, args.labels, args.folds, args.feature_dir, args.nj)
        return

    from mscnn.data.datadir import DataDir
    from mscnn.leakage.voices import warn_of_voices
    from mscnn.recipe.plan import Plan

    for data in Plan.load(args.plan).data_sets:
        features = next(map(Path, data.features.values()), None) if args.audio_baseline else None
        if args.audio_baseline:
            for vectors in data.xvectors:
                warn_of_voices(DataDir.load(data.path), [*data.protocols], Path(vectors, "xvector.scp"))
        for folds in sorted(set(data.protocols.values())):
            protocols = [protocol for protocol, number in data.protocols.items() if number == folds]
            audit(protocols, Path(data.path), Path(data.path, "audit"), data.labels, folds, features, args.nj)


def audit(
    protocols: Sequence[str], data: Path, out: Path, labels: str | None, folds: int, feature_dir: Path | None, nj: int
) -> None:
    """Audit the protocols of one data directory; the arguments are the options."""
    from mscnn.config.labels import LabelMap
    from mscnn.data.datadir import DataDir
    from mscnn.features.archive import FeatureDir
    from mscnn.leakage.report import require_no_leaks, write_audits
    from mscnn.lock import held, of_folder
    from mscnn.reporting.audit import write_page

    start, log = time.monotonic(), get_logger("audit")
    features = FeatureDir.load(feature_dir) if feature_dir else None
    classes = LabelMap.load(labels).classes if labels else ()
    with held(of_folder(out), say=log.info):
        results = write_audits(
            protocols, DataDir.load(data), out, features=features, classes=classes, first_folds=folds, nj=nj
        )
        for result in results:
            write_page(result, out / f"{result.protocol.name}.md")
            log.info("%s", result)
    require_no_leaks(results)
    log.info("wrote %s: %d protocols in %.1f s", out, len(results), time.monotonic() - start)


if __name__ == "__main__":
    run(main)
