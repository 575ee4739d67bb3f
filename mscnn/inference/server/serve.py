"""The process of the service: its socket, and uvicorn."""

import ipaddress
import socket

import uvicorn

from mscnn.errors import UserError
from mscnn.inference.predictor import Predictor
from mscnn.inference.server.app import create_app
from mscnn.inference.server.limits import Limits
from mscnn.log import get_logger

MESSAGE = 1 << 20  # bytes of a message of a stream


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
    config = uvicorn.Config(create_app(model, limits), log_level="warning", ws_max_size=MESSAGE)
    return uvicorn.Server(config)


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
