"""Stage 6: a scored experiment -> report.html."""

import time

from mscnn.options import Parser, run


def main() -> None:
    """Parse the options, write the page, say how large it is."""
    parser = Parser("mscnn.bin.report", "Write report.html of a scored experiment: one page that opens from disk.")
    parser.add_argument("--exp", required=True, help="folder of the experiment, scored by mscnn.bin.score")
    parser.add_argument("--data", help="data directory: words, recordings, speakers; default: that of the experiment")
    parser.add_argument("--utterance", help="test utterance whose attention is shown; default: one of fold 1")
    parser.add_argument(
        "--audio",
        default="near",
        choices=("near", "embed", "none"),
        help="players of the worst utterances: of the files where they lie, with the sound in the page, or none",
    )
    args = parser.parse_args()

    from mscnn.log import get_logger
    from mscnn.reporting.page.page import write_page

    start = time.monotonic()
    page = write_page(args.exp, args.data, utt=args.utterance, audio=args.audio)
    get_logger("report").info(
        "wrote %s, %.2f MB, and figures/*.{svg,png,csv} in %.1f s",
        page, page.stat().st_size / 1e6, time.monotonic() - start,
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
