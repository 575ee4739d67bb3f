"""Validate data directories."""

from mscnn.options import Parser, run


def main() -> int:
    """Print one line per valid directory and all issues of the others; return 1 where there are issues."""
    parser = Parser("mscnn.bin.validate_data_dir", "Check files, sorting, key sets, speakers and recordings.")
    parser.add_argument("data", nargs="+", metavar="DIR", help="data directory, as stage 1 writes it")
    args = parser.parse_args()

    import sys

    from mscnn.data.datadir import DataDir
    from mscnn.errors import UserError

    failed = 0
    for path in args.data:
        try:
            data = DataDir.load(path)
        except UserError as error:
            failed += 1
            print(f"error[{error.code}]: {error}", file=sys.stderr)
        else:
            hours = sum(data.dur.values()) / 3600
            print(f"{path}: valid: {len(data.utts)} utterances, {len(set(data.spk.values()))} speakers, {hours:.2f} h")
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
