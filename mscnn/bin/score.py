"""Stage 6: score files, figures and RESULTS.md from the predictions of an experiment."""

import time

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, score, print the score lines."""
    parser = Parser("mscnn.bin.score", "Score the predictions of an experiment; print its score lines.")
    parser.add_plan("score all its experiments")
    parser.add_argument("--exp", help="folder of the experiment, written by stage 5")
    parser.add_argument(
        "--data", help="data directory with speakers, dialogues and other groups; default: that of the experiment"
    )
    args = parser.parse_or_plan("exp")

    from mscnn.lock import held, of_folder
    from mscnn.recipe.plan import Plan

    todo = [(args.exp, args.data)]
    if args.plan:
        todo = [(row.exp, row.data) for row in Plan.load(args.plan).rows]
    for exp, data in todo:
        with held(of_folder(exp)):
            _score(exp, data)


def _score(exp: str, data: str | None) -> None:
    from mscnn.evaluation.experiment import Experiment
    from mscnn.log import get_logger
    from mscnn.reporting.results import write_report

    start = time.monotonic()
    lines = write_report(Experiment.load(exp), data)
    files = "score_test.txt,score_dev.txt,confusion_test.txt,confusion_test.csv,statistics.json,figures,RESULTS.md"
    seconds = time.monotonic() - start
    get_logger("score").info("wrote %s/{%s}: %d score lines, in %.1f s", exp, files, len(lines), seconds)
    for line in lines:
        print(line)


if __name__ == "__main__":
    run(main)
