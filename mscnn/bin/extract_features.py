"""Stage 3: extract features of a data directory; stage 4 calls it again for those of ASR transcripts."""

import time
from functools import cache

from mscnn.device import DEVICES
from mscnn.options import Parser, flag, positive, run


def parser() -> Parser:
    """Parser of the options."""
    p = Parser("mscnn.bin.extract_features", "Extract the features of every utterance of a data directory.")
    p.add_plan("extract all features of all its data sets, but those of ASR transcripts")
    p.add_argument("--data", help="data directory, written by stage 1")
    p.add_argument("--feature", default="mfcc96", help="name in conf/features, or a YAML file with the options")
    p.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="OPTION=VALUE",
        help="changes of the options in the YAML file, for example trim_db=30; recorded in feature.yaml",
    )
    p.add_argument(
        "--text", help="transcripts of a feature of text: gt, or the ASR engine of text.<engine>; default: gt"
    )
    p.add_argument(
        "--transcripts",
        type=flag,
        default=False,
        help="of a plan, extract the features of ASR transcripts (true), or all others (false)",
    )
    p.add_argument("--out", help="output folder for feats.scp, its archives and feature.yaml")
    p.add_argument("--nj", type=positive, default=2, help="number of processes; the result does not depend on it")
    p.add_argument(
        "--device",
        default="auto",
        choices=DEVICES,
        help="device of features computed by a network (wav2vec2, ssl_frames, text encoders); the others take the CPU",
    )
    p.add_argument(
        "--convert",
        type=flag,
        default=False,
        help="resample to the rate of the feature and mix channels down (true), or refuse such files (false)",
    )
    return p


def main() -> None:
    """Parse the options, extract features, and log the outputs."""
    args = parser().parse_or_plan("data", "out")

    from mscnn.data.datadir import DataDir
    from mscnn.features.config import Feature
    from mscnn.features.extract import extract
    from mscnn.features.extract_text import extract_text
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan

    log = get_logger("extract_features")
    todo = [(args.data, args.feature, args.set, args.out, args.text or "gt")]
    if args.plan:
        stage = 4 if args.transcripts else 3
        todo = [
            (data.path, feature, data.feature_set.get(feature, ()), out, text)
            for data in Plan.load(args.plan).data_sets
            for feature, out, text in data.extracted(stage)
        ]
    if not todo:
        what = "text encoder takes ASR transcripts" if args.transcripts else "model of the plan takes features"
        log.info("nothing to do: no %s", what)
    load = cache(DataDir.load)  # many features are of one data directory
    for path, name, settings, out, text in todo:
        start = time.monotonic()
        data, feature = load(path), Feature.load(name, settings)
        with held(of_folder(out), say=log.info):
            if feature.extractor.source == "text":
                frames = extract_text(data, feature, out, text, nj=args.nj, device=args.device)
            else:
                frames = extract(data, feature, out, nj=args.nj, convert=args.convert, device=args.device)
        log.info(
            "wrote %s/feats.scp: %d utterances, %.2f h, %d rows of %d values, in %.1f s",
            out,
            len(frames),
            sum(data.dur.values()) / 3600,
            sum(frames.values()),
            feature.extractor.dim,
            time.monotonic() - start,
        )


if __name__ == "__main__":
    run(main)
