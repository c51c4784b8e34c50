"""Serving an application: sockets and uvicorn, until the process is told to stop."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mneme.core.errors import InvalidInput
from mneme.server.gate import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_S = 30
KEEP_ALIVE_S = 30
BACKLOG = 2048
_FILES_WANTED = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server listens.

    Args:
        host, port: the address; port 0 takes a free one.
        tls_cert, tls_key: PEM files; both or none.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def check(self, *, keyed: bool) -> None:
        """Check that the address may be served so.

        Raises:
            InvalidInput: without keys on an address that others can reach, or half of what TLS needs.
        """
        if not keyed and not is_loopback(self.host):
            raise InvalidInput({"no-auth": f"is for loopback addresses only, and {self.host} is none; leave it out, and make a key"})
        if (self.tls_cert is None) != (self.tls_key is None):
            raise InvalidInput({"tls": "needs both a certificate and a key; give --tls-cert and --tls-key"})


def serve(app: FastAPI, listening: socket.socket, address: Address, stopping: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM: no new connections are taken, requests that run are finished, streams end.

    Args:
        app: the application.
        listening: where connections come from.
        address: what it is bound to.
        stopping: called on the event loop when the server begins to stop.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets=sockets)

    _allow_many_files()
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=address.tls_cert,
        ssl_keyfile=address.tls_key,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has stopped
        Server(config).run(sockets=[listening])


def bind(address: Address, *, shared: bool = False) -> socket.socket:
    """Return a socket that is bound and does not listen yet; ``shared`` lets other processes bind to the same address.

    Raises:
        InvalidInput: the address can't be bound.
    """
    bound: socket.socket | None = None
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(where)
    except OSError as error:
        if bound is not None:
            bound.close()
        why = error.strerror or str(error)
        raise InvalidInput({"host": f"can't listen on {address.host} port {address.port} ({why}); choose another --port"}) from error
    return bound


def listen(bound: socket.socket) -> socket.socket:
    """Let a bound socket take connections."""
    bound.listen(BACKLOG)
    bound.setblocking(False)
    return bound


def url_of(bound: socket.socket, address: Address) -> str:
    """Return the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"{'https' if address.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _allow_many_files() -> None:
    """Take as many open files as the system gives: every open space needs some ten."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
