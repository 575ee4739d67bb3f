"""Limits of the service, and the middleware that keeps them: sizes and times of bodies, requests at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Limits:
    """What a client may ask for.

    Attributes:
        megabytes: size of a body.
        body_seconds: time in which a body must have arrived.
        seconds: duration of a recording.
        requests: predictions and timelines at a time, waiting ones included.
        streams: WebSockets at a time.
        idle_seconds: time without a message after which a stream ends.
    """

    megabytes: float = 50.0
    body_seconds: float = 30.0
    seconds: float = 600.0
    requests: int = 64
    streams: int = 8
    idle_seconds: float = 30.0


class Refused(HTTPException):
    """An answer other than 200: status of HTTP, code and message of the error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code

    def response(self) -> JSONResponse:
        """The answer; the connection is closed where the body has not been read."""
        headers = {"Connection": "close"} if self.status_code in (408, 413) else {}
        headers |= {"Retry-After": "1"} if self.status_code == 503 else {}
        return JSONResponse({"error": self.code, "message": self.detail}, self.status_code, headers)


class BodyLimits:
    """Middleware (ASGI): refuses bodies that are too large or too slow, and requests beyond the limit."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.running = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        if self.running >= self.limits.requests:
            refused = Refused(503, "server-busy", f"{self.limits.requests} requests are running; try again")
            await refused.response()(scope, receive, send)
            return
        self.running += 1
        try:
            self._check_claim(scope)
            await self.app(scope, self._limited(receive), send)
        except Refused as refused:
            await refused.response()(scope, receive, send)
        finally:
            self.running -= 1

    def _check_claim(self, scope: Scope) -> None:
        claims = [value for name, value in scope["headers"] if name == b"content-length"]
        if claims and int(claims[0]) > self._most():
            raise self._too_large()

    def _limited(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self.limits.body_seconds
        received, complete = 0, False

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), deadline - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                wait = self.limits.body_seconds
                raise Refused(408, "body-slow", f"the body did not arrive within {wait:g} s") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._most():
                raise self._too_large()
            return message

        return limited

    def _most(self) -> int:
        return int(self.limits.megabytes * 1e6)

    def _too_large(self) -> Refused:
        return Refused(413, "body-large", f"the body is larger than {self.limits.megabytes:g} MB")
