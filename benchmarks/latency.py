"""What a trained model costs in use, on one core: loading, features, network, ASR, and streams.

    . ./path.sh; python3 benchmarks/latency.py exp/TAG demo --asr-engine faster-whisper

Milliseconds per second of speech are CPU time, for windows of --window seconds, one at a time: ``features`` (with
resampling and the input of the x-vector network), ``xvector``, ``network`` (PyTorch), ``onnx`` (onnxruntime), ``asr``.
``networks`` is the number of networks whose posteriors are averaged. ``rtf`` is the real-time factor of features,
x-vectors and PyTorch: their time divided by that of the speech. ``streams`` is the number of microphones that a core
serves, a window every --hop seconds of each. ``load_s`` and ``first_s`` are CPU seconds of a new process until the
model is loaded, and until its first answer, with start and imports: about what an idle core takes when the files are in
the cache of the system.

The algorithmic latency does not depend on the machine: a part of a timeline is known half a window after its middle.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mscnn.options import Parser, positive, run

COLUMNS = ("model", "networks", "features", "xvector", "network", "onnx", "asr", "rtf", "streams", "load_s", "first_s")
COLD = """
import json, resource, sys
import mscnn
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
model = mscnn.load_model(sys.argv[1])
loaded = cpu()
model.predict(sys.argv[2])
print(json.dumps([loaded, cpu()]))
"""


def main() -> None:
    """Measure, print one line per model, write them to --out."""
    parser = Parser("benchmarks/latency.py", "Time trained models on one core.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="bundles, or folders exp/TAG")
    parser.add_argument("--audio", type=Path, help="a recording of speech; default: noise, which ASR does not fit")
    parser.add_argument("--window", type=float, default=3.0, help="seconds")
    parser.add_argument("--hop", type=float, default=0.5, help="seconds")
    parser.add_argument("--repeat", type=positive, default=20, help="number of windows that are timed")
    parser.add_argument("--asr-engine", help="ASR engine to time; default: none")
    parser.add_argument("--out", help="tab-separated file to write; default: none")
    args = parser.parse_args()

    import tempfile

    from mscnn.files import atomic
    from mscnn.jobs.inprocess import one_thread

    middle = args.window / 2
    print(f"# algorithmic latency: a part of {args.hop:g} s is known {middle:g} s after its middle")
    rows = [COLUMNS]
    print("\t".join(COLUMNS))
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        audio = args.audio or noise(Path(folder) / "noise.wav", args.window)
        for name in args.models:
            rows.append(tuple(measure(name, audio, args)))
            print("\t".join(rows[-1]), flush=True)
    if args.out:
        with atomic(args.out) as out:
            out.writelines("\t".join(row) + "\n" for row in rows)


def noise(path: Path, seconds: float) -> Path:
    """A wav file of noise at 16 kHz whose level changes four times per second, as that of speech."""
    import numpy as np
    import soundfile

    t = np.arange(round(16000 * seconds)) / 16000
    level = 0.1 * (1 + np.sin(2 * np.pi * 4 * t))
    soundfile.write(path, level * np.random.default_rng(0).standard_normal(len(t)).clip(-3, 3) / 3, 16000)
    return path


def measure(name: str, audio: Path, args) -> list[str]:
    """The row of a model."""
    from mscnn.audio.blocks import AudioFile
    from mscnn.inference.frontend import Batch
    from mscnn.inference.load import engine, load_model

    model = load_model(name)
    frontend, networks = model._frontend, model._networks
    recording = AudioFile.open(audio)
    (samples,) = recording.spans([(0, min(round(args.window * recording.rate), recording.frames))])
    seconds = len(samples) / recording.rate
    item = frontend.item(samples, recording.rate)

    def batch() -> Batch:
        return Batch([item], [""], frontend.embedder)

    known = batch()
    embedder = frontend.embedder
    ms = {
        "features": per_second(lambda: frontend.item(samples, recording.rate), seconds, args.repeat),
        "xvector": per_second(lambda: batch().vectors(["0"]), seconds, args.repeat) if embedder else 0.0,
        "network": per_second(lambda: networks.posteriors(known), seconds, args.repeat),
    }
    total = sum(ms.values()) / 1000
    texts = {key: f"{value:.2f}" for key, value in ms.items()}
    texts["networks"] = str(len(model.networks))
    texts["onnx"] = f"{per_second(onnx(model, known), seconds, args.repeat):.2f}"
    if args.asr_engine:
        from mscnn.asr.base import RATE
        from mscnn.audio.read import converted

        transcribe, mono = engine(args.asr_engine, {})[1], converted(samples, recording.rate, RATE)[0]
        texts["asr"] = f"{per_second(lambda: transcribe(mono), seconds, 3):.1f}"
    loaded, first = cold(name, audio)
    streams = args.hop / (total * seconds)
    values = {**texts, "rtf": f"{total:.4f}", "streams": f"{streams:.0f}", "load_s": f"{loaded:.2f}"}
    return [str(model.description.name), *({**values, "first_s": f"{first:.2f}"}.get(key, "-") for key in COLUMNS[1:])]


def onnx(model, batch) -> Callable[[], object]:
    """A function that gives the input of one window to the ONNX graphs of all networks."""
    from mscnn.inference import onnx
    from mscnn.training.splits import read_examples

    graphs = []
    for trained in model.networks:
        content, _ = onnx.convert(trained.model, trained.spec, trained.normalisers.statistics)
        examples = read_examples(trained.spec, batch, batch.utts, trained.vocabulary)
        graphs.append((onnx.open_session(content), examples))
    return lambda: [onnx.scores(session, examples) for session, examples in graphs]


def per_second(function: Callable[[], object], seconds: float, repeat: int) -> float:
    """CPU milliseconds of a call per second of speech, after a call that is not counted."""
    function()
    start = time.process_time()
    for _ in range(repeat):
        function()
    return 1000 * (time.process_time() - start) / repeat / seconds


def cold(name: str, audio: Path) -> tuple[float, float]:
    """CPU seconds of a new process until the model is loaded, and until its first answer; the better of two."""
    command = [sys.executable, "-c", COLD, name, str(audio)]
    results = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(2)]
    return min(results, key=lambda pair: pair[1])


if __name__ == "__main__":
    run(main)
