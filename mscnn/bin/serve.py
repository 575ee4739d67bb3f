"""Serve a trained model: a web page, predictions and timelines over HTTP."""

from mscnn.device import DEVICES
from mscnn.options import Parser, count, positive, run


def main() -> None:
    """Parse the options, load the model, and serve until interrupted."""
    parser = Parser("mscnn.bin.serve", "Serve a trained model and its page. See docs/howto/serve.md.")
    parser.add_argument("model", metavar="MODEL", help="bundle, or folder exp/TAG of an experiment")
    parser.add_argument("--host", default="127.0.0.1", help="address of the server; there is no authentication")
    parser.add_argument("--port", default=8000, type=count, help="port; 0: a free one")
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="device of the networks")
    parser.add_argument("--fold", default="all", help="of an experiment: all, best-dev or a number")
    parser.add_argument("--asr-engine", help="ASR engine for recordings without a transcript; default: none")
    parser.add_argument("--asr-model", help="model of the ASR engine, a name or a folder; default: that of the engine")
    parser.add_argument("--language", help="spoken language, such as en-US; default: that of the engine")
    parser.add_argument("--max-mb", default=50, type=positive, help="size of a request, in MB")
    parser.add_argument("--body-seconds", default=30, type=positive, help="time in which a request must arrive")
    parser.add_argument("--max-seconds", default=600, type=positive, help="duration of a recording")
    parser.add_argument("--max-requests", default=64, type=positive, help="requests at a time, waiting ones included")
    parser.add_argument("--max-streams", default=8, type=positive, help="microphones at a time")
    args = parser.parse_args()

    from mscnn import packages

    for package in ("fastapi", "uvicorn", "python_multipart", "websockets"):
        packages.check(package, "serve")

    from mscnn.inference.load import load_model
    from mscnn.inference.server.limits import Limits
    from mscnn.inference.server.serve import serve

    limits = Limits(args.max_mb, args.body_seconds, args.max_seconds, args.max_requests, args.max_streams)
    options = {"model": args.asr_model, "language": args.language}
    model = load_model(args.model, args.device, fold=args.fold, asr=args.asr_engine, asr_options=options)
    serve(model, limits, args.host, args.port)


if __name__ == "__main__":
    run(main)
