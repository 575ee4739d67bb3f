"""Predict with the models of an experiment, also from transcripts that they were not trained on."""

from pathlib import Path

from mscnn.options import Parser, positive, run


def main() -> None:
    """Parse the options, predict, say what was written."""
    parser = Parser("mscnn.bin.predict", "Predict dev and test again with trained models; nothing is trained.")
    parser.add_argument("--exp", required=True, type=Path, help="folder of the experiment, made by stage 5")
    parser.add_argument("--text", help="transcripts: gt, or the ASR engine of text.<engine>; default: those trained on")
    parser.add_argument("--nj", default=1, type=positive, help="models at a time, processes")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to predict")
    parser.add_argument("--out", required=True, type=Path, help="folder of the predictions, for mscnn.bin.score")
    args = parser.parse_args()

    from mscnn.inference.predict import Request, predict_experiments
    from mscnn.log import get_logger

    number = predict_experiments([Request(args.exp, args.out, args.text)], device=args.device, nj=args.nj)
    get_logger("predict").info("wrote %s: %d models predicted", args.out, number)


if __name__ == "__main__":
    run(main)
