"""Predict dev and test with the models of an experiment, also on transcripts of another source."""

from pathlib import Path

from mscnn.device import DEVICES
from mscnn.options import Parser, count, positive, run


def main() -> None:
    """Parse the options, predict, and log the outputs."""
    parser = Parser("mscnn.bin.predict_experiments", "Predict dev and test with trained models.")
    parser.add_plan("predict all its experiments that are tested on other transcripts than those of training")
    parser.add_argument("--exp", type=Path, help="folder of the experiment, written by stage 5")
    parser.add_argument(
        "--text", help="transcripts: gt, or the ASR engine of text.<engine>; default: those of training"
    )
    parser.add_argument("--nj", default=1, type=positive, help="models at a time, in processes")
    parser.add_argument("--jobs-per-device", default=0, type=count, help="models at a time per GPU; 0: --nj")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="device of prediction")
    parser.add_argument("--out", type=Path, help="output folder, for mscnn.bin.score")
    args = parser.parse_or_plan("exp", "out")

    from mscnn.jobs import Settings
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan

    predicted = Plan.load(args.plan).predicted if args.plan else []
    if args.plan and not predicted:  # before torch is imported
        get_logger("predict").info(
            "nothing to do: no experiment of the plan is tested on other transcripts than those of training"
        )
        return

    from mscnn.inference.predict import Request, predict_experiments
    from mscnn.recipe.resources import places

    todo = [Request(Path(row.trained_in), Path(row.exp), row.tested_on) for row in predicted]
    todo = todo or [Request(args.exp, args.out, args.text)]
    here = not Settings.of("predict").elsewhere
    nj, devices = places(args.device, args.nj, args.jobs_per_device) if here else (args.nj, [])
    with held(*(of_folder(one.out) for one in todo)):
        number = predict_experiments(todo, device=args.device, nj=nj, devices=devices)
    get_logger("predict").info("wrote %s: predictions of %d models", ", ".join(str(one.out) for one in todo), number)


if __name__ == "__main__":
    run(main)
