"""What systems read, for the stage script: which stages they need, and which options are for them."""

from mscnn.options import Parser, run


def main() -> None:
    """Print a line a model: name, features (comma between, or none), true|false for text, x-vectors, tuned wav2vec2."""
    parser = Parser("mscnn.bin.model_inputs", "Print what each model reads: NAME FEATURES TEXT XVECTOR TUNES.")
    parser.add_argument("--model", required=True, nargs="+", help="names in conf/models, or .yaml files")
    args = parser.parse_args()

    from mscnn.models import ModelSpec

    for name in args.model:
        spec = ModelSpec.load(name)
        flags = (spec.text, spec.xvector, bool(spec.options.get("wav2vec2")))
        print(spec.name, ",".join(spec.features.values()) or "none", *(str(flag).lower() for flag in flags))


if __name__ == "__main__":
    run(main)
