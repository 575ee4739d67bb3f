"""The WebSocket: samples in, parts of a timeline out.

The client sends ``{"rate": 48000}``, with ``window`` and ``hop`` in seconds where they are not 3 and 0.5; then binary
messages of mono samples, float32, little endian; then ``{"end": true}``. The server sends one object per part, as
``POST /timeline`` lists them, and closes; or an object with ``error`` and ``message``.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect

from mscnn.audio.blocks import AudioArray
from mscnn.errors import UserError
from mscnn.files import json_value
from mscnn.inference.result import Segment
from mscnn.inference.server.batches import Batches
from mscnn.inference.server.limits import Limits
from mscnn.inference.server.stream import RATES, Window, Windows

DONE, REFUSED, FAILED, BUSY = 1000, 1008, 1011, 1013  # status codes of WebSockets
LONGEST = 30.0  # s, of a window


class Streams:
    """Streams of a service."""

    def __init__(self, batches: Batches, limits: Limits) -> None:
        self._batches, self._limits, self._running = batches, limits, 0

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client to its end."""
        await socket.accept()
        if self._running >= self._limits.streams:
            await _refuse(socket, BUSY, "server-busy", f"{self._limits.streams} streams are running; try again")
            return
        self._running += 1
        try:
            _check_origin(socket)
            await self._answer(socket)
            await socket.close(DONE)
        except UserError as error:
            await _refuse(socket, REFUSED, error.code, str(error))
        except WebSocketDisconnect:
            pass
        except Exception:
            await _refuse(socket, FAILED, "internal", "the server failed; its log has the reason")
            raise
        finally:
            self._running -= 1

    async def _answer(self, socket: WebSocket) -> None:
        windows = _begin(await self._message(socket))
        while isinstance(message := await self._message(socket), bytes):
            await self._send(socket, windows, windows.push(_samples(message)))
        if _object(message).get("end") is not True:
            raise UserError('expected samples or {"end": true}', code="stream-message")
        if not windows.total:
            raise UserError("the stream has no samples", code="audio-empty")
        await self._send(socket, windows, windows.finish())

    async def _send(self, socket: WebSocket, windows: Windows, complete: Iterator[Window]) -> None:
        for start, end, samples in complete:
            result = await self._batches.predict(AudioArray.of(samples, windows.rate))
            await socket.send_json(Segment(start, end, replace(result, seconds=end - start)).to_dict())

    async def _message(self, socket: WebSocket) -> str | bytes:
        """The next message; the end of a client that is silent for too long."""
        wait = self._limits.idle_seconds
        try:
            message = await asyncio.wait_for(socket.receive(), wait)
        except asyncio.TimeoutError:
            raise UserError(f"no message for {wait:g} s", code="stream-idle") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", DONE))
        text = message.get("text")
        return message["bytes"] if text is None else text


def _begin(message: str | bytes) -> Windows:
    """The windows that the first message asks for."""
    facts = _object(message)
    numbers = [_number(facts.get(key, default)) for key, default in (("rate", 0), ("window", 3.0), ("hop", 0.5))]
    rate, window, hop = numbers
    if not (RATES[0] <= rate <= RATES[1] and rate == int(rate) and 0.1 <= hop <= window <= LONGEST):
        raise UserError(
            f"expected a rate from {RATES[0]} to {RATES[1]} Hz, and seconds with 0.1 <= hop <= window <= {LONGEST:g}",
            code="stream-options",
        )
    return Windows(int(rate), window, hop)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e9 else 0.0


def _object(message: str | bytes) -> dict[str, Any]:
    try:
        value = json_value(message) if isinstance(message, str) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserError('expected an object such as {"rate": 48000}', code="stream-message")
    return value


def _samples(message: bytes) -> np.ndarray:
    if len(message) % 4:
        raise UserError(f"{len(message)} bytes: expected samples of float32, 4 bytes each", code="stream-message")
    samples = np.frombuffer(message, "<f4")
    if not np.isfinite(samples).all():
        raise UserError("samples that are not finite", code="audio-not-finite")
    return samples


def _check_origin(socket: WebSocket) -> None:
    """Refuse pages of other sites: browsers let them open WebSockets anywhere."""
    origin = socket.headers.get("origin")
    if origin and urlsplit(origin).netloc != socket.headers.get("host"):
        raise UserError(f"a page of {origin} may not use this server", code="origin")


async def _refuse(socket: WebSocket, status: int, code: str, message: str) -> None:
    try:
        await socket.send_json({"error": code, "message": message})
        await socket.close(status)
    except (RuntimeError, WebSocketDisconnect):  # the client has gone
        pass
