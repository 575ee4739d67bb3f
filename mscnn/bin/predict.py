"""Predict with the models of an experiment, also from transcripts that they were not trained on."""

from pathlib import Path

from mscnn.options import Parser, positive, run


def main() -> None:
    """Parse the options, predict, say what was written."""
    parser = Parser("mscnn.bin.predict", "Predict dev and test again with trained models; nothing is trained.")
    parser.add_plan("predict all that it tests on other transcripts than those of the training")
    parser.add_argument("--exp", type=Path, help="folder of the experiment, made by stage 5")
    parser.add_argument("--text", help="words: gt, or the ASR engine of text.<engine>; default: those trained on")
    parser.add_argument("--nj", default=1, type=positive, help="models at a time, processes")
    parser.add_argument("--jobs-per-device", default=1, type=positive, help="models at a time on each GPU")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to predict")
    parser.add_argument("--out", type=Path, help="folder of the predictions, for mscnn.bin.score")
    args = parser.parse_or_plan("exp", "out")

    from mscnn.inference.predict import Request, predict_experiments
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan
    from mscnn.recipe.resources import places

    todo = [Request(args.exp, args.out, args.text)]
    if args.plan:
        predicted = Plan.load(args.plan).predicted
        todo = [Request(Path(row.trained_in), Path(row.exp), row.tested_on) for row in predicted]
    if not todo:
        get_logger("predict").info("nothing to do: no model is tested on other transcripts than those of its training")
        return
    nj, devices = places(args.device, args.nj, args.jobs_per_device)
    number = predict_experiments(todo, device=args.device, nj=nj, devices=devices)
    get_logger("predict").info("wrote %s: %d models predicted", ", ".join(str(one.out) for one in todo), number)


if __name__ == "__main__":
    run(main)
