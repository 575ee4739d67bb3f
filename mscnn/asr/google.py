"""Google Cloud Speech-to-Text (v1), the ASR engine of the MSCNN-SPU paper; charged per minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mscnn.asr.base import RATE, SpeechEngine
from mscnn.audio.pcm import pcm16
from mscnn.errors import UserError
from mscnn.text.language import Language

if TYPE_CHECKING:
    import numpy as np
    from google.api_core.exceptions import GoogleAPIError
    from google.cloud.speech_v1 import SpeechClient

RETRY_TIMEOUT_S = 120.0  # total time of retries where the service does not answer
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Google(SpeechEngine):
    """Synchronous recognition; a local ``endpoint`` (host:port) is used without TLS and credentials."""

    model: str
    language: str
    endpoint: str
    max_seconds: ClassVar[float] = 60.0  # longer audio would need a storage bucket

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "google", "model": self.model, "language": self.language, "endpoint": self.endpoint}

    def open(self) -> Callable[[np.ndarray], str]:
        from google.api_core import exceptions
        from google.api_core.retry import Retry, if_exception_type
        from google.cloud import speech_v1 as speech

        client = self._client()
        config = speech.RecognitionConfig(
            encoding=speech.RecognitionConfig.AudioEncoding.LINEAR16,
            sample_rate_hertz=RATE,
            language_code=self.language,
            model=self.model,
        )
        transient = if_exception_type(exceptions.ServiceUnavailable, exceptions.InternalServerError)
        retry = Retry(transient, initial=0.1, maximum=10.0, timeout=RETRY_TIMEOUT_S)

        def recognise(samples: np.ndarray) -> str:
            audio = speech.RecognitionAudio(content=pcm16(samples).tobytes())
            try:
                response = client.recognize(config=config, audio=audio, retry=retry, timeout=RETRY_TIMEOUT_S)
            except exceptions.GoogleAPIError as error:
                raise UserError(f"{self.endpoint}: {error}; {_fix(error)}", code="engine-failed") from None
            return " ".join(result.alternatives[0].transcript for result in response.results if result.alternatives)

        return recognise

    def _client(self) -> SpeechClient:
        import grpc
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud.speech_v1 import SpeechClient
        from google.cloud.speech_v1.services.speech.transports import SpeechGrpcTransport

        if self.endpoint.rpartition(":")[0] in LOCAL_HOSTS:
            return SpeechClient(transport=SpeechGrpcTransport(channel=grpc.insecure_channel(self.endpoint)))
        try:
            return SpeechClient(client_options={"api_endpoint": self.endpoint})
        except DefaultCredentialsError:
            raise UserError(
                "engine google: no credentials; run: gcloud auth application-default login, or set "
                "GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account",
                code="engine-credentials",
            ) from None


def create(*, model: str = "default", language: str = "en-US", endpoint: str = "speech.googleapis.com") -> Google:
    """The engine; its credentials are checked.

    Raises:
        UserError: the credentials are missing, or the language is unknown.
    """
    engine = Google(model, str(Language.parse(language)), endpoint)
    engine._client()
    return engine


def _fix(error: GoogleAPIError) -> str:
    from google.api_core import exceptions

    fixes = {
        exceptions.Unauthenticated: "renew the credentials: gcloud auth application-default login",
        exceptions.Forbidden: "enable the Speech-to-Text API and billing in the project of your credentials",
        exceptions.TooManyRequests: "quota exceeded: run again later, or with a smaller --nj; finished work is kept",
        exceptions.BadRequest: "check --language and --model against Google's list of supported languages",
        exceptions.NotFound: "check --endpoint",
    }
    default = "check the network, then run again; finished work is kept"
    return next((fix for kind, fix in fixes.items() if isinstance(error, kind)), default)
