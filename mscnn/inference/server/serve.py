"""The process of the service: its socket, and uvicorn."""

import asyncio
import ipaddress
import socket

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mscnn.errors import UserError
from mscnn.inference.predictor import Predictor
from mscnn.inference.server.app import create_app
from mscnn.inference.server.limits import Limits
from mscnn.log import get_logger

MESSAGE = 1 << 20  # bytes of a message of a stream
HEAD_SECONDS = 20.0  # in which the head of a request must have arrived


def serve(model: Predictor, limits: Limits, host: str, port: int) -> None:
    """Serve a model until the process is interrupted.

    Raises:
        UserError: the address cannot be used (``port-taken``).
    """
    bound, log = bind(host, port), get_logger("serve")
    log.info("%s: http://%s:%d/ (Ctrl-C ends it)", model.description.name, host, bound.getsockname()[1])
    if not _is_loopback(host):
        log.warning("%s: whoever reaches this address may use the service; there is no authentication", host)
    with bound:
        server(model, limits).run(sockets=[bound])


def server(model: Predictor, limits: Limits) -> uvicorn.Server:
    """A server of a model that is not started yet."""
    config = uvicorn.Config(create_app(model, limits), http=Http, log_level="warning", ws_max_size=MESSAGE)
    return uvicorn.Server(config)


class Http(H11Protocol):
    """HTTP/1.1; a connection is closed where the head of a request has not arrived within HEAD_SECONDS.

    The implementation by h11 limits the size of a head as well.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        super().connection_lost(exc)
        if self._late:
            self._late.cancel()

    def _wait(self) -> None:
        if self._late:
            self._late.cancel()
        self._late = self.loop.call_later(HEAD_SECONDS, self._close_if_headless)

    def _close_if_headless(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def bind(host: str, port: int) -> socket.socket:
    """A socket that takes connections at an address; port 0 takes a free one."""
    try:
        if not 0 <= port < 1 << 16:  # getaddrinfo would take the rest of a division
            raise OSError("no such port")
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        raise UserError(f"{host}:{port}: {error}; choose another --host or --port", code="port-taken") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
