"""Emotions of recordings, by a bundle or a trained experiment."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mscnn.device import DEVICES
from mscnn.options import Parser, run

if TYPE_CHECKING:
    from mscnn.errors import UserError
    from mscnn.inference.predictor import Predictor
    from mscnn.inference.recordings import Named
    from mscnn.inference.result import Segment

FORMATS = ("tsv", "csv", "json", "jsonl", "rttm", "textgrid", "audacity", "srt")
MOVED = "mscnn predict takes recordings now; the command of stage 5 is mscnn predict-experiments"


def add_common(parser: Parser) -> None:
    """Add the options that prediction and timeline share."""
    parser.add_argument("model", help="bundle (a folder or .zip), exp/TAG, or demo, a bundle of the package")
    parser.add_argument("--fold", default="all", help="of exp/TAG: all (the mean of all folds), best-dev or a number")
    parser.add_argument("--asr-engine", default="none", help="ASR engine for missing transcripts, of systems with text")
    parser.add_argument("--asr-model", help="model of the ASR engine, a name or a folder; default: that of the engine")
    parser.add_argument("--language", help="spoken language, such as en-US; default: that of the engine")
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="device of the networks")
    parser.add_argument("--out", default="tsv", choices=FORMATS, help="format of the answers, on standard output")


def load(args) -> "Predictor":
    """The predictor that the options name."""
    from mscnn.inference.load import load_model

    options = {"model": args.asr_model, "language": args.language}
    return load_model(args.model, args.device, fold=args.fold, asr=args.asr_engine, asr_options=options)


def warn_without_text(model: "Predictor", texts: "list[str | None]") -> None:
    """Log what missing transcripts cost, where the system takes text and some recordings have none."""
    from mscnn.log import get_logger

    missing = sum(text is None for text in texts)
    if missing and model.takes_text and not model.has_asr:
        message = "%d of %d recordings have no transcript; give --text-column or --asr-engine: %s"
        get_logger("predict").warning(message, missing, len(texts), model.without_text)


def main() -> None:
    """Parse the options, predict, and write the answers; files that cannot be used are listed at the end."""
    parser = Parser("mscnn.bin.predict", "Print the emotion of recordings: label, confidence, state, probabilities.")
    add_common(parser)
    parser.add_argument(
        "recordings",
        nargs="*",
        help="audio files, folders of them, a .tsv or .csv table with a column path, a Kaldi wav.scp, or - for "
        "standard input; sample.wav, where there is none, is that of the package",
    )
    parser.add_argument("--text", help="transcript of the recording, where there is one recording")
    parser.add_argument(
        "--text-column", help="column of the transcripts in a table; of a wav.scp: the Kaldi table beside it, as text"
    )
    if any(word.partition("=")[0] in ("--plan", "--exp") for word in sys.argv[1:]):
        parser.error(MOVED)
    args = parser.parse_args()
    if not args.recordings:
        parser.error("no recordings; give audio files, for example: mscnn predict demo sample.wav")

    from mscnn.inference.recordings import expanded
    from mscnn.reporting.annotations import require_single, write

    with expanded(args.recordings, args.text_column) as recordings:
        if args.text is not None and len(recordings) != 1:
            parser.error(f"--text is of one recording, {len(recordings)} are given; use --text-column")
        require_single(args.out, len(recordings))
        model = load(args)
        bad: list[UserError] = []
        texts = [args.text if args.text is not None else one.text for one in recordings]
        warn_without_text(model, texts)
        answers = _answers(model, recordings, texts, bad)
        for piece in write(args.out, answers, model.classes, timeline=False):
            sys.stdout.write(piece)
            sys.stdout.flush()
    if bad:
        from mscnn.inference.answers import unusable

        raise unusable(bad, len(recordings))


def _answers(
    model: "Predictor", recordings: "list[Named]", texts: list[str | None], bad: "list[UserError]"
) -> "Iterator[tuple[str, list[Segment]]]":
    """Name and answer of each recording that can be used, in their order; errors of the others are added to ``bad``."""
    from mscnn.errors import UserError
    from mscnn.inference.result import Segment
    from mscnn.log import progress

    known, following = {}, 0
    paths = progress([one.path for one in recordings], total=len(recordings), desc="predict")
    for number, answer in model.predict_each(paths, texts):
        known[number] = answer
        while following in known:
            result = known.pop(following)
            if isinstance(result, UserError):
                bad.append(recordings[following].told(result))
            else:
                yield recordings[following].name, [Segment(0.0, result.seconds, result)]
            following += 1


if __name__ == "__main__":
    run(main)
