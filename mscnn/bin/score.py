"""Stage 6: predictions of an experiment -> score files, figures, RESULTS.md."""

import time

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, score, print the score lines."""
    parser = Parser("mscnn.bin.score", "Score a finished experiment; print its score lines.")
    parser.add_argument("--exp", required=True, help="folder of the experiment, made by stage 5")
    parser.add_argument(
        "--data", help="data directory that knows speakers, dialogues and other groups; default: that of the experiment"
    )
    args = parser.parse_args()

    from mscnn.evaluation.experiment import Experiment
    from mscnn.log import get_logger
    from mscnn.reporting.results import write_report

    start = time.monotonic()
    lines = write_report(Experiment.load(args.exp), args.data)
    get_logger("score").info(
        "wrote %s/{score_test.txt,score_dev.txt,confusion_test.txt,confusion_test.csv,statistics.json,figures,"
        "RESULTS.md}: %d score lines, in %.1f s",
        args.exp, len(lines), time.monotonic() - start,
    )  # fmt: skip
    for line in lines:
        print(line)


if __name__ == "__main__":
    run(main)
