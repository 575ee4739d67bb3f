"""Make a bundle of a trained experiment, or check one."""

from pathlib import Path

from mscnn.options import Parser, flag, positive, run


def main() -> None:
    """Parse the options, write or check a bundle, and log it."""
    parser = Parser(
        "mscnn.bin.bundle", "Make a folder or .zip of a trained experiment for mscnn predict, or check one."
    )
    parser.add_argument("--exp", type=Path, help="folder of the experiment, written by stage 5")
    parser.add_argument("--out", type=Path, help="bundle to write: a folder, or a .zip")
    parser.add_argument(
        "--fold",
        default="all",
        help="networks: all (the mean of their posteriors), best-dev (UA) or a number",
    )
    parser.add_argument("--run", type=positive, default=1, help="run of each fold")
    parser.add_argument("--half", type=flag, default=False, help="store weights in 16 bits: half the size")
    parser.add_argument(
        "--coverage", type=positive, default=90, help="percent of predictions on dev that are not called uncertain"
    )
    parser.add_argument("--licence", default="", help="terms of the weights; default: those of the corpus")
    parser.add_argument(
        "--sample",
        type=Path,
        help="recording of the self-test, .wav or .flac; default: a synthetic vowel, as recordings of "
        "a corpus often must not be passed on",
    )
    parser.add_argument("--sample-text", help="transcript of the sample")
    parser.add_argument("--check", type=Path, help="a bundle: check it, and run its self-test")
    args = parser.parse_args()
    if args.check is None and (args.exp is None or args.out is None):
        parser.error("give --exp and --out, or --check BUNDLE")

    from mscnn.inference.bundle import check_bundle
    from mscnn.inference.load import shipped
    from mscnn.log import get_logger

    logger = get_logger("bundle")
    if args.check is None:
        write(args)
    path = args.out if args.check is None else shipped(args.check)
    model, result = check_bundle(path)
    tested = (
        f"self-test: {result.label} with confidence {result.confidence:.2f}, as expected" if result else "no self-test"
    )
    facts = model.description
    logger.info(
        "%s: %s, networks: %d, classes %s; all digests match; %s",
        path, facts.name, len(facts.networks), ", ".join(facts.classes), tested,
    )  # fmt: skip


def write(args) -> None:
    """Write the bundle that the options describe."""
    from dataclasses import replace

    from mscnn.errors import UserError
    from mscnn.evaluation.experiment import Experiment
    from mscnn.inference.bundle import Sample, write_bundle
    from mscnn.inference.experiment import load_experiment
    from mscnn.inference.load import predictor
    from mscnn.inference.onnx_example import example_code
    from mscnn.inference.onnx_export import metadata
    from mscnn.inference.text_cost import measured
    from mscnn.reporting.bundle_card import bundle_card

    if args.coverage > 100:
        raise UserError(f"--coverage {args.coverage}: expected at most 100 percent", code="coverage-value")
    loaded = load_experiment(args.exp, args.fold, args.run, float(args.coverage))
    loaded = replace(loaded, description=measured(loaded, args.exp))
    code = example_code(metadata(loaded.description, 0, predictor(loaded).networks[0]))
    card = bundle_card(loaded.description, Experiment.load(args.exp), licence=args.licence, half=args.half, code=code)
    sample = Sample(args.sample, args.sample_text) if args.sample else None
    write_bundle(loaded, args.out, card, sample=sample, half=args.half)


if __name__ == "__main__":
    run(main)
