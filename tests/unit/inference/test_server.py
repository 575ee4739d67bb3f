"""The service: answers of the predictor, one error with a code for everything else, limits, batches, streams."""

import asyncio
import io
import json
import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from mscnn.audio.blocks import AudioArray
from mscnn.errors import UserError
from mscnn.inference.result import Result
from mscnn.inference.server import batches, serve
from mscnn.inference.server.app import HEADERS, PAGE, create_app
from mscnn.inference.server.batches import Batches
from mscnn.inference.server.limits import BodyLimits, Limits
from mscnn.inference.server.serve import bind, server
from mscnn.inference.server.stream import Windows
from tests.hostile import Client, attack, form
from tests.raises import fails
from tests.unit.inference.random_model import random_predictor

FORM = "multipart/form-data; boundary=x"
LIMITS = Limits(megabytes=0.5, seconds=8.0, requests=3, streams=1, idle_seconds=1.0)


def wav(seconds=1.0, rate=16000, level=0.2):
    """A wav file of noise, as bytes."""
    content = io.BytesIO()
    samples = level * np.random.default_rng(0).standard_normal(round(seconds * rate))
    soundfile.write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


@pytest.fixture(scope="module")
def model():
    return random_predictor("mscnn_no_xvector", filters=4, max_frames=400, max_tokens=9)


@pytest.fixture(scope="module")
def client(model):
    with TestClient(create_app(model, LIMITS)) as one:
        yield one


def post(client, path="/predict", content=None, name="a.wav", **fields):
    return client.post(path, files={"file": (name, wav() if content is None else content)}, data=fields)


def refused(response, status, code):
    assert response.status_code == status and response.json()["error"] == code, response.text
    return response.json()["message"]


def test_a_prediction_is_that_of_the_predictor(client, model, tmp_path):
    (tmp_path / "a.wav").write_bytes(wav())
    for text in (None, "I am happy"):
        answer = post(client, **({"text": text} if text else {})).json()
        assert answer == json.loads(json.dumps(model.predict(tmp_path / "a.wav", text=text).to_dict()))


def test_a_timeline_is_that_of_the_predictor(client, model, tmp_path):
    (tmp_path / "a.wav").write_bytes(wav(4))
    answer = post(client, "/timeline", wav(4), window="2", hop="1", vad="none").json()
    expected = model.timeline(tmp_path / "a.wav", window=2, hop=1, vad="none")
    assert answer == {"seconds": 4.0, "segments": [one.to_dict() for one in expected]} and len(expected) == 4


def test_card_health_and_description(client, model):
    assert client.get("/card").text == model.card
    health = client.get("/health").json()
    assert health["classes"] == [*model.classes] and health["takes_text"] is True and health["status"] == "ok"
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/predict", "/timeline", "/card", "/health"} == {*paths}
    refused(client.get("/docs"), 404, "not-found")


def test_the_page_has_no_address_of_another_server(client):
    for path, kind in PAGE.items():
        response = client.get(path)
        assert response.headers["content-type"].startswith(kind)
        assert "://" not in response.text.replace("http://www.w3.org", "")
        for name, value in HEADERS.items():
            assert response.headers[name] == value


@pytest.mark.parametrize("path", ["/predict", "/timeline"])
@pytest.mark.parametrize(
    "content, code",
    [
        (b"", "audio-empty"),
        (b"no audio" * 99, "audio-unreadable"),
        (wav()[:30], "audio-unreadable"),
        (wav(0), "audio-empty"),
    ],
)
def test_files_that_are_no_recordings(client, path, content, code):
    message = refused(post(client, path, content, "../../etc/mine.wav"), 422, code)
    assert "mine.wav" in message and "/tmp" not in message and "etc" not in message


@pytest.mark.parametrize(
    "path, fields",
    [
        ("/timeline", {"window": "0"}),
        ("/timeline", {"hop": "nan"}),
        ("/timeline", {"hop": "0.001"}),
        ("/timeline", {"vad": "other"}),
        ("/timeline", {"window": "many"}),
    ],
)
def test_values_out_of_range(client, path, fields):
    assert next(iter(fields)) in refused(post(client, path, **fields), 422, "request-invalid")


def test_a_timeline_of_too_many_windows(client):
    refused(post(client, "/timeline", wav(7), window="6", hop="0.1"), 422, "timeline-long")


def test_requests_of_another_form(client):
    refused(client.post("/predict", content=b"{}"), 422, "request-invalid")
    refused(client.post("/predict", data={"file": "text"}), 422, "request-invalid")
    refused(
        client.post("/predict", content=b"--x", headers={"content-type": FORM.partition(";")[0]}),
        400,
        "request-invalid",
    )
    refused(client.get("/predict"), 405, "method-unknown")
    refused(client.get("/../../etc/passwd"), 404, "not-found")


def test_long_recordings_and_large_bodies(client):
    refused(post(client, content=wav(9, 8000)), 413, "recording-long")
    refused(post(client, content=wav(9, 44100)), 413, "body-large")

    def unannounced():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield from [bytes(10_000)] * 60

    refused(client.post("/predict", content=unannounced(), headers={"content-type": FORM}), 413, "body-large")


def http(app, receive, headers=()):
    """Status and error code of a POST whose body comes from ``receive``."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers), "query_string": b""}

    async def call():
        await app(scope, receive, send)

    asyncio.run(call())
    return sent[0]["status"], json.loads(sent[1]["body"])["error"]


async def reads(scope, receive, send):
    while (await receive()).get("more_body"):
        pass


def test_a_slow_body_times_out():
    async def slow():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    app = BodyLimits(reads, Limits(body_seconds=0.2))
    assert http(app, slow) == (408, "body-slow") and app.running == 0


def test_a_claim_is_refused_before_the_body():
    async def never():
        raise AssertionError("the body is not read")

    assert http(BodyLimits(reads, Limits()), never, [(b"content-length", b"1000000000")]) == (413, "body-large")


def test_requests_beyond_the_limit_are_refused_at_once():
    app = BodyLimits(reads, Limits(requests=0))
    assert http(app, None) == (503, "server-busy")


class Slow:
    """A model that notes its batches; recordings named bad have an error, one named broken has a bug."""

    def __init__(self):
        self.batches, self.go = [], threading.Event()

    def predict_many(self, paths, texts, *, errors):
        assert errors == "return"
        self.batches.append([*paths])
        self.go.wait(10)
        if "broken" in paths:
            raise ZeroDivisionError
        return [
            UserError("no", code="bad") if p == "bad" else SimpleNamespace(label=(p, t))
            for p, t in zip(paths, texts, strict=True)
        ]


def test_requests_that_wait_are_one_batch():
    """The answers of a batch go to their own requests, whatever happens to the others."""

    async def scenario():
        model = Slow()
        queue = Batches(model)
        running = asyncio.create_task(queue.run())
        first = asyncio.create_task(queue.predict("first"))
        while not model.batches:
            await asyncio.sleep(0.01)
        names = ["a", "bad", "broken", "b", "gone"]
        rest = [asyncio.create_task(queue.predict(name, name.upper())) for name in names]
        await asyncio.sleep(0.05)
        rest[4].cancel()
        model.go.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
        running.cancel()
        return model.batches, answers

    seen, (first, a, bad, broken, b, gone) = asyncio.run(scenario())
    assert seen[:2] == [["first"], ["a", "bad", "broken", "b"]]
    assert first.label == ("first", None) and a.label == ("a", "A") and b.label == ("b", "B")
    assert bad.code == "bad" and isinstance(broken, ZeroDivisionError) and isinstance(gone, asyncio.CancelledError)


def test_a_batch_has_a_limit(monkeypatch):
    monkeypatch.setattr(batches, "MOST", 2)

    async def scenario():
        model = Slow()
        model.go.set()
        queue = Batches(model)
        waiting = [asyncio.create_task(queue.predict(str(i))) for i in range(5)]
        await asyncio.sleep(0)
        running = asyncio.create_task(queue.run())
        await asyncio.gather(*waiting)
        running.cancel()
        return [*map(len, model.batches)]

    assert asyncio.run(scenario()) == [2, 2, 1]


@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0, 3.0, 3.1, 7.77])
@pytest.mark.parametrize("window, hop", [(3.0, 0.5), (1.0, 1.0), (2.0, 0.7)])
def test_windows_of_a_stream_are_those_of_a_timeline(seconds, window, hop):
    """Whatever the sizes of the messages, and with no more held than a window and a message."""
    from mscnn.inference.parts import pieces, windows

    rate = 100
    samples = np.random.default_rng(0).standard_normal(round(seconds * rate)).astype(np.float32)
    recording = AudioArray(samples[:, None], rate)
    spans = pieces(recording.seconds, hop)
    parts = windows(recording, spans, window, range(len(spans)))
    expected = [(*span, part.samples[:, 0]) for span, part in zip(spans, parts, strict=True)]
    for step in (1, 7, 250):
        stream, got, most = Windows(rate, window, hop), [], 0
        for i in range(0, len(samples), step):
            got += stream.push(samples[i : i + step])
            most = max(most, len(stream._held))
        known = len(got)
        got += stream.finish()
        assert most <= (window + hop) * rate + step and len(got) == len(expected) >= known
        for a, b in zip(got, expected, strict=True):
            assert a[:2] == pytest.approx(b[:2]) and np.array_equal(a[2], b[2])


def test_a_result_comes_as_soon_as_its_window_is_complete():
    stream = Windows(10, 3.0, 0.5)
    known = [len([*stream.push(np.zeros(1, np.float32))]) for _ in range(60)]
    assert sum(known[:29]) == 0 and known[29] == 3  # the first three lie in the first window
    assert sum(known[30:35]) == 1 and sum(known) == 9


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_stream_has_the_timeline(client, model, rate):
    samples = (0.1 * np.random.default_rng(2).standard_normal(4 * rate)).astype("<f4")
    with client.websocket_connect("/stream") as socket:
        socket.send_text(json.dumps({"rate": rate, "window": 2, "hop": 1}))
        for i in range(0, len(samples), 4410):
            socket.send_bytes(samples[i : i + 4410].tobytes())
        socket.send_text('{"end": true}')
        got = [socket.receive_json() for _ in range(4)]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1000
    expected = [one.to_dict() for one in model.timeline(samples, 2, 1, "none", rate)]
    for a, b in zip(got, expected, strict=True):
        assert a.pop("probabilities") == pytest.approx(b.pop("probabilities"), abs=1e-6)
        assert a.pop("confidence") == pytest.approx(b.pop("confidence"), abs=1e-6)
        assert a.pop("seconds") == a["end"] - a["start"] and b.pop("seconds") and a == b


@pytest.mark.parametrize(
    "messages, code",
    [
        (["rubbish"], "stream-message"),
        ([b"1234"], "stream-message"),
        (["[1]"], "stream-message"),
        (['{"rate": 1}'], "stream-options"),
        (['{"rate": "16000"}'], "stream-options"),
        (['{"rate": NaN}'], "stream-options"),
        (['{"rate": 16000, "hop": 4}'], "stream-options"),
        (['{"rate": 16000, "window": 1e99}'], "stream-options"),
        (['{"rate": 16000}', b"123"], "stream-message"),
        (['{"rate": 16000}', np.array([np.nan], "<f4").tobytes()], "audio-not-finite"),
        (['{"rate": 16000}', '{"end": 1}'], "stream-message"),
        (['{"rate": 16000}', '{"end": true}'], "audio-empty"),
        (['{"rate": 16000}'], "stream-idle"),
    ],
)
def test_messages_that_a_stream_refuses(client, messages, code):
    with client.websocket_connect("/stream") as socket:
        for message in messages:
            socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message)
        assert socket.receive_json()["error"] == code
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_streams_beyond_the_limit_and_of_other_sites(client):
    with client.websocket_connect("/stream"), client.websocket_connect("/stream") as second:
        assert second.receive_json()["error"] == "server-busy"
    for _ in range(100):  # until the first has ended
        with client.websocket_connect("/stream", headers={"origin": "https://example.org"}) as other:
            if (code := other.receive_json()["error"]) != "server-busy":
                break
        time.sleep(0.02)
    assert code == "origin"
    with client.websocket_connect("/stream", headers={"origin": "http://testserver"}) as own:
        own.send_text("{}")
        assert own.receive_json()["error"] == "stream-options"


def test_an_unexpected_error_has_no_traceback(model, monkeypatch):
    app = create_app(model, LIMITS)
    monkeypatch.setattr(type(model), "predict_many", lambda *args, **kwargs: 1 / 0)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert "ZeroDivision" not in refused(post(client), 500, "internal")


def test_an_address_that_is_taken():
    with bind("127.0.0.1", 0) as first, fails("port-taken", "127.0.0.1", first.getsockname()[1]):
        bind("127.0.0.1", first.getsockname()[1])
    for host, port in (("nowhere.invalid", 0), ("127.0.0.1", 99999)):
        with fails("port-taken", host):
            bind(host, port)


def test_results_are_plain():
    assert json.dumps(Result(None, {}, 0.0, "silent", None, 1.0).to_dict())


def test_a_slow_head_ends_the_connection(model, monkeypatch):
    """Also that of a second request; an answer that takes its time does not end it, and neither does a stream."""
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.3)
    predict = type(model).predict_many
    monkeypatch.setattr(type(model), "predict_many", lambda *args, **kw: time.sleep(0.5) or predict(*args, **kw))
    bound, running, body = bind("127.0.0.1", 0), server(model, LIMITS), form(wav())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        for whole in (b"", Client(*bound.getsockname()).head("/predict", len(body)) + body):
            with socket.create_connection(bound.getsockname(), timeout=30) as link:
                if whole:
                    link.sendall(whole)
                    assert link.recv(1 << 16).startswith(b"HTTP/1.1 200")
                link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
                while link.recv(1 << 16):  # until the server closes; a timeout raises
                    pass
        with connect(f"ws://127.0.0.1:{bound.getsockname()[1]}/stream") as stream:
            time.sleep(0.5)
            stream.send("{}")
            assert "stream-options" in stream.recv(30)
    finally:
        running.should_exit = True
        thread.join()
        bound.close()


@pytest.mark.slow
def test_many_clients_some_of_them_hostile(model):
    """``python3 -m tests.hostile`` sends a thousand requests to a server in a process of its own."""
    limits = Limits(megabytes=2, body_seconds=1.0, seconds=60.0, requests=12)
    bound, running = bind("127.0.0.1", 0), server(model, limits)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        wrong = attack(Client(*bound.getsockname()), requests=91, hostile=26, clients=8)
        assert wrong == []
    finally:
        running.should_exit = True
        thread.join()
        bound.close()
