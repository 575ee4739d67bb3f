"""Stage 6: report.html of a scored experiment."""

import time

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, write the pages, log their sizes."""
    parser = Parser("mscnn.bin.report", "Write report.html of a scored experiment, a single file.")
    parser.add_plan("write the reports of all its experiments")
    parser.add_argument("--exp", help="folder of the experiment, scored by mscnn.bin.score")
    parser.add_argument("--data", help="data directory with the utterances; default: that of the experiment")
    parser.add_argument("--utterance", help="test utterance to show the attention of; default: one of fold 1")
    parser.add_argument(
        "--audio",
        default="near",
        choices=("near", "embed", "none"),
        help="audio players of the worst utterances: link to the files, embed the audio in the page, or none",
    )
    args = parser.parse_or_plan("exp")

    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.recipe.plan import Plan
    from mscnn.reporting.page.page import write_page

    todo = [(args.exp, args.data)]
    if args.plan:
        todo = [(row.exp, row.data) for row in Plan.load(args.plan).rows]
    for exp, data in todo:
        start = time.monotonic()
        with held(of_folder(exp)):
            page = write_page(exp, data, utt=args.utterance, audio=args.audio)
        size, seconds = page.stat().st_size / 1e6, time.monotonic() - start
        get_logger("report").info("wrote %s, %.2f MB, and figures/*.{svg,png,csv} in %.1f s", page, size, seconds)


if __name__ == "__main__":
    run(main)
