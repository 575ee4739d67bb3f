"""Stage 0: check that this machine and the corpus have what the run needs."""

from mscnn.options import Parser, count, flag, positive, run
from mscnn.xvector import BACKENDS


def options() -> Parser:
    """The parser of the options of this command."""
    parser = Parser(
        "mscnn.bin.doctor", "Check what a run needs of this machine and of the corpus; failures have a fix."
    )
    parser.add_plan("check its features, models, networks and ASR engines as well as the machine")
    parser.add_argument("--stages", type=count, nargs=2, default=[0, 6], help="first and last stage that will run")
    parser.add_argument("--corpus", default="", help="parser that must be able to read the corpus; empty: none")
    parser.add_argument("--corpus-root", default="", help="folder of the corpus")
    parser.add_argument("--voices", type=flag, default=False, help="whether espeak-ng makes the corpus: true or false")
    parser.add_argument("--asr-engine", default=[], nargs="*", help="ASR engines in addition to those of the plan")
    parser.add_argument("--asr-model", default="", help="model of the ASR engines: a name or a folder")
    parser.add_argument("--asr-table", default="", help="existing transcripts, for the ASR engine file")
    parser.add_argument("--language", default="", help="spoken language, such as en-US; empty: that of the corpus")
    parser.add_argument("--xvector-backend", default="auto", choices=BACKENDS, help="x-vector extractor of stage 2")
    parser.add_argument("--nj", default=1, type=positive, help="processes at a time")
    return parser


def main() -> int:
    """Print one line per check; returns 1 if a check fails."""
    args = options().parse_args()

    from mscnn.recipe.plan import Plan
    from mscnn.recipe.preflight import Needs, examine

    needs = Needs(
        plan=Plan.load(args.plan) if args.plan else Plan(()),
        stages=(args.stages[0], args.stages[1]),
        corpus=args.corpus,
        root=args.corpus_root,
        voices=args.voices,
        engines=tuple(engine for engine in args.asr_engine if engine != "none"),
        asr_options=(("model", args.asr_model), ("table", args.asr_table), ("language", args.language)),
        xvector_backend=args.xvector_backend,
        nj=args.nj,
    )
    failed = 0
    for finding in examine(needs):
        print(finding, flush=True)
        failed += finding.level == "FAIL"
    if failed:
        print(f"{failed} failed: fix these first")
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
