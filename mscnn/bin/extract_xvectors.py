"""Stage 2: x-vectors of a data directory -> xvector.scp."""

import time

from mscnn.options import Parser, flag, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.extract_xvectors", "Write the x-vector (speaker embedding) of every utterance.")
    p.add_plan("make the x-vectors of all its data sets, with the networks that it names")
    p.add_argument("--data", help="data directory, made by stage 1")
    p.add_argument(
        "--model",
        default="espeak",
        help="folder with final.raw, extract.config, min_chunk_size, max_chunk_size and conf/, as Kaldi's public "
        "models have, or a name in conf/xvector (espeak: the demonstration model)",
    )
    p.add_argument(
        "--backend",
        default="auto",
        choices=["auto", "kaldi", "native"],
        help="Kaldi's programs (found through KALDI_ROOT or PATH), or the same without them; auto: Kaldi where found",
    )
    p.add_argument(
        "--unvoiced",
        default="all-frames",
        choices=["all-frames", "zero", "drop"],
        help="utterances without a voiced frame: take all frames, write a zero vector, or leave them out",
    )
    p.add_argument("--chunk-size", type=int, default=0, help="frames computed at once; 0: the model's own maximum")
    p.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="of the native backend")
    p.add_argument("--nj", type=int, default=2, help="processes at a time; vectors do not depend on it")
    p.add_argument(
        "--convert",
        type=flag,
        default=False,
        help="resample other rates than the model's and mix channels down (true), or refuse such files (false)",
    )
    p.add_argument("--out", help="folder for xvector.scp, its archives and xvector.yaml")
    return p


def main() -> None:
    """Parse the options, extract, say what was written."""
    args = parser().parse_or_plan("data", "out")

    from mscnn.data.datadir import DataDir
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan
    from mscnn.xvector.extract import extract
    from mscnn.xvector.modeldir import XvectorModel

    todo = [(args.data, args.model, args.out)]
    if args.plan:
        sets = Plan.load(args.plan).data_sets
        todo = [(data.path, model, out) for data in sets for out, model in data.xvectors.items()]
    if not todo:
        get_logger("extract_xvectors").info("nothing to do: no model of the plan takes x-vectors of this stage")
    for data, model, out in todo:
        start = time.monotonic()
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
        get_logger("extract_xvectors").info(
            "wrote %s/xvector.scp: %d x-vectors, %d utterances without a voiced frame, in %.1f s",
            out,
            vectors,
            unvoiced,
            time.monotonic() - start,
        )


if __name__ == "__main__":
    run(main)
