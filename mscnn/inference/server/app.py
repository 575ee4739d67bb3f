"""The service: routes, answers, and the files of the page. See docs/howto/serve.md."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Request, Response, UploadFile, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mscnn import __version__
from mscnn.audio.blocks import AudioFile
from mscnn.errors import UserError
from mscnn.inference.predictor import Predictor
from mscnn.inference.server.batches import Batches
from mscnn.inference.server.limits import BodyLimits, Limits, Refused
from mscnn.inference.server.streaming import Streams

PAGE = {"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/recorder.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; media-src blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


OVERLAP = 10  # most seconds of windows of a timeline, as a multiple of the longest recording


class Answer(BaseModel):
    """Emotion of a recording, or of a part of it; see :class:`mscnn.Result`."""

    label: str | None
    probabilities: dict[str, float]
    confidence: float
    state: str
    text: str | None
    seconds: float
    text_source: str
    notices: list[str]


class Part(Answer):
    """A part of a timeline, in seconds."""

    start: float
    end: float


class Timeline(BaseModel):
    """Consecutive parts of a recording."""

    seconds: float
    segments: list[Part]


class Health(BaseModel):
    """State of the service, and what it serves."""

    status: str
    version: str
    model: str
    classes: list[str]
    takes_text: bool


class Problem(BaseModel):
    """Why there is no answer: a code that programs compare, and a message."""

    error: str
    message: str


PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (408, 413, 422, 503)}
Recording = Annotated[UploadFile, File(description="audio file: wav, flac, ogg, mp3, …")]


def create_app(model: Predictor, limits: Limits | None = None) -> FastAPI:
    """The service of a model."""
    limits = limits or Limits()
    batches, timelines = Batches(model), ThreadPoolExecutor(1, thread_name_prefix="timeline")

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(batches.run())
        yield
        running.cancel()
        timelines.shutdown(wait=False, cancel_futures=True)

    title = f"mscnn: {model.description.name}"
    app = FastAPI(title=title, version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimits, limits=limits)
    app.add_middleware(_Headers)
    _add_errors(app)
    _add_page(app)

    @app.post("/predict", responses=PROBLEMS)
    async def predict(file: Recording, text: Annotated[str | None, Form()] = None) -> Answer:
        """Emotion of a recording; ``text`` is its transcript, if the model takes one."""
        async with _saved(file) as path:
            await run_in_threadpool(_check_duration, path, limits)
            return Answer(**(await batches.predict(path, text)).to_dict())

    @app.post("/timeline", responses=PROBLEMS)
    async def timeline(
        file: Recording,
        window: Annotated[float, Form(ge=0.5, le=60)] = 3.0,
        hop: Annotated[float, Form(ge=0.1, le=60)] = 0.5,
        vad: Annotated[str, Form(pattern="^(energy|silero|none)$")] = "energy",
    ) -> Timeline:
        """Emotion over time: one part every ``hop`` seconds, from the ``window`` seconds around it."""
        async with _saved(file) as path:
            seconds = await run_in_threadpool(_check_duration, path, limits)
            if seconds / hop * window > OVERLAP * limits.seconds:
                raise Refused(422, "timeline-long", f"{seconds:.0f} s with this window and hop; take a longer hop")
            loop = asyncio.get_running_loop()
            segments = await loop.run_in_executor(timelines, model.timeline, path, window, hop, vad)
            return Timeline(seconds=seconds, segments=[Part(**one.to_dict()) for one in segments])

    @app.get("/card", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def card() -> Response:
        """The model card, Markdown."""
        return Response(model.card or "This model has no card.\n", media_type="text/plain; charset=utf-8")

    @app.get("/health")
    async def health() -> Health:
        """Whether the service answers, and the model that it serves."""
        about = model.description
        return Health(
            status="ok",
            version=__version__,
            model=about.name,
            classes=[*model.classes],
            takes_text=model.takes_text,
        )

    streams = Streams(batches, limits)

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        """Emotion over time of samples as they arrive; docs/howto/serve.md has the messages."""
        await streams.serve(socket)

    return app


@contextlib.asynccontextmanager
async def _saved(upload: UploadFile) -> AsyncIterator[str]:
    """Path of a temporary file with an upload; errors name the file of the client instead."""
    name = PurePath((upload.filename or "").replace("\\", "/")).name[-100:] or "recording"
    with tempfile.NamedTemporaryFile(prefix="mscnn-", suffix=".audio") as file:
        await run_in_threadpool(shutil.copyfileobj, upload.file, file)
        file.flush()
        try:
            yield file.name
        except UserError as error:
            raise Refused(422, error.code, str(error).replace(file.name, name)) from None


def _check_duration(path: str, limits: Limits) -> float:
    """Seconds of a file; refuses one that is too long."""
    seconds = AudioFile.open(path).seconds
    if seconds > limits.seconds:
        raise Refused(413, "recording-long", f"{seconds:.0f} s: expected at most {limits.seconds:g} s")
    return seconds


def _add_page(app: FastAPI) -> None:
    def route(path: str, kind: str) -> None:
        name = "page.html" if path == "/" else path[1:]
        content = files("mscnn.inference.server").joinpath("page").joinpath(name).read_bytes()
        app.get(path, include_in_schema=False)(lambda: Response(content, media_type=f"{kind}; charset=utf-8"))

    for path, kind in PAGE.items():
        route(path, kind)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method-unknown"}.get(error.status_code, "request-invalid")
        known = error if isinstance(error, Refused) else Refused(error.status_code, code, str(error.detail))
        return known.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        issues = [f"{'.'.join(map(str, one['loc'][1:]))[:60]}: {one['msg']}" for one in error.errors()[:5]]
        return Refused(422, "request-invalid", "; ".join(issues)).response()

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return Refused(500, "internal", "the server failed; its log has the reason").response()


class _Headers:
    """Middleware (ASGI): HEADERS of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
