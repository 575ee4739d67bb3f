"""Upload a bundle to the Hugging Face hub."""

from mscnn.options import Parser, flag, run


def main() -> None:
    """Parse the options, upload, and log the address."""
    parser = Parser("mscnn.bin.push", "Upload a bundle to the Hugging Face hub; needs the extra hub.")
    parser.add_argument("bundle", help="a folder or a .zip, written by mscnn bundle")
    parser.add_argument("repository", help="repository of the hub, OWNER/NAME; it is created where it is missing")
    parser.add_argument("--private", type=flag, default=False, help="whether a new repository is private")
    args = parser.parse_args()

    from mscnn.inference.hub import push
    from mscnn.log import get_logger

    address = push(args.bundle, args.repository, private=args.private)
    get_logger("push").info("wrote %s", address)


if __name__ == "__main__":
    run(main)
