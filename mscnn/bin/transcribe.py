"""Stage 4: transcribe a data directory by an ASR engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mscnn.options import Parser, positive, run

if TYPE_CHECKING:
    from argparse import Namespace

    from mscnn.asr.base import Engine
    from mscnn.recipe.plan import DataSet


def parser() -> Parser:
    """Parser of the options."""
    from mscnn.asr import ENGINES

    p = Parser("mscnn.bin.transcribe", "Write text.<engine> of a data directory, and the word error rate.")
    p.add_plan("transcribe all its data sets with its engines and those of --engine")
    p.add_argument("--data", help="data directory, written by stage 1")
    p.add_argument("--engine", nargs="*", default=[], choices=list(ENGINES), help="ASR engine")
    p.add_argument("--name", help="suffix of the file text.<name>; default: name of the engine")
    p.add_argument("--table", help="engine file: transcripts, lines 'utterance transcript' in bytewise order")
    p.add_argument(
        "--model",
        "--asr-model",
        help="faster-whisper: folder or name (base.en for English, else base); google: name (default 'default')",
    )
    p.add_argument(
        "--language",
        help="BCP 47 tag of the language; default: that of the corpus where it is known, else en-US, the only one of "
        "pocketsphinx; not for engine file",
    )
    p.add_argument("--endpoint", help="google: host:port of the service (default: speech.googleapis.com)")
    p.add_argument("--out", help="output folder for wer, wer_detail.tsv, unfinished work and logs")
    p.add_argument("--nj", type=positive, default=2, help="number of processes; the result does not depend on it")
    return p


def main() -> None:
    """Parse the options, transcribe, and log the outputs."""
    args = parser().parse_or_plan("data", "engine", "out")

    from mscnn.asr import ENGINES
    from mscnn.asr.transcribe import transcribe
    from mscnn.data.datadir import DataDir
    from mscnn.errors import UserError
    from mscnn.evaluation.wer import write_wer
    from mscnn.lock import held, of_folder
    from mscnn.log import get_logger
    from mscnn.paths import why_no_name
    from mscnn.recipe.plan import DataSet, Plan

    log = get_logger("transcribe")
    todo = [(DataSet(args.data or ""), engine, args.out) for engine in args.engine]
    if args.plan:
        todo = [
            (data, engine, f"exp/asr_{engine}/{data.name}")
            for data, engine in Plan.load(args.plan).transcripts(args.engine)
            if engine in ENGINES  # others are text.NAME files of the user
        ]
    if not todo:
        log.info("nothing to do: no experiment of the plan takes ASR transcripts")
    if args.name and (why := why_no_name(args.name)):
        raise UserError(f"--name {args.name}: not the ending of a file: {why}", code="name-invalid")

    engines = [_engine(args, engine, data) for data, engine, _ in todo]  # all are checked before the first transcribes
    for (data_set, engine, out), made in zip(todo, engines, strict=True):
        path = data_set.path
        start, name = time.monotonic(), args.name or engine
        data = DataDir.load(path)
        with held(of_folder(f"{path}.text.{name}"), say=log.info):
            transcripts = transcribe(data, made, name, out, nj=args.nj)
        errors, empty = write_wer(out, data, transcripts, name), sum(not text for text in transcripts.values())
        log.info(
            "wrote %s/text.%s: %d utterances, %d without words, in %.1f s; %s/wer: %s",
            path,
            name,
            len(data.utts),
            empty,
            time.monotonic() - start,
            out,
            errors,
        )
        if empty == len(data.utts):
            log.warning(
                "%s recognised no words in any of the %d utterances: %s/text.%s cannot train a model. Check the "
                "recordings, --language and --model",
                engine,
                empty,
                path,
                name,
            )
        if not errors.words:
            log.warning("%s/text has no words to compare with: the word error rate is undefined (n/a)", path)


def _engine(args: Namespace, name: str, data: DataSet) -> Engine:
    """The ASR engine of this name for the language of a data set, with the options of the command."""
    from mscnn.asr import make_engine, options_of

    language = data.language(args.language or "") if "language" in options_of(name) else args.language
    given = {"table": args.table, "model": args.model, "language": language, "endpoint": args.endpoint}
    return make_engine(name, **{option: value or None for option, value in given.items()})


if __name__ == "__main__":
    run(main)
