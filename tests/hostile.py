"""Many clients of ``mscnn serve`` at once, some of them hostile: every request has the answer that it should have.

python3 -m tests.hostile http://127.0.0.1:8000 --requests 1000 --hostile 200 --clients 20 --pid PID

Hostile requests have wrong types, endless bodies, slow bodies, claims of a gigabyte, broken sound files, a
recording that is small and very long, values out of range, rubbish instead of HTTP, and clients that go away.
"""

import argparse
import io
import json
import socket
import struct
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import soundfile

BOUNDARY = "mscnn-test"
PATIENCE = 600  # s without an answer after which a request has failed


def sound(seconds: float, kind: str = "WAV", level: float = 0.2, seed: int = 0) -> bytes:
    """A recording of noise at 16 kHz."""
    content = io.BytesIO()
    samples = level * np.random.default_rng(seed).standard_normal(round(16000 * seconds))
    soundfile.write(content, samples.clip(-1, 1), 16000, format=kind, subtype="PCM_16")
    return content.getvalue()


def form(content: bytes, **fields: str) -> bytes:
    """A body of multipart/form-data with a file."""
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Client:
    """A server's address, and requests to it."""

    host: str
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def head(self, path: str, length: int | None, kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> bytes:
        """Request line and headers; without a ``length`` the body comes in chunks."""
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        return f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()

    def post(self, path: str, body: bytes, **header: str) -> tuple[int, dict]:
        """Status and JSON of the answer to a body."""
        with self.connect() as link:
            link.sendall(self.head(path, len(body), **header) + body)
            return answer(link)

    # ---- hostile requests; each returns the statuses that are right, and the status that came

    def wrong_type(self) -> tuple[set[int], int]:
        return {422}, self.post("/predict", form(b"text, and not a sound" * 100))[0]

    def wrong_form(self) -> tuple[set[int], int]:
        return {422}, self.post("/timeline", b'{"file": 1}', kind="application/json")[0]

    def wrong_value(self) -> tuple[set[int], int]:
        return {422}, self.post("/timeline", form(sound(0.5), window="1e9", hop="-1"))[0]

    def broken_sound(self) -> tuple[set[int], int]:
        content = bytearray(sound(1.0))
        content[22:34] = struct.pack("<HIIH", 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0)  # channels, rates
        return {422}, self.post("/predict", form(bytes(content)))[0]

    def false_length(self) -> tuple[set[int], int]:
        content = bytearray(sound(1.0))
        content[40:44] = struct.pack("<I", 0xFFFFFFF0)  # 4 GB of samples
        return {200, 413, 422}, self.post("/predict", form(bytes(content)))[0]

    def long_and_small(self) -> tuple[set[int], int]:
        return {413}, self.post("/timeline", form(SILENCE))[0]

    def many_fields(self) -> tuple[set[int], int]:
        return {400}, self.post("/predict", form(b"", **{f"field{i}": "x" for i in range(3000)}))[0]

    def gigabyte(self) -> tuple[set[int], int]:
        with self.connect() as link:
            link.sendall(self.head("/predict", 10**9) + form(b"x")[:100])
            return {413}, answer(link)[0]

    def endless(self) -> tuple[set[int], int]:
        chunk = b"%x\r\n%s\r\n" % (1 << 16, bytes(1 << 16))
        first = form(b"")[: -len(f"\r\n--{BOUNDARY}--\r\n")]
        with self.connect() as link:
            try:
                link.sendall(self.head("/predict", None) + b"%x\r\n%s\r\n" % (len(first), first))
                for _ in range(10**5):
                    link.sendall(chunk)
            except OSError:  # the server has closed the connection; the answer may be lost with it
                return {0}, 0
        return {413}, 1

    def slow(self) -> tuple[set[int], int]:
        with self.connect() as link:
            link.sendall(self.head("/predict", 10**6) + form(b"")[:50])
            link.settimeout(0.5)
            for _ in range(2 * PATIENCE):
                try:
                    link.sendall(b"x")
                    return {408}, answer(link)[0]
                except TimeoutError:
                    continue
            return {408}, 0

    def rubbish(self) -> tuple[set[int], int]:
        with self.connect() as link:
            link.sendall(bytes(range(256)) * 4 + b"\r\n\r\n")
            return {400, 0}, answer(link)[0]

    def gone(self) -> tuple[set[int], int]:
        body = form(sound(1.0))
        with self.connect() as link:
            link.sendall(self.head("/predict", len(body)) + body[: len(body) // 2])
        return {0}, 0

    def gone_before_the_answer(self) -> tuple[set[int], int]:
        body = form(sound(1.0))
        with self.connect() as link:
            link.sendall(self.head("/predict", len(body)) + body)
        return {0}, 0


SILENCE = sound(3600, "FLAC", level=0.0)  # an hour in few bytes
HOSTILE = (
    Client.wrong_type,
    Client.wrong_form,
    Client.wrong_value,
    Client.broken_sound,
    Client.false_length,
    Client.long_and_small,
    Client.many_fields,
    Client.gigabyte,
    Client.endless,
    Client.slow,
    Client.rubbish,
    Client.gone,
    Client.gone_before_the_answer,
)


def answer(link: socket.socket) -> tuple[int, dict]:
    """Status and JSON of an answer; 0 where the server has closed the connection without one."""
    content = bytearray()
    try:
        while b"\r\n\r\n" not in content:
            if not (part := link.recv(1 << 16)):
                return 0, {}
            content += part
        head, _, body = bytes(content).partition(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length")]
        while lengths and len(body) < lengths[0] and (part := link.recv(1 << 16)):
            body += part
    except ConnectionError:
        return 0, {}
    try:
        return int(head.split()[1]), json.loads(body)
    except ValueError:
        return int(head.split()[1]), {}


def attack(client: Client, requests: int, hostile: int, clients: int) -> list[str]:
    """Send requests from many clients; returns what was wrong, one line each."""
    recordings = [sound(0.5 + 0.3 * i, level=0.05 * (i + 1), seed=i) for i in range(6)]
    expected = [client.post("/predict", form(one))[1]["probabilities"] for one in recordings]
    spread = set(np.linspace(0, requests - 1, hostile).astype(int).tolist())

    def one(number: int) -> str:
        if number in spread:
            request = HOSTILE[sum(n < number for n in spread) % len(HOSTILE)]
            right, status = request(client)
            return "" if status in right else f"{request.__name__}: {status}, expected {sorted(right)}"
        i = number % len(recordings)
        for _ in range(1000):
            status, got = client.post("/predict", form(recordings[i]))
            if status != 503:
                break
            time.sleep(0.2)  # the server says that it is busy
        if status != 200:
            return f"recording: {status} {got}"
        worst = max(abs(got["probabilities"][name] - p) for name, p in expected[i].items())
        return "" if worst < 1e-5 else f"recording: off by {worst}"

    with ThreadPoolExecutor(clients) as pool:
        return [line for line in pool.map(one, range(requests)) if line]


def memory(pid: int) -> dict[str, float]:
    """MB that a process holds, and the most that it has held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line[:5]: int(line.split()[1]) / 1e3 for line in lines if line.startswith(("VmRSS", "VmHWM"))}


def main() -> None:
    """Attack a server, print what was wrong and its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--hostile", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--pid", type=int)
    args = parser.parse_args()
    place = urlsplit(args.url)
    client = Client(place.hostname or "", place.port or 80)
    client.post("/predict", form(sound(1.0)))
    before, start = memory(args.pid) if args.pid else {}, time.time()
    wrong = attack(client, args.requests, args.hostile, args.clients)
    for line, count in Counter(wrong).most_common():
        print(count, line)
    print(f"{args.requests} requests, {len(wrong)} wrong, {time.time() - start:.0f} s")
    if args.pid:
        print(f"memory in MB: before {before}, after {memory(args.pid)}")


if __name__ == "__main__":
    main()
