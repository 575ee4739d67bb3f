"""Google's client with a local gRPC server of the same API."""

import sys
from concurrent import futures

import numpy as np
import pytest

from mscnn.asr import google, make_engine
from mscnn.asr.transcribe import transcribe
from tests.raises import fails

grpc = pytest.importorskip("grpc")
speech = pytest.importorskip("google.cloud.speech_v1")
pytestmark = pytest.mark.asr


class Service:
    """Answers ``Recognize`` with the number of samples, unless ``failures`` has status codes left to raise."""

    def __init__(self):
        self.requests, self.failures = [], []

    def recognize(self, request, context):
        self.requests.append(request)
        if self.failures:
            context.abort(self.failures.pop(0), "as the test wants it")
        samples = len(request.audio.content) // 2
        words = [] if samples == 1000 else [f"{samples} samples", "and more"]
        results = [{"alternatives": [{"transcript": w, "confidence": 0.9}, {"transcript": "worse"}]} for w in words]
        return speech.RecognizeResponse(results=[*results, {}])


@pytest.fixture
def service():
    service = Service()
    method = grpc.unary_unary_rpc_method_handler(
        service.recognize,
        request_deserializer=speech.RecognizeRequest.deserialize,
        response_serializer=speech.RecognizeResponse.serialize,
    )
    server = grpc.server(futures.ThreadPoolExecutor(2))
    handlers = grpc.method_handlers_generic_handler("google.cloud.speech.v1.Speech", {"Recognize": method})
    server.add_generic_rpc_handlers((handlers,))
    service.endpoint = f"localhost:{server.add_insecure_port('localhost:0')}"
    server.start()
    yield service
    server.stop(None)


def test_request_and_answer(service):
    samples = np.linspace(-1, 1, 1600, endpoint=False, dtype=np.float32)
    recognise = google.create(model="latest_short", language="en-GB", endpoint=service.endpoint).open()
    assert recognise(samples) == "1600 samples and more"
    assert recognise(samples[:1000]) == ""
    config = service.requests[0].config
    assert config.encoding == speech.RecognitionConfig.AudioEncoding.LINEAR16
    assert (config.sample_rate_hertz, config.language_code, config.model) == (16000, "en-GB", "latest_short")
    assert service.requests[0].audio.content == np.round(samples * 32768).astype("<i2").tobytes()


def test_stage(service, make_data, tmp_path):
    data = make_data({f"s-{n}": (np.full(n, 0.1), f"{n} samples and more") for n in (1000, 1600, 2000)})
    engine = google.create(endpoint=service.endpoint)
    assert (
        transcribe(data, engine, "google", tmp_path, nj=2)
        == data.text_of("google")
        == {
            "s-1000": "",
            "s-1600": "1600 samples and more",
            "s-2000": "2000 samples and more",
        }
    )
    transcribe(data, engine, "google", tmp_path, nj=2)
    assert len(service.requests) == 3, "paid for once"


def test_transient_failures_are_retried(service):
    service.failures = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
    assert google.create(endpoint=service.endpoint).open()(np.zeros(1600)) == "1600 samples and more"
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "Speech-to-Text API"),
        (grpc.StatusCode.UNAUTHENTICATED, "gcloud auth"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota"),
        (grpc.StatusCode.INVALID_ARGUMENT, "--language"),
    ],
)
def test_permanent_failures_name_the_fix(service, code, hint):
    service.failures = [code]
    with fails("engine-failed", service.endpoint, "as the test wants it", hint):
        google.create(endpoint=service.endpoint).open()(np.zeros(1600))
    assert len(service.requests) == 1


def test_no_server(monkeypatch):
    monkeypatch.setattr(google, "RETRY_TIMEOUT_S", 0.5)
    with fails("engine-failed", "localhost:1"):
        google.create(endpoint="localhost:1").open()(np.zeros(1600))


def test_no_credentials_no_package(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with fails("engine-credentials", "GOOGLE_APPLICATION_CREDENTIALS"):
        google.create(endpoint="speech.googleapis.com")
    monkeypatch.setitem(sys.modules, "google.cloud.speech_v1", None)
    with fails("package-missing", "mscnn[google]"):
        make_engine("google")
