"""Emotion over time in one long recording, by a bundle or a trained experiment."""

import argparse
import sys

from mscnn.bin.predict import add_common, load, warn_without_text
from mscnn.options import Parser, flag, run


def seconds(text: str) -> float:
    """Type of a duration."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected seconds, found {text!r}") from None


def main() -> None:
    """Parse the options, predict the windows, and write the segments."""
    parser = Parser("mscnn.bin.timeline", "Print the emotion of each part of a recording, of any length.")
    add_common(parser)
    parser.add_argument("recording", help="audio file, or - for standard input")
    parser.add_argument("--window", type=seconds, default=3.0, help="seconds of speech that an answer is based on")
    parser.add_argument("--hop", type=seconds, default=0.5, help="seconds from one answer to the next")
    parser.add_argument(
        "--vad",
        default="energy",
        choices=("energy", "silero", "none"),
        help="voice activity detection: parts without speech get no label",
    )
    parser.add_argument("--merge", type=flag, default=True, help="join neighbours of the same label and state")
    args = parser.parse_args()

    from mscnn.errors import UserError
    from mscnn.inference.recordings import expanded
    from mscnn.inference.result import merged
    from mscnn.reporting.annotations import write

    with expanded([args.recording]) as recordings:
        if len(recordings) != 1:
            raise UserError(f"{args.recording}: {len(recordings)} recordings, expected one", code="format-single")
        (recording,) = recordings
        model = load(args)
        warn_without_text(model, [None])
        try:
            segments = model.timeline(recording.path, args.window, args.hop, args.vad)
        except UserError as error:
            raise recording.told(error) from None
        answer = (recording.name, merged(segments) if args.merge else segments)
        for piece in write(args.out, [answer], model.classes, timeline=True):
            sys.stdout.write(piece)


if __name__ == "__main__":
    run(main)
