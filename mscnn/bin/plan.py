"""Write the plan of a recipe: one line of exp/plan.jsonl per experiment, checked before any stage runs."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.options import Parser, count, flag, run

if TYPE_CHECKING:
    from mscnn.recipe.options import Issues, Options

TRAIN_ARGS = {"set", "tokens", "pieces", "embeddings", "emb_dim", "emb_words", "folds", "runs", "seed"}
TRAIN_ARGS |= {"device", "tensorboard"}
TRAIN = 5  # the first stage that writes into the folders of experiments
PRETRAINED = "network of a feature, a folder, file or hub name; none: the feature is in dump/ already"
VECTORS = "word vectors: a file, a name in conf/embeddings, or word2vec (trained on each training part)"


def parser() -> Parser:
    """The parser of the options of this command."""
    p = Parser("mscnn.bin.plan", __doc__)
    p.add_argument("--model", nargs="*", default=[], help="names in conf/models, or .yaml files")
    p.add_argument("--text", nargs="*", default=["gt"], help="transcripts: gt (reference), ASR engines, none")
    p.add_argument("--protocol", nargs="*", default=[], help="names in conf/protocols, or .yaml files")
    p.add_argument("--grid", default="", help="name in conf/grids, or a .yaml file, instead of --model and --text")
    p.add_argument("--engine", nargs="*", default=[], help="ASR engines of stage 4; the text asr of a grid")
    p.add_argument(
        "--asr-model", default="", help="model of the ASR engines, a name or a folder; empty: their defaults"
    )
    p.add_argument("--language", default="", help="spoken language, such as en-US; empty: that of the corpus")
    p.add_argument("--corpus", default="", help="parser of the corpus, which label maps must be for; empty: any")
    p.add_argument("--labels", required=True, help="label map: name in conf/labels, or a .yaml file")
    p.add_argument("--subset", default="all", help="recordings to take: all, improvised or scripted")
    p.add_argument("--on-bad", default="stop", help="issues in the corpus: stop, or skip the utterances")
    p.add_argument("--usual", default="", help="default data set: the only one that tags do not name")
    p.add_argument("--set", default=[], nargs="*", action="extend", metavar="KEY=VALUE", help="changes of every model")
    p.add_argument("--train-args", default="", help="further options of mscnn.bin.train, separated by blanks")
    p.add_argument("--folds", type=count, default=0, help="number of folds to train, from the first; 0: all")
    p.add_argument("--runs", type=int, default=1, help="repetitions of every fold")
    p.add_argument("--seed", type=int, default=0, help="mixed into every seed")
    p.add_argument("--tokens", default="word", help="unit of text: word or sentencepiece")
    p.add_argument("--embeddings", default="word2vec", help=VECTORS)
    p.add_argument("--xvector", default="extract", help="x-vectors: extract (stage 2), none, or an xvector.scp")
    p.add_argument("--xvector-model", default="espeak", help="x-vector network of stage 2")
    p.add_argument("--xvector-backend", default="auto", help="x-vector extractor of stage 2: auto, kaldi or native")
    p.add_argument("--unvoiced", default="all-frames", help="utterances without voiced frames: all-frames, zero, drop")
    p.add_argument("--wav2vec2", default="", help="wav2vec 2.0 model, a folder or hub name; empty: as configured")
    p.add_argument("--pretrained", nargs="*", default=[], metavar="FEATURE=MODEL", help=PRETRAINED)
    p.add_argument("--trim", default="", help="trim_db of all features; empty: as configured")
    p.add_argument("--device", default="auto", help="device for training: cpu, cuda or auto")
    p.add_argument("--nj", type=int, default=1, help="processes of the stages")
    p.add_argument("--jobs-per-device", type=int, default=0, help="trainings at a time per GPU; 0: what fits")
    p.add_argument("--tag", default="", help="name of the experiment; default: model, text and protocol")
    p.add_argument(
        "--overwrite", type=flag, default=False, help="replace experiments that have other options, true or false"
    )
    p.add_argument("--stages", type=count, nargs=2, default=[0, 6], help="first and last stage that will run")
    p.add_argument("--given", nargs="*", default=[], help="options that the user gave; a grid refuses those it ignores")
    p.add_argument("--shard", default="1/1", help="share of the runs that will be trained: 2/3, the second of three")
    p.add_argument("--caller", default="", help="second folder that relative paths are looked up in")
    p.add_argument("--dry-run", type=flag, default=False, help="check everything, write nothing: true or false")
    p.add_argument("--out", type=Path, default="exp/plan.jsonl", help="file to write")
    return p


def main() -> int:
    """Write the plan, and lock its experiments for run.sh; returns 2 and prints all issues if there are any."""
    args = parser().parse_args()

    from mscnn.errors import UserError
    from mscnn.lock import RECIPE, claim
    from mscnn.log import get_logger
    from mscnn.recipe.cost import estimate
    from mscnn.recipe.make import make_plan
    from mscnn.recipe.options import Issues
    from mscnn.reporting.formats import counted
    from mscnn.training.shard import Shard

    issues = Issues()
    try:
        plan = make_plan(_options(args, issues), issues)
    except UserError as error:
        print(f"error[{error.code}]: {error}", file=sys.stderr)
        return 2
    for sentence in () if args.dry_run else plan.left_out:
        get_logger("plan").warning("%s", sentence)
    if args.dry_run:
        print("".join(f"# {line}".rstrip() + "\n" for line in estimate(plan, args.nj).split("\n")), end="")
    else:
        if args.stages[1] >= TRAIN and RECIPE in os.environ:
            shard = Shard.parse(args.shard)
            claim([shard.lock(row.exp) for row in plan.rows], int(os.environ[RECIPE]))
        plan.write(args.out)
        get_logger("plan").info("wrote %s: %s", args.out, counted(len(plan.rows), "experiment"))
    return 0


def _options(args: argparse.Namespace, issues: Issues) -> Options:
    """The options in the form that the plan takes; issues of --train-args are added to ``issues``."""
    from mscnn.paths import current
    from mscnn.recipe.options import Options, networks, with_paths

    def here(name: str) -> str:
        """A path; one that exists only relative to the caller's folder is joined to that folder."""
        there = os.path.join(args.caller, name)
        return there if name and args.caller and not os.path.exists(name) and os.path.exists(there) else name

    def conf(name: str) -> str:
        return here(name) if name.endswith((".yaml", ".yml")) else name

    def file(name: str) -> str:
        return name if name in ("", "none", "extract") else here(name)

    def vectors(name: str) -> str:
        return here(current("embeddings", name))

    options = Options(
        models=tuple(map(conf, args.model)),
        texts=tuple(args.text),
        protocols=tuple(map(conf, args.protocol)),
        grid=conf(args.grid),
        corpus=args.corpus,
        engines=tuple(engine for engine in args.engine if engine != "none"),
        asr_model=here(args.asr_model),
        language=args.language,
        labels=conf(args.labels),
        subset=args.subset,
        on_bad=args.on_bad,
        usual=args.usual,
        set=with_paths(args.set, conf),
        folds=max(args.folds, 0),
        runs=args.runs,
        seed=args.seed,
        tokens=args.tokens,
        embeddings=vectors(args.embeddings),
        xvector=file(args.xvector),
        xvector_model=file(args.xvector_model),
        xvector_backend=args.xvector_backend,
        unvoiced=args.unvoiced,
        wav2vec2=file(args.wav2vec2),
        pretrained=issues.attempt(networks, args.pretrained, file) or {},
        trim=args.trim,
        device=args.device,
        nj=args.nj,
        jobs_per_device=args.jobs_per_device,
        tag=args.tag,
        overwrite=args.overwrite,
        first=args.stages[0],
        last=args.stages[1],
        given=tuple(args.given),
    )
    given = issues.attempt(_train_args, args.train_args.split()) or {}
    return replace(options, **{**given, "set": (*given.get("set", ()), *options.set)})


def _train_args(words: list[str]) -> dict[str, Any]:
    """Options of mscnn.bin.train in ``words``, by their name in :class:`Options`.

    Raises:
        UserError: mscnn.bin.train has no such option (``option-unknown``), or it is an option of run.sh
            (``option-elsewhere``).
    """
    from mscnn.bin import train
    from mscnn.errors import UserError

    def refuse(message: str) -> None:
        raise UserError(f"--train-args: {message}", code="option-unknown")

    p = train.parser()
    setattr(p, "error", refuse)  # noqa: B010  a method
    for action in p._actions:
        action.required = False
        if action.dest != "config":
            action.default = argparse.SUPPRESS
    given = {name: value for name, value in vars(p.parse_args(words)).items() if name != "config"}
    for name in given.keys() - TRAIN_ARGS:
        option = name.replace("_", "-")
        raise UserError(f"--train-args: give --{option} to run.sh itself", code="option-elsewhere")
    return {**given, "set": tuple(given.get("set", ()))}


if __name__ == "__main__":
    run(main)
