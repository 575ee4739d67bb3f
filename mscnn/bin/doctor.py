"""Stage 0: whether this machine and the corpus have what the run needs."""

from mscnn.options import Parser, flag, run


def main() -> int:
    """Print a line for every check; 1 where something that is needed fails."""
    parser = Parser("mscnn.bin.doctor", "Say what this machine and the corpus have and lack, each with its cure.")
    parser.add_argument("--labels", default="", help="label map that must be sound: name in conf/labels, or .yaml file")
    parser.add_argument("--feature", default=[], nargs="*", help="the same for features: names in conf/features")
    parser.add_argument("--model", default=[], nargs="+", help="the same for systems: names in conf/models")
    parser.add_argument("--protocol", default=[], nargs="+", help="the same for protocols: names in conf/protocols")
    parser.add_argument("--corpus", default="", help="parser that must find its way in the corpus; empty: none")
    parser.add_argument("--corpus-root", default="", help="folder of the corpus")
    parser.add_argument("--voices", type=flag, default=False, help="whether espeak-ng is needed: true or false")
    parser.add_argument("--asr-engine", default=[], nargs="+", help="recognisers that must be installed")
    parser.add_argument("--asr-model", default="", help="model of the recogniser: a name or a folder")
    parser.add_argument("--asr-table", default="", help="transcripts somebody else made, for engine file")
    parser.add_argument("--xvector-model", default="", help="x-vector model that must be there; empty: none")
    parser.add_argument("--xvector-backend", default="auto", choices=("auto", "kaldi", "native"), help="who uses it")
    parser.add_argument("--xvector", default="none", help="xvector.scp that must be there; none: not needed")
    parser.add_argument(
        "--wav2vec2", default="", help="wav2vec 2.0 in place of those that features and systems name; none: not needed"
    )
    parser.add_argument("--embeddings", default="none", help="word vectors that must be there; none: not needed")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where training will run")
    args = parser.parse_args()

    from mscnn.recipe.preflight import Needs, examine

    files = {"--asr-table": args.asr_table, "--xvector": args.xvector, "--embeddings": args.embeddings}
    needs = Needs(
        labels=args.labels,
        features=args.feature,
        models=args.model,
        protocols=args.protocol,
        corpus=args.corpus,
        corpus_root=args.corpus_root,
        voices=args.voices,
        engines=args.asr_engine,
        asr_model=args.asr_model,
        asr_table=args.asr_table,
        xvector_model=args.xvector_model,
        xvector_backend=args.xvector_backend,
        wav2vec2=args.wav2vec2,
        files={option: path for option, path in files.items() if path not in ("", "none")},
        device=args.device,
    )
    failed = 0
    for finding in examine(needs):
        print(finding, flush=True)
        failed += finding.level == "FAIL"
    if failed:
        print(f"{failed} of the above must be mended first")
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
