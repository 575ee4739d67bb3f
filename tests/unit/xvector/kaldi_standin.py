"""Stand-in for Kaldi's programs in tests of their calls: same command lines and archives, trivial values.

python kaldi_standin.py PROGRAM ARGUMENTS...

A frame has two values: the log energy of its 160 samples, and 1. The "x-vector" of an utterance is: frames that it was
computed from, --chunk-size, --min-chunk-size, whether extract.config was applied. STANDIN_FAIL=PROGRAM makes one fail,
STANDIN_LOSE=PROGRAM:UTT makes one warn and leave an utterance out, STANDIN_SLEEP=1 makes all write PROGRAM.pid and
sleep, STANDIN_NAN=UTT makes an x-vector one that is not finite.
"""

import array
import math
import os
import re
import signal
import struct
import sys
import time
from pathlib import Path

NAME, ARGUMENTS = sys.argv[1], [a for a in sys.argv[2:] if not a.startswith("--")]
OPTIONS = dict(a[2:].split("=", 1) for a in sys.argv[2:] if a.startswith("--"))


def say(kind, message):
    print(f"{kind} ({NAME}[5.5.0-standin]:main():{NAME}.cc:1) {message}", file=sys.stderr)


def stream(specifier, mode):
    path = specifier.partition(":")[2]
    return getattr(sys, "stdin" if mode == "rb" else "stdout").buffer if path == "-" else open(path, mode)


def read(specifier):
    """Yield (key, rows); a vector is one row."""
    if specifier.startswith("scp:"):
        for line in Path(specifier[4:]).read_text(encoding="utf-8").splitlines():
            key, entry = line.split()
            path, offset = entry.split(":")
            with open(path, "rb") as file:
                file.seek(int(offset))
                yield key, rows(file)
        return
    file = stream(specifier, "rb")
    while key := b"".join(iter(lambda: file.read(1).strip(), b"")):
        yield key.decode(), rows(file)


def rows(file):
    kind = file.read(5)
    assert kind in (b"\0BFM ", b"\0BFV "), kind
    sizes = [struct.unpack("<xi", file.read(5))[0] for _ in range(2 if kind == b"\0BFM " else 1)]
    height, width = ([1, *sizes])[-2:]
    values = array.array("f", file.read(4 * height * width))
    return [values[i * width : (i + 1) * width] for i in range(height)]


def write(specifier, items):
    kinds, _, paths = specifier.partition(":")
    ark, _, scp = paths.partition(",")
    lose = os.environ.get("STANDIN_LOSE", ":").split(":")
    done = 0
    with stream(f"ark:{ark}", "wb") as out, open(scp or os.devnull, "w", encoding="utf-8") as table:
        for key, matrix, vector in items:
            if lose == [NAME, key]:
                say("WARNING", f"something is odd with utterance {key}")
                continue
            out.write(key.encode() + b" ")
            table.write(f"{key} {ark}:{out.tell() if scp else 0}\n")
            if vector:
                out.write(b"\0BFV " + struct.pack("<Bi", 4, len(vector)) + array.array("f", vector).tobytes())
            else:
                shape = len(matrix), len(matrix[0]) if matrix else 0
                out.write(b"\0BFM " + struct.pack("<BiBi", 4, shape[0], 4, shape[1]))
                out.write(b"".join(array.array("f", row).tobytes() for row in matrix))
            done += 1
    say("LOG", f"Done {done} utterances")
    return done


def waves():
    while key := b"".join(iter(lambda: sys.stdin.buffer.read(1).strip(), b"")):
        header = sys.stdin.buffer.read(44)
        assert header[:4] == b"RIFF" and header[36:40] == b"data", header
        channels, rate, bits = struct.unpack("<22xHI6xH8x", header)
        assert (channels, rate, bits) == (1, 16000, 16)
        samples = array.array("h", sys.stdin.buffer.read(struct.unpack("<I", header[40:])[0]))
        parts = [samples[i : i + 160] for i in range(0, len(samples) - 159, 160)]
        yield key.decode(), [(math.log(1 + sum(float(x) * x for x in part)), 1.0) for part in parts], None


def main():
    if os.environ.get("STANDIN_FAIL") == NAME:
        say("ERROR", "the last words")
        os._exit(3)
    if os.environ.get("STANDIN_SLEEP"):
        Path(f"{NAME}.pid").write_text(f"{os.getpid()}\n")
        time.sleep(60)
    for config in OPTIONS.keys() & {"config", "nnet-config"}:
        assert re.search("--|output-node", Path(OPTIONS[config]).read_text())
    if NAME == "nnet3-copy":
        source, target = ARGUMENTS
        assert Path(source).read_bytes()[:2] == b"\0B"
        Path(target).write_text("extract.config" if "nnet-config" in OPTIONS else "as it is")
    elif NAME == "compute-mfcc-feats":
        assert OPTIONS["dither"] == "0"
        return write(ARGUMENTS[1], waves())
    elif NAME == "compute-vad":
        vad = [(key, None, [float(row[0] > 10) for row in matrix]) for key, matrix in read(ARGUMENTS[0]) if matrix]
        write(ARGUMENTS[1], vad)
        return any(any(voiced) for *_, voiced in vad)
    elif NAME == "apply-cmvn-sliding":
        assert OPTIONS == {"norm-vars": "false", "center": "true", "cmn-window": "300"}
        return write(ARGUMENTS[1], ((key, matrix, None) for key, matrix in read(ARGUMENTS[0])))
    elif NAME == "select-voiced-frames":
        vad = {key: vector for key, (vector,) in read(ARGUMENTS[1])}
        chosen = ((k, [row for row, v in zip(m, vad[k], strict=True) if v], None) for k, m in read(ARGUMENTS[0]))
        return write(ARGUMENTS[2], chosen)
    elif NAME == "nnet3-xvector-compute":
        facts = [
            int(OPTIONS["chunk-size"]),
            int(OPTIONS["min-chunk-size"]),
            Path(ARGUMENTS[0]).read_text() != "as it is",
        ]
        size = {os.environ.get("STANDIN_NAN"): math.nan}
        return write(ARGUMENTS[2], ((key, None, [size.get(key, len(m)), *facts]) for key, m in read(ARGUMENTS[1])))
    return True


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
sys.exit(0 if main() else 1)
