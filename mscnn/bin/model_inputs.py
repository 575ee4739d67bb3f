"""What systems read, for the stage script: which stages they need, and whether words are among it."""

from mscnn.options import Parser, run


def main() -> None:
    """Print a line a model: name, features (comma between, or none), then true|false for text and for x-vectors."""
    parser = Parser("mscnn.bin.model_inputs", "Print what each model reads: NAME FEATURES TEXT XVECTOR.")
    parser.add_argument("--model", required=True, nargs="+", help="names in conf/models, or .yaml files")
    args = parser.parse_args()

    from mscnn.models import ModelSpec

    for name in args.model:
        spec = ModelSpec.load(name)
        print(spec.name, ",".join(spec.features.values()) or "none", str(spec.text).lower(), str(spec.xvector).lower())


if __name__ == "__main__":
    run(main)
