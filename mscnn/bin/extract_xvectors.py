"""Stage 2: extract x-vectors of a data directory."""

import time

from mscnn.device import DEVICES
from mscnn.options import Parser, count, flag, positive, run
from mscnn.xvector import BACKENDS, UNVOICED


def parser() -> Parser:
    """Parser of the options."""
    p = Parser("mscnn.bin.extract_xvectors", "Extract the x-vector (speaker embedding) of every utterance.")
    p.add_plan("extract the x-vectors of all its data sets, with the networks in it")
    p.add_argument("--data", help="data directory, written by stage 1")
    p.add_argument(
        "--model",
        default="espeak",
        help="folder with final.raw, extract.config, min_chunk_size, max_chunk_size and conf/, as in Kaldi's public "
        "models, or with model.safetensors, as mscnn install-xvector-model writes; or a name in conf/xvector "
        "(espeak: the demonstration model)",
    )
    p.add_argument(
        "--backend",
        default="auto",
        choices=BACKENDS,
        help="Kaldi's programs (in KALDI_ROOT or PATH), or the same without them; auto: Kaldi where available",
    )
    p.add_argument(
        "--unvoiced",
        default="all-frames",
        choices=UNVOICED,
        help="utterances without a voiced frame: use all frames, write a zero vector, or exclude them",
    )
    p.add_argument("--chunk-size", type=count, default=0, help="maximum frames per chunk; 0: that of the model")
    p.add_argument("--device", default="auto", choices=DEVICES, help="device of the native backend")
    p.add_argument("--nj", type=positive, default=2, help="number of processes; the vectors do not depend on it")
    p.add_argument(
        "--convert",
        type=flag,
        default=False,
        help="resample to the rate of the model and mix channels down (true), or refuse such files (false)",
    )
    p.add_argument("--out", help="output folder for xvector.scp, its archives and xvector.yaml")
    return p


def main() -> None:
    """Parse the options, extract x-vectors, and log the outputs."""
    args = parser().parse_or_plan("data", "out")

    from mscnn.data.datadir import DataDir
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan
    from mscnn.xvector.extract import extract
    from mscnn.xvector.modeldir import XvectorModel

    log = get_logger("extract_xvectors")
    todo = [(args.data, args.model, args.out)]
    if args.plan:
        sets = Plan.load(args.plan).data_sets
        todo = [(data.path, model, out) for data in sets for out, model in data.xvectors.items()]
    if not todo:
        log.info("nothing to do: no model of the plan takes x-vectors of this stage")
    for data, model, out in todo:
        start = time.monotonic()
        with held(of_folder(out), say=log.info):
            vectors, unvoiced = extract(
                DataDir.load(data),
                XvectorModel.load(model),
                out,
                backend=args.backend,
                unvoiced=args.unvoiced,
                chunk_size=args.chunk_size,
                convert=args.convert,
                device=args.device,
                nj=args.nj,
            )
        log.info(
            "wrote %s/xvector.scp: %d x-vectors, %d utterances without a voiced frame, in %.1f s",
            out,
            vectors,
            unvoiced,
            time.monotonic() - start,
        )


if __name__ == "__main__":
    run(main)
